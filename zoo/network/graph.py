"""Networks as graphs: made flat, checked, and their parts found (embedding, head, backbone)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.network.branches import (
    before,
    branches,
    call,
    chain,
    inputs,
    last_weighted,
    maker,
    passed,
    weights,
)
from zoo.network.copying import copied
from zoo.network.probabilities import gives_probabilities

FRAME = "frame."
"""What the names of all layers begin with that decide which part of a picture a network sees."""

PACKAGE = "xray_zoo"
"""Under which the layers of a frame are registered with Keras."""

RANDOM_LAYERS = (
    "Dropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "GaussianNoise",
    "GaussianDropout",
    "AlphaDropout",
)
"""Layers that do nothing in use."""


def unnested(model: Any, input_shape: tuple[int, int, int]) -> Any:
    """Return the network as one flat functional model: Sequential and nested models are opened.

    Layers are copied with their weights, and stay frozen where they are; one that is flat already
    is returned as it is. Batch normalisation in a model that is called with `training=False` is
    frozen, for Keras would let it learn. A Sequential model without an input gets `input_shape`.
    A model with a `call` of its own cannot be opened and is left for `check_flat` to refuse.

    Raises:
        InvalidSetting: a layer of a nested model cannot be copied.
    """
    import keras

    if not _opens(model) or not (_is_sequential(model) or any(map(_opens, model.layers))):
        return model
    _give_own_names(model)
    if _is_sequential(model):
        pixels = keras.Input(model.input_shape[1:] if model.built else input_shape)
        model = keras.Model(pixels, model.call(pixels), name=model.name)

    def opened(layer: Any, *arguments: Any, **named: Any) -> Any:
        return (layer.call if _opens(layer) else layer)(*arguments, **named)

    while any(map(_opens, model.layers)):
        model = keras.models.clone_model(
            model, clone_function=lambda layer: layer, call_function=opened
        )

    def called(layer: Any, *arguments: Any, **named: Any) -> Any:
        if type(layer).__name__ == "ConvertToTensor":
            return arguments[0]  # where a nested model began
        if named.get("training") is False and isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
        return layer(*arguments, **named)

    # The layers are part of the nested graphs, too; copies are part of this one alone.
    return copied(model, called=called)


def check_flat(model: Any, input_shape: tuple[int, int, int], num_classes: int, name: str) -> None:
    """Refuse a network that the trainer or an explainer could not work with.

    Raises:
        InvalidSetting: it is Sequential, nested or has a `call` of its own, has Lambda layers or
            another input or output than asked for, gives probabilities, or ends in something
            without weights.
    """
    import keras

    def refuse(received: str, remedy: str) -> None:
        raise InvalidSetting(f"Architecture '{name}' {received}. {remedy}")

    if not isinstance(model, keras.Model) or not _opens(model) or _is_sequential(model):
        refuse(
            f"builds a {type(model).__name__}; expected a functional keras.Model",
            "Connect the layers with keras.Input and calls: explaining needs one graph of layers.",
        )
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            refuse(
                f"has the model '{layer.name}' ({type(layer).__name__}) as a layer, nested in it",
                "Only Sequential and functional models can be opened: connect its layers with "
                "keras.Input and calls instead of a `call` of its own.",
            )
        if type(layer).__name__ == "Lambda":
            refuse(
                f"has the Lambda layer '{layer.name}'",
                "It cannot be loaded safely: use keras.ops or a registered Layer class.",
            )
    if tuple(model.input_shape[1:]) != tuple(input_shape):
        refuse(
            f"takes input of shape {model.input_shape[1:]}; expected {tuple(input_shape)}",
            "Build the network for the input_shape it is given.",
        )
    if tuple(model.output_shape[1:]) != (num_classes,):
        refuse(
            f"gives output of shape {model.output_shape[1:]}; expected ({num_classes},)",
            "The last layer has one logit for each class.",
        )
    if any(last_weighted(chain(branch)) is None for branch in branches(model.output)):
        refuse(
            "has no layer with weights between its output and its input, or where branches join",
            "End it in a Dense layer that gives the logits.",
        )
    if gives_probabilities(model):
        refuse(
            f"ends in '{maker(model.output).name}', which gives probabilities; expected logits",
            "Leave the last activation out: the trainer and the calibration add it.",
        )


def own_layers(model: Any) -> list[Any]:
    """Return the layers in the order of computation, but for those that choose what is seen.

    Those of a frame (`zoo.network.frame`) are the same in every network and never trained with it.
    """
    return [layer for layer in model.layers if not layer.name.startswith(FRAME)]


def attends(model: Any) -> bool:
    """Tell whether a network has layers of attention."""
    import keras

    return any(isinstance(one, keras.layers.MultiHeadAttention) for one in model.layers)


def differentiable(model: Any) -> bool:
    """Tell whether gradients pass all layers; they pass no ONNX graph."""
    return all(getattr(layer, "differentiable", True) for layer in model.layers)


def parameters(model: Any) -> int:
    """Count all weights of a network, those in an ONNX graph too."""
    return sum(layer.count_params() for layer in model.layers)


def embedding(model: Any) -> Any:
    """Return the tensor `(batch, features)` that the last weighted layer sees in use.

    Dropout before it does nothing in use; a feature map is averaged over its places, and tokens or
    steps of a sequence are averaged. Where the
    logits of several members are joined, theirs are put side by side.

    Raises:
        InvalidSetting: there is no such layer before the output, or before branches join there.
    """
    import keras

    tensors = [_embedding_of(branch, model.name) for branch in branches(model.output)]
    return tensors[0] if len(tensors) == 1 else keras.layers.Concatenate()(tensors)


def _embedding_of(output: Any, name: str) -> Any:
    import keras

    if last_weighted(chain(output)) is None:
        raise InvalidSetting(
            f"The network '{name}' has no layer with weights between its output and its "
            "input, or where branches join. End it in a Dense layer that gives the logits."
        )
    while not weights(maker(output)):
        (output,) = inputs(output)
    tensor = inputs(output)[0]
    while type(maker(tensor)).__name__ in RANDOM_LAYERS:
        (tensor,) = inputs(tensor)
    pooling = {
        3: keras.layers.GlobalAveragePooling1D,
        4: keras.layers.GlobalAveragePooling2D,
        5: keras.layers.GlobalAveragePooling3D,
    }
    rank = len(tensor.shape)
    return pooling[rank]()(tensor) if rank in pooling else tensor


def linear_head(model: Any) -> Any | None:
    """Return the dense layer that makes logits of the embedding; None when more is in between."""
    import keras

    for layer in chain(model.output):
        if weights(layer):
            dense = isinstance(layer, keras.layers.Dense) and len(layer.input.shape) == 2
            return layer if dense and _is_linear(layer) else None
        if type(layer).__name__ not in RANDOM_LAYERS and not _is_linear(layer):
            return None
    return None


def frozen_boundary(model: Any) -> Any | None:
    """Return the tensor at which a frozen backbone ends, or None.

    All that is trained lies behind it, and so does dropout that follows the backbone. Up to it the
    network gives the same features for an image in every epoch, unless `random_before` names a
    layer.
    """
    if not model.trainable_weights:
        return None
    made = before(model.output)
    ends = {call(one): one for one in passed(model.output)}
    boundary, frozen, drawn = None, False, False
    for key, tensor in made.items():  # what lies between two ends comes between them here, too
        layer = maker(tensor)
        if weights(layer) and layer.trainable_weights:
            return boundary
        drawn = drawn or _is_random(tensor)
        if weights(layer) and not layer.name.startswith(FRAME):
            frozen, drawn = True, False
        if key in ends and frozen and not drawn:
            boundary = tensor
    return None


def random_before(tensor: Any) -> list[str]:
    """Name the layers that make a tensor another one each time while a network is trained.

    A frozen layer counts as none, as batch normalisation that is frozen does not learn.
    """
    return [maker(one).name for one in before(tensor).values() if _is_random(one)]


def _is_random(tensor: Any) -> bool:
    import keras

    layer = maker(tensor)
    if not isinstance(layer, keras.Layer):
        return False
    # What is no weight among the variables is the state of what draws random numbers.
    return any(
        one.trainable and len(one.variables) > len(one.weights) for one in layer._flatten_layers()
    )


def _opens(layer: Any) -> bool:
    """Tell whether it is a model that only connects layers, without a `call` of its own."""
    import keras

    connects = isinstance(layer, keras.Sequential | keras.Function)
    return connects and type(layer).call.__module__.startswith("keras.")


def _is_sequential(model: Any) -> bool:
    import keras

    return isinstance(model, keras.Sequential)


def _is_linear(layer: Any) -> bool:
    """Tell whether a dense or activation layer ends without a curve."""
    activation = getattr(layer, "activation", None)
    return getattr(activation, "__name__", "") == "linear"


def _give_own_names(model: Any) -> None:
    """Rename layers of nested models that are called like others: in one graph no two may be."""
    taken: dict[str, Any] = {}
    for layer in _leaves(model):
        name, count = layer.name, 1
        while taken.setdefault(name, layer) is not layer:
            count += 1
            name = f"{layer.name}_{count}"
        layer.name = name


def _leaves(model: Any) -> Iterator[Any]:
    for layer in model.layers if _is_sequential(model) else model.operations:
        if _opens(layer):
            yield from _leaves(layer)
        else:
            yield layer
