"""Small networks in ONNX files, as other libraries write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 5
"""Features before the last layer."""


def torch_layout(
    path: Path,
    *,
    outputs: int = 2,
    side: int | str = 24,
    batch: int | str = "batch",
    ending: Sequence[str] = (),
    linear: bool = True,
    opset: int = 17,
    weights: Sequence[np.ndarray] = (),
) -> Path:
    """Write a convolution, a mean and a Gemm, channels first, as PyTorch does; `ending` follows.

    `weights` are those of the convolution (WIDTH, 3, 3, 3) and of the Gemm (outputs, WIDTH) with
    its bias; without them they are random. Without `linear` a convolution gives the outputs.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(1)
    given = list(weights) or [
        random.normal(size=(WIDTH, 3, 3, 3)),
        random.normal(size=(outputs, WIDTH)),
        random.normal(size=outputs),
    ]
    nodes = [
        helper.make_node("Conv", ["pixels", "filters"], ["map"], strides=[2, 2]),
        helper.make_node("Relu", ["map"], ["bent"]),
    ]
    if linear:
        nodes += [
            helper.make_node("GlobalAveragePool", ["bent"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["features"]),
            helper.make_node("Gemm", ["features", "kernel", "bias"], ["answer"], transB=1),
        ]
    else:
        given[1] = given[1][..., None, None]
        nodes += [
            helper.make_node("Conv", ["bent", "kernel", "bias"], ["maps"]),
            helper.make_node("GlobalAveragePool", ["maps"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["answer"]),
        ]
    last = "answer"
    for operator in ending:
        nodes.append(helper.make_node(operator, [last], [f"{last}'"]))
        last += "'"
    names = ("filters", "kernel", "bias")
    graph = helper.make_graph(
        nodes,
        "elsewhere",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [batch, outputs])],
        [
            numpy_helper.from_array(np.asarray(one, np.float32), name)
            for one, name in zip(given, names, strict=True)
        ],
    )
    versions = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=versions, ir_version=8), str(path))
    return path


def of_keras(model: Any, path: Path) -> Path:
    """Write a Keras network by tf2onnx."""
    from zoo.network.export_formats import FORMATS

    FORMATS["onnx"].write(model, path)
    return path


def answers(path: Path, fed: np.ndarray) -> np.ndarray:
    """Return what ONNX Runtime gives for each picture alone, fed as the file wants it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (taken,) = session.get_inputs()
    fed = np.ascontiguousarray(fed, np.float32)
    return np.concatenate([session.run(None, {taken.name: one[None]})[0] for one in fed])
