"""A network in an ONNX file: read, and cut before its last layer, which becomes one of Keras.

So what that layer sees is the network's embedding. No gradient passes the rest of the graph.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting, in_a_line
from zoo.network import onnx_ending
from zoo.network.onnx_ending import Head
from zoo.network.onnx_session import CHANNELS_FIRST, in_batches, session_of
from zoo.network.probabilities import PERCENT, SCALES, are_percentages, logits_of

if TYPE_CHECKING:
    from onnx import ModelProto

CHANNELS = (1, 3)
LOGITS = "logits"
"""The output that counts where there are several."""
TAKEN = ("float16", "float32", "float64")
ALIKE = 1e-3
"""Share of the largest by which a picture's answer may depend on how many are asked for at once."""
PROBABILITIES, PERCENTAGES = "probabilities", "percentages"


@dataclass(frozen=True, eq=False)
class OnnxFile:
    """A file that was read: the graph up to the embedding, and what comes after it.

    `parameters` is how many weights the graph has, without the head. `shape` is that of its input,
    `(height, width, channels)`, None where it is open. `head` is None where the graph does not end
    in a linear layer: its output then stands for the embedding.
    """

    name: str
    graph: bytes
    parameters: int
    shape: tuple[int | None, int | None, int]
    channels_first: bool
    takes: str
    batch: int
    head: Head | None
    activation: str


def read(path: Path) -> OnnxFile:
    """Read an .onnx file, with weights that lie beside it.

    Raises:
        BadInput: it is no such file, or its weights are missing.
        InvalidSetting: a package is missing, or the graph is none that takes pictures.
    """
    check_packages()
    return of_model(loaded(path), path.name)


def loaded(path: Path) -> ModelProto:
    """Load a file as it is.

    Raises:
        BadInput: it is no such file, or its weights are missing.
    """
    import onnx

    try:
        model = onnx.load(str(path))
        if not model.graph.node:
            raise ValueError("there is no graph in it")
    except Exception as error:  # what is damaged fails in many ways
        raise BadInput(
            f"'{path}' cannot be read as an ONNX file ({in_a_line(error).rstrip('.')}). Export the "
            "network again; where weights are in a file of their own, keep it beside this one."
        ) from error
    return model


def check_packages() -> None:
    """Refuse ONNX files where what reads or computes them is missing.

    Raises:
        InvalidSetting: with the command that installs it.
    """
    if missing := [one for one in ("onnx", "onnxruntime") if find_spec(one) is None]:
        raise InvalidSetting(
            f"An ONNX file needs {' and '.join(missing)}, not installed here. "
            "Install with: pip install 'xray-zoo[export]'"
        )


def of_model(model: ModelProto, name: str) -> OnnxFile:
    """Take a graph apart; the model is changed.

    Raises:
        InvalidSetting: it has several inputs or outputs, or takes no pictures.
    """
    from onnx import inliner

    if model.functions:
        model = inliner.inline_local_functions(model)
    graph = model.graph
    pixels = _only_input(graph, name)
    channels_first, sides, batch, takes = _layout(pixels, name)
    output, activation = onnx_ending.ending(graph, _only_output(graph, name))
    linear = onnx_ending.linear(graph, output)
    head, output = (None, output) if linear is None else linear
    onnx_ending.keep_only(graph, output)
    parameters = sum(int(np.prod(one.dims)) for one in graph.initializer)
    try:
        content = model.SerializeToString()
    except Exception as error:  # two kinds, by the implementation of protobuf
        raise InvalidSetting(
            f"'{name}' is larger than the 2 GB that a graph in one piece may have."
        ) from error
    return OnnxFile(
        name, content, parameters, sides, channels_first, takes, batch, head, activation
    )


def network(file: OnnxFile, shape: tuple[int, int, int]) -> tuple[Any, str]:
    """Return a Keras model of pictures of that shape, fed as the file is, and what it gives.

    That is 'probabilities' or 'percentages' where they were turned back to logits, and empty where
    the model's last layer says it by its activation.

    Raises:
        InvalidSetting: ONNX Runtime cannot compute it, or it gives no vector of each picture.
    """
    import keras

    from zoo.network.onnx_graph import OnnxGraph

    file, tried = _tried(file, shape)
    features = tried.shape[1]
    layer = OnnxGraph(
        len(file.graph),
        features,
        file.channels_first,
        file.takes,
        file.batch,
        file.parameters,
        name="onnx",
    )
    layer.set_weights([np.frombuffer(file.graph, np.uint8)])
    pixels = keras.Input(shape)
    given, ending = layer(pixels), ""
    if file.head is None and not file.activation:
        if _are_probabilities(tried):
            given, ending = logits_of(given, single=features == 1), PROBABILITIES
        elif are_percentages(tried):
            given, ending = logits_of(given / PERCENT, single=False), PERCENTAGES
    head = file.head or Head(np.eye(features, dtype=np.float32), np.zeros(features, np.float32))
    dense = keras.layers.Dense(
        len(head.bias), activation=file.activation or None, dtype="float32", name="head"
    )
    model = keras.Model(pixels, dense(given))
    dense.set_weights([head.kernel, head.bias])
    return model, ending


