"""The way back from a network's output: one chain of layers, or several where logits are joined."""

from __future__ import annotations

from typing import Any


def maker(tensor: Any) -> Any:
    """Return the layer or operation that gives a tensor."""
    return tensor._keras_history.operation


def inputs(tensor: Any) -> list[Any]:
    """Return the tensors that a tensor is made of.

    A layer that sees several views is called several times: `layer.input` would be the first one.
    """
    operation, call, _ = tensor._keras_history
    return list(operation._inbound_nodes[call].input_tensors)


def chain(tensor: Any) -> list[Any]:
    """Return the layers and operations from a tensor back, for as long as each has one input."""
    links = [maker(tensor)]
    while len(given := inputs(tensor)) == 1:
        tensor = given[0]
        links.append(maker(tensor))
    return links


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
    if last_weighted(chain(tensor)) is not None:
        return [tensor]
    join = tensor
    while len(given := inputs(join)) == 1:
        join = given[0]
    if not given or any(tuple(one.shape) != tuple(tensor.shape) for one in given):
        return [tensor]
    return [branch for one in given for branch in branches(one)]


def before(tensor: Any) -> dict[int, Any]:
    """Return all tensors that a tensor is made of, and itself, by the identity of their maker."""
    seen: dict[int, Any] = {}
    waiting = [tensor]
    while waiting:
        one = waiting.pop()
        if id(maker(one)) not in seen:
            seen[id(maker(one))] = one
            waiting += inputs(one)
    return seen
