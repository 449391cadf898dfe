"""Batch normalisation folded into the convolution before it: the same answers in fewer steps.

In use a layer of batch normalisation multiplies each channel by a number and adds another. Both can
be part of the convolution that it follows, so that its maps need not be read and written again.
Answers differ by rounding alone. What is folded can no longer be trained, nor shuffled by layers.

Source: Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko, *Quantization and Training of
Neural Networks for Efficient Integer-Arithmetic-Only Inference*, 2018, section 3.2.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from zoo.base.errors import InvalidSetting
from zoo.network.branches import before, call, inputs, maker
from zoo.network.copying import Config, copied


def folded(model: Any) -> Any:
    """Return a flat functional model that answers as this one does, for use alone.

    Where there is nothing to fold, or a layer cannot be made again from its configuration, it is
    the model itself.
    """
    pairs = _pairs(model)
    if not pairs:
        return model
    absorbed = {normalisation.name for normalisation in pairs.values()}

    def biased(layer: Any, config: Config) -> Config:
        return {**config, "use_bias": True} if layer.name in pairs else config

    def called(layer: Any, *given: Any, **settings: Any) -> Any:
        return given[0] if layer.name in absorbed else layer(*given, **settings)

    def weights(layer: Any) -> list[np.ndarray] | None:
        if layer.name in absorbed:
            return None
        return _joined(layer, pairs[layer.name]) if layer.name in pairs else layer.get_weights()

    try:
        return copied(model, biased, called, weights)
    except InvalidSetting:
        return model


def _pairs(model: Any) -> dict[str, Any]:
    """Return by the name of each convolution the normalisation that alone takes what it gives."""
    import keras

    outputs = keras.tree.flatten(model.output)
    made = {key: one for output in outputs for key, one in before(output).items()}
    uses = Counter(call(one) for tensor in made.values() for one in inputs(tensor))
    uses.update(call(output) for output in outputs)
    calls = Counter(operation for operation, _ in made)
    pairs = {}
    for tensor in made.values():
        layer = maker(tensor)
        if type(layer) is not keras.layers.BatchNormalization or calls[id(layer)] > 1:
            continue
        given = inputs(tensor)[0]
        convolution = maker(given)
        if (
            type(convolution) in (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
            and calls[id(convolution)] == uses[call(given)] == 1
            and convolution.activation is keras.activations.linear
            and convolution.data_format == "channels_last"
            and layer.axis in (-1, 3)
            and {convolution.compute_dtype, layer.compute_dtype} == {"float32"}
        ):
            pairs[convolution.name] = layer
    return pairs


def _joined(convolution: Any, normalisation: Any) -> list[np.ndarray]:
    """Return kernel and bias that do what both layers do."""
    kernel, *bias = (weight.astype(np.float64) for weight in convolution.get_weights())
    mean, variance = (
        np.asarray(value, np.float64)
        for value in (normalisation.moving_mean, normalisation.moving_variance)
    )
    scale = 1 / np.sqrt(variance + normalisation.epsilon)
    if normalisation.scale:
        scale = scale * np.asarray(normalisation.gamma, np.float64)
    shift = (sum(bias) - mean) * scale
    if normalisation.center:
        shift = shift + np.asarray(normalisation.beta, np.float64)
    by_channel = scale.reshape(kernel.shape[2:]) if _depthwise(convolution) else scale
    return [(kernel * by_channel).astype(np.float32), shift.astype(np.float32)]


def _depthwise(layer: Any) -> bool:
    """Tell whether the channels of a kernel are its two last axes: of the input, and for each."""
    import keras

    return isinstance(layer, keras.layers.DepthwiseConv2D)
