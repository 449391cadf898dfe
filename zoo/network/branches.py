"""The way back from a network's output: one chain of layers, or several where logits are joined."""

from __future__ import annotations

from typing import Any


def chain(tensor: Any) -> list[Any]:
    """Return the layers and operations from a tensor back, for as long as each has one input."""
    links = []
    while True:
        layer = tensor._keras_history.operation
        links.append(layer)
        inputs = getattr(layer, "input", None)
        if not hasattr(inputs, "_keras_history") or inputs is tensor:
            return links
        tensor = inputs


def weights(layer: Any) -> list[Any]:
    """Return the weights of a layer; an operation that is no layer has none."""
    return getattr(layer, "weights", [])


def last_weighted(links: list[Any]) -> int | None:
    """Return the place in a chain of the layer with weights that is nearest to the output."""
    return next((place for place, layer in enumerate(links) if weights(layer)), None)


def branches(tensor: Any) -> list[Any]:
    """Return the tensors that are joined, without weights, to this one; itself if it is none.

    They are the logits of the members of an ensemble: of the same shape, each with a layer with
    weights behind it.
    """
    links = chain(tensor)
    inputs = getattr(links[-1], "input", None)
    if last_weighted(links) is not None or not isinstance(inputs, list | tuple):
        return [tensor]
    if any(tuple(one.shape) != tuple(tensor.shape) for one in inputs):
        return [tensor]
    return [branch for one in inputs for branch in branches(one)]


def before(tensor: Any) -> set[int]:
    """Return the identities of all operations that a tensor is made by."""
    seen: set[int] = set()
    waiting = [tensor]
    while waiting:
        operation = waiting.pop()._keras_history.operation
        if id(operation) not in seen:
            seen.add(id(operation))
            inputs = getattr(operation, "input", [])
            waiting += [
                one
                for one in (inputs if isinstance(inputs, list | tuple) else [inputs])
                if hasattr(one, "_keras_history") and one._keras_history.operation is not operation
            ]
    return seen
