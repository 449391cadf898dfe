"""The way back from a network's output: one chain of layers, or several where logits are joined.

Layers and operations, such as `x * gate` or those of `keras.ops`, are walked alike.
"""

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


def before(tensor: Any) -> dict[tuple[int, int], Any]:
    """Return all tensors that a tensor is made of, and itself, by the `call` that made each.

    What a tensor is made of comes before it.
    """
    made: dict[tuple[int, int], Any] = {}
    waiting = [(tensor, False)]
    while waiting:
        one, complete = waiting.pop()
        if call(one) in made:
            continue
        if complete:
            made[call(one)] = one
        else:
            waiting += [(one, True), *((given, False) for given in reversed(inputs(one)))]
    return made


def call(tensor: Any) -> tuple[int, int]:
    """Identify the call of a layer or an operation that gives a tensor."""
    operation, number, _ = tensor._keras_history
    return id(operation), number


def passed(tensor: Any) -> list[Any]:
    """Return the tensors through which all goes that a tensor depends on, the input first.

    In a graph they are the dominators: without any one of them nothing of the input is left. The
    branches of a residual block or of a gate are none of them, where they join is one.
    """
    made = before(tensor)
    through: dict[tuple[int, int], set[tuple[int, int]]] = {call(tensor): {call(tensor)}}
    common = None
    for one in reversed(made.values()):  # whoever uses a tensor comes before it
        mine = through[call(one)]
        given = inputs(one)
        for source in given:
            known = through.get(call(source))
            through[call(source)] = {call(source)} | (mine if known is None else known & mine)
        if not given:
            common = mine if common is None else common & mine
    return [one for key, one in made.items() if key in (common or ()) and _alone(one)]


def _alone(tensor: Any) -> bool:
    """Tell whether a tensor is all that its maker gives."""
    operation, number, _ = tensor._keras_history
    return len(operation._inbound_nodes[number].output_tensors) == 1