def _tried(file: OnnxFile, shape: tuple[int, int, int]) -> tuple[OnnxFile, np.ndarray]:
    """Compute a few pictures, and see whether several may be asked for at once."""
    noise = np.random.default_rng(0).random((len(SCALES), *shape), np.float32)
    noise *= np.reshape(SCALES, (-1, 1, 1, 1))
    pictures = noise.transpose(CHANNELS_FIRST) if file.channels_first else noise
    pictures = np.ascontiguousarray(pictures, file.takes)
    try:
        session = session_of(file.graph)
        tried = in_batches(session, pictures, file.batch or 1)
    except Exception as error:  # of many kinds
        raise InvalidSetting(
            f"'{file.name}' cannot be computed ({in_a_line(error).rstrip('.')}). Expected "
            "operators of ONNX itself, in a version that the installed ONNX Runtime has, and "
            f"pictures of {shape}: export it again, with a lower opset or another size, or name "
            "the size with --input."
        ) from error
    if tried.ndim != 2 or len(tried) != len(pictures):
        raise InvalidSetting(
            f"'{file.name}' gives {tried.shape[1:]} for a picture; expected one row of numbers."
        )
    if file.batch == 0 and not _answers_together(session, pictures, tried):
        file = replace(file, batch=1)
    return file, tried


def _answers_together(session: Any, pictures: np.ndarray, alone: np.ndarray) -> bool:
    """Tell whether a batch may be of any length: some graphs say so and hold a length inside."""
    try:
        together = in_batches(session, pictures, 0)
    except Exception:  # of many kinds
        return False
    if together.shape != alone.shape:
        return False
    scale = max(1.0, float(np.abs(alone).max()))
    return bool(np.allclose(together, alone, atol=ALIKE * scale, equal_nan=True))


def _are_probabilities(answers: np.ndarray) -> bool:
    inside = bool(((answers >= 0) & (answers <= 1)).all())
    return inside and (answers.shape[1] == 1 or np.allclose(answers.sum(axis=1), 1, atol=ALIKE))


def _only_input(graph: Any, name: str) -> Any:
    known = {one.name for one in graph.initializer}  # old files name weights as inputs, too
    given = [one for one in graph.input if one.name not in known]
    if len(given) != 1:
        raise InvalidSetting(f"'{name}' has {len(given)} inputs; expected one, of pixels.")
    return given[0]


def _only_output(graph: Any, name: str) -> str:
    given = [one.name for one in graph.output]
    if LOGITS in given:
        return LOGITS
    if len(given) != 1:
        raise InvalidSetting(
            f"'{name}' has the outputs {', '.join(given) or '(none)'}; expected one, with the "
            f"classes, or one that is named '{LOGITS}'."
        )
    return given[0]


def _layout(pixels: Any, name: str) -> tuple[bool, tuple[int | None, int | None, int], int, str]:
    """Return whether channels come first, the shape they come last in, batch and type."""
    from onnx import helper

    tensor = pixels.type.tensor_type
    sides = [one.dim_value if one.dim_value > 0 else None for one in tensor.shape.dim]
    first, last = (len(sides) == 4 and sides[at] in CHANNELS for at in (1, 3))
    if first == last:
        told = ", ".join("any" if one is None else str(one) for one in sides)
        raise InvalidSetting(
            f"'{name}' takes input of shape ({told}); expected (batch, channels, height, width) or "
            "(batch, height, width, channels) with 1 or 3 channels."
        )
    takes = str(helper.tensor_dtype_to_np_dtype(tensor.elem_type))
    if takes not in TAKEN:
        raise InvalidSetting(f"'{name}' takes {takes}; expected {' or '.join(TAKEN)}.")
    batch, *rest = sides
    height, width, channels = (*rest[1:], rest[0]) if first else rest
    return first, (height, width, int(channels or 0)), batch or 0, takes
