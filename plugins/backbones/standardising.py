"""Features brought to one scale by what a network's own layers tell of them, without any image."""

from __future__ import annotations

from typing import Any

import numpy as np

REACH, STEPS = 6.0, 1201
"""Standard deviations to either side, and in how many steps, that an expectation is taken over."""
EPSILON = 1e-6
PASSING = (
    "AveragePooling2D",
    "MaxPooling2D",
    "ZeroPadding2D",
    "Cropping2D",
    "Dropout",
)
"""Layers that leave the scale of a channel about as it is."""
ACTIVATIONS = ("ReLU", "Activation", "LeakyReLU", "Relu", "Relu6", "Silu", "HardSilu", "Gelu")


def standardised(feature_map: Any) -> Any:
    """Return `(batch, height, width, channels)` with about mean 0 and deviation 1 in each channel.

    Batch normalisation gives a channel the mean beta and the deviation gamma on the images that the
    network was trained on; what activations, sums and concatenations behind it make of them is
    computed for independent normal distributions. Where a network does not normalise so, each place
    is standardised over its channels (Ba, Kiros, Hinton, Layer Normalization, 2016). The layer is
    constant, so it can be part of a frozen backbone.
    """
    import keras

    moments = _moments(feature_map)
    if moments is None:
        return keras.layers.LayerNormalization(
            epsilon=EPSILON, center=False, scale=False, name="standardised"
        )(feature_map)
    mean, deviation = moments
    layer = keras.layers.BatchNormalization(center=False, scale=False, name="standardised")
    scaled = layer(feature_map)
    layer.set_weights([mean, np.square(deviation)])
    return scaled


def _moments(tensor: Any) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the mean and the deviation of each channel as the layers before it tell, or None."""
    operation, node, _ = tensor._keras_history
    kind = type(operation).__name__
    if kind == "BatchNormalization":
        mean, deviation = np.zeros(tensor.shape[-1]), np.ones(tensor.shape[-1])
        if operation.beta is not None:
            mean = np.asarray(operation.beta)
        if operation.gamma is not None:
            deviation = np.asarray(operation.gamma)
        return mean, deviation
    if kind not in (*PASSING, *ACTIVATIONS, "Add", "Concatenate"):
        return None
    given = [_moments(one) for one in operation._inbound_nodes[node].input_tensors]
    known = [one for one in given if one is not None]
    if len(known) < len(given) or not known:
        return None
    means, deviations = zip(*known, strict=True)
    if kind == "Add":
        return np.sum(means, axis=0), np.sqrt(np.sum(np.square(deviations), axis=0))
    if kind == "Concatenate":
        return np.concatenate(means), np.concatenate(deviations)
    return known[0] if kind in PASSING else _activated(operation, *known[0])


def _activated(
    activation: Any, mean: np.ndarray, deviation: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the moments of what an activation makes of a normal distribution."""
    import keras

    steps = np.linspace(-REACH, REACH, STEPS)
    density = np.exp(-np.square(steps) / 2)
    density /= density.sum()
    entering = (mean + deviation * steps[:, None]).astype(np.float32)
    values = np.asarray(keras.ops.cast(activation(entering), "float32"))
    mean = density @ values
    return mean, np.sqrt(density @ np.square(values - mean))
