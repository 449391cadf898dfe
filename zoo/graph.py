"""Find the parts of a flat functional network: its embedding and its frozen backbone."""

from __future__ import annotations

from typing import Any

from zoo.errors import InvalidSetting

RANDOM_LAYERS = ("Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout")


def check_flat(model: Any, input_shape: tuple[int, int, int], num_classes: int, name: str) -> None:
    """Refuse a network that the trainer or an explainer could not work with.

    Raises:
        InvalidSetting: it is nested or Sequential, has Lambda layers or another input or output
            than asked for, or ends in a softmax or sigmoid.
    """
    import keras

    def refuse(received: str, remedy: str) -> None:
        raise InvalidSetting(f"Architecture '{name}' {received}. {remedy}")

    if not isinstance(model, keras.Model) or isinstance(model, keras.Sequential):
        refuse(
            f"builds a {type(model).__name__}; expected a functional keras.Model",
            "Explainers need one flat graph: connect the layers with keras.Input and calls.",
        )
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            refuse(
                f"has the nested model '{layer.name}'",
                "Build the backbone on the same input (input_tensor=...): the graph must be flat.",
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


def embedding(model: Any) -> Any:
    """Return the tensor `(batch, features)` that the last weighted layer sees in use.

    Dropout before it does nothing in use; a feature map is averaged over its places.
    """
    import keras

    chain = _chain(model)
    last = next(index for index, layer in enumerate(chain) if layer.weights)
    tensor = chain[last].input
    for layer in chain[last + 1 :]:
        if type(layer).__name__ not in RANDOM_LAYERS:
            break
        tensor = layer.input
    return tensor if len(tensor.shape) == 2 else keras.layers.GlobalAveragePooling2D()(tensor)


def frozen_boundary(model: Any) -> Any | None:
    """Return the tensor behind which every trainable or random layer lies, or None.

    Up to it the network gives the same features for an image in every epoch.
    """
    head: list[Any] = []
    for layer in _chain(model):
        if layer.weights and not layer.trainable:
            break
        head.append(layer)
    else:
        return None
    boundary = None
    for layer in reversed(head):  # weightless layers, such as pooling, still belong to the backbone
        if layer.weights or type(layer).__name__ in RANDOM_LAYERS:
            boundary = layer.input
            break
    trainable = {id(v) for layer in head for v in layer.trainable_weights}
    if boundary is None or {id(v) for v in model.trainable_weights} != trainable:
        return None
    return boundary


def _chain(model: Any) -> list[Any]:
    """Return the layers from the output backwards for as long as each has one input."""
    chain, tensor = [], model.output
    while True:
        layer = tensor._keras_history.operation
        chain.append(layer)
        inputs = getattr(layer, "input", None)
        if not hasattr(inputs, "_keras_history") or inputs is tensor:
            return chain
        tensor = inputs
