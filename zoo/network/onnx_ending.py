"""What an ONNX graph ends in: an activation and a linear layer, which are cut off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto

ENDINGS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
"""Operators at the end, and the activation under which their input gives the same answer."""
PASSED = ("Cast", "Dropout", "Identity")
"""Operators that change nothing of what they are given."""


@dataclass(frozen=True, eq=False)
class Head:
    """A linear last layer: `kernel` is `(features, outputs)`, `bias` `(outputs,)`, float32."""

    kernel: np.ndarray
    bias: np.ndarray


def ending(graph: Any, tensor: str) -> tuple[str, str]:
    """Go back over what is no layer; return the tensor before a last activation, and its name."""
    activation = ""
    while (node := _maker(graph, tensor)) is not None:
        if node.op_type in ENDINGS and not activation and _of_classes(node):
            activation = ENDINGS[node.op_type]
        elif node.op_type not in PASSED:
            break
        tensor = node.input[0]
    return tensor, activation


def _of_classes(node: NodeProto) -> bool:
    """Tell whether it is over the classes, the second and last of two axes."""
    return all(one.i in (1, -1) for one in node.attribute if one.name == "axis")


def linear(graph: Any, tensor: str) -> tuple[Head, str] | None:
    """Return the linear layer that makes a tensor, and the tensor that it sees; None: none does."""
    node = _maker(graph, tensor)
    if node is None:
        return None
    if node.op_type == "Gemm":
        return _general(graph, node)
    if node.op_type == "MatMul":
        return _product(graph, node, None)
    if node.op_type == "Add":
        for one, other in (node.input, reversed(node.input)):
            product, bias = _maker(graph, one), _constant(graph, other)
            if product is not None and product.op_type == "MatMul" and bias is not None:
                return _product(graph, product, bias)
    return None


def _general(graph: Any, node: NodeProto) -> tuple[Head, str] | None:
    """Read Gemm: alpha times the product, and beta times what is added."""
    from onnx import helper

    set_to = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    kernel = _constant(graph, node.input[1])
    added = len(node.input) > 2 and bool(node.input[2])
    bias = _constant(graph, node.input[2]) if added else None
    if kernel is None or (added and bias is None) or set_to.get("transA"):
        return None
    kernel = set_to.get("alpha", 1.0) * (kernel.T if set_to.get("transB") else kernel)
    return _headed(kernel, None if bias is None else set_to.get("beta", 1.0) * bias, node.input[0])


def _product(graph: Any, node: NodeProto, bias: np.ndarray | None) -> tuple[Head, str] | None:
    kernel = _constant(graph, node.input[1])
    return None if kernel is None else _headed(kernel, bias, node.input[0])


def _headed(kernel: np.ndarray, bias: np.ndarray | None, seen: str) -> tuple[Head, str] | None:
    if kernel.ndim != 2:
        return None
    outputs = kernel.shape[1]
    bias = np.zeros(outputs) if bias is None else bias.ravel()
    if bias.size not in (1, outputs):
        return None
    spread = np.broadcast_to(bias.astype(np.float32), outputs)
    return Head(kernel.astype(np.float32), spread), seen


def _constant(graph: Any, tensor: str) -> np.ndarray | None:
    """Return the value of a weight; None of what depends on the pictures."""
    from onnx import numpy_helper

    for one in graph.initializer:
        if one.name == tensor:
            return numpy_helper.to_array(one)
    node = _maker(graph, tensor)
    if node is None:
        return None
    if node.op_type == "Constant":
        tensors = [one.t for one in node.attribute if one.name == "value"]
        return numpy_helper.to_array(tensors[0]) if tensors else None
    if node.op_type in ("Identity", "Cast"):
        return _constant(graph, node.input[0])
    if node.op_type == "Transpose":
        value = _constant(graph, node.input[0])
        return None if value is None or value.ndim != 2 else value.T
    return None


def _maker(graph: Any, tensor: str) -> NodeProto | None:
    return next((node for node in graph.node if tensor in node.output), None)


def keep_only(graph: Any, output: str) -> None:
    """Leave in a graph what its new `output` needs, and nothing else."""
    import onnx

    needed, nodes = {output}, []
    for node in reversed(graph.node):  # in the order of computation, as ONNX demands
        if needed.intersection(node.output):
            nodes.append(node)
            needed |= {name for name in _used(node) if name}
    for field, kept in (
        (graph.node, nodes[::-1]),
        (graph.initializer, [one for one in graph.initializer if one.name in needed]),
        (graph.input, [one for one in graph.input if one.name in needed]),
        (graph.output, [onnx.ValueInfoProto(name=output)]),
        (graph.value_info, []),
    ):
        copies = [type(one).FromString(one.SerializeToString()) for one in kept]
        del field[:]
        field.extend(copies)


def _used(node: NodeProto) -> Iterable[str]:
    """Yield the names of all that a node uses, in graphs inside it, too."""
    yield from node.input
    for one in node.attribute:
        for inner in (one.g, *one.graphs):
            for part in inner.node:
                yield from _used(part)
            yield from (output.name for output in inner.output)
