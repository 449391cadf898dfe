"""Networks as graphs: made flat, checked, and their parts found (features, embedding, backbone)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.network.branches import before, branches, chain, inputs, last_weighted, maker, weights

FRAME = "frame."
"""What the names of all layers begin with that decide which part of a picture a network sees."""

RANDOM_LAYERS = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout")


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
    copies: list[tuple[Any, Any]] = []

    def copied(layer: Any) -> Any:
        if type(layer).__name__ == "Lambda":
            return layer  # to be refused; Keras does not copy it
        try:
            copy = type(layer).from_config(layer.get_config())
        except (NotImplementedError, TypeError, ValueError) as error:
            raise InvalidSetting(
                f"The layer '{layer.name}' of a nested network cannot be copied. "
                "Give its class a get_config, or connect all layers in one functional model."
            ) from error
        if isinstance(layer, keras.Layer):  # others, such as a division, have no weights
            copies.append((layer, copy))
        return copy

    def called(layer: Any, *arguments: Any, **named: Any) -> Any:
        if type(layer).__name__ == "ConvertToTensor":
            return arguments[0]  # where a nested model began
        if named.get("training") is False and isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
        return layer(*arguments, **named)

    # The layers are part of the nested graphs, too; copies are part of this one alone.
    flat = keras.models.clone_model(model, clone_function=copied, call_function=called)
    for layer, copy in copies:
        copy.set_weights(layer.get_weights())
        if isinstance(copy, keras.layers.Normalization):
            copy.finalize_state()  # it keeps what it computes of its weights
    return flat


def check_flat(model: Any, input_shape: tuple[int, int, int], num_classes: int, name: str) -> None:
    """Refuse a network that the trainer or an explainer could not work with.

    Raises:
        InvalidSetting: it is Sequential, nested or has a `call` of its own, has Lambda layers or
            another input or output than asked for, or ends in a softmax or sigmoid, or in
            something without weights.
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
    last = model.layers[-1]
    activation = getattr(getattr(last, "activation", None), "__name__", "linear")
    if activation != "linear" or type(last).__name__ in ("Softmax", "Sigmoid"):
        refuse(
            f"ends in '{last.name}', which gives probabilities; expected logits",
            "Leave the last activation out: the trainer and the calibration add it.",
        )
    if any(last_weighted(chain(branch)) is None for branch in branches(model.output)):
        refuse(
            "has no layer with weights between its output and its input, or where branches join",
            "End it in a Dense layer that gives the logits.",
        )


def own_layers(model: Any) -> list[Any]:
    """Return the layers in the order of computation, but for those that choose what is seen.

    Those of a frame (`zoo.network.frame`) are the same in every network and never trained with it.
    """
    return [layer for layer in model.layers if not layer.name.startswith(FRAME)]


def feature_maps(model: Any) -> list[Any]:
    """Find the last feature map, a tensor, of each member where logits are joined.

    That is what follows the last convolution at its size. Activations, normalisation and joins
    after the convolution count; pooling to fewer positions does not, and neither do the 1x1
    convolutions on pooled features of channel attention. Empty for a network without a convolution
    that keeps height and width.
    """
    found = []
    for branch in branches(model.output):
        made = before(branch)
        own = [made[id(layer)] for layer in own_layers(model) if id(layer) in made]
        last = _last_feature_map(own)
        if last is not None:
            found.append(last)
    return found


def feature_layer(model: Any) -> Any | None:
    """Find the layer with the last feature map; None of a network that has none, or several."""
    found = feature_maps(model)
    return maker(found[0]) if len(found) == 1 else None


def _last_feature_map(among: list[Any]) -> Any | None:
    from keras.layers import Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D

    convolutions = (Conv2D, Conv2DTranspose, DepthwiseConv2D, SeparableConv2D)
    last, size = None, None
    for tensor in among:
        shape = tensor.shape
        if len(shape) != 4 or tuple(shape[1:3]) == (1, 1):
            continue
        if isinstance(maker(tensor), convolutions):
            last, size = tensor, shape[1:3]
        elif shape[1:3] == size:
            last = tensor
    return last


def embedding(model: Any) -> Any:
    """Return the tensor `(batch, features)` that the last weighted layer sees in use.

    Dropout before it does nothing in use; a feature map is averaged over its places. Where the
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
    return tensor if len(tensor.shape) == 2 else keras.layers.GlobalAveragePooling2D()(tensor)


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


def as_float32(model: Any) -> Any:
    """Return the network, or a copy where it computes in 16 bits: too coarse for gradients."""
    import keras

    if all(layer.compute_dtype == "float32" for layer in model.layers):
        return model

    def copied(layer: Any) -> Any:
        named = {"dtype": "float32"} if isinstance(layer, keras.Layer) else {}
        return type(layer).from_config({**layer.get_config(), **named})

    copy = keras.models.clone_model(model, clone_function=copied)
    copy.set_weights(model.get_weights())
    return copy


def frozen_boundary(model: Any) -> Any | None:
    """Return the tensor behind which every trainable or random layer lies, or None.

    Up to it the network gives the same features for an image in every epoch.
    """
    head: list[Any] = []
    for layer in chain(model.output):
        if weights(layer) and not layer.trainable:
            break
        head.append(layer)
    else:  # to the input, or to where several layers are joined: is there a backbone behind it?
        known = {id(weight) for layer in head for weight in weights(layer)}
        if all(id(weight) in known for layer in own_layers(model) for weight in layer.weights):
            return None
    boundary = None
    for layer in reversed(head):  # weightless layers, such as pooling, still belong to the backbone
        if weights(layer) or type(layer).__name__ in RANDOM_LAYERS:
            boundary = layer.input
            break
    trainable = {id(v) for layer in head if weights(layer) for v in layer.trainable_weights}
    if boundary is None or {id(v) for v in model.trainable_weights} != trainable:
        return None
    return boundary


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
