from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from plugins.backbones.standardising import standardised

CHANNELS = 5


def normalised(x, seed=1):
    """Batch normalisation with scales and offsets of its own, as a trained network has them."""
    layer = layers.BatchNormalization(epsilon=0)
    y = layer(x)
    rng = np.random.default_rng(seed)
    gamma, beta = rng.uniform(0.2, 3, y.shape[-1]), rng.normal(0, 1, y.shape[-1])
    layer.set_weights([gamma, beta, np.zeros_like(gamma), np.ones_like(gamma)])
    return y


MAPS = {
    "normalised": lambda a, b: normalised(a),
    "activated": lambda a, b: layers.ReLU()(normalised(a)),
    "joined": lambda a, b: layers.Concatenate()([normalised(a), layers.ReLU()(normalised(b, 2))]),
    "added": lambda a, b: layers.Add()([normalised(a), normalised(b, 2)]),
    "plus": lambda a, b: normalised(a) + normalised(b, 2),
    "residual": lambda a, b: layers.Add()([layers.ReLU()(normalised(a)), normalised(b, 2)]),
    "silu": lambda a, b: layers.Activation("silu")(normalised(a)),
}


@pytest.mark.parametrize("name", MAPS)
def test_channels_come_to_one_scale(name):
    a, b = keras.Input((8, 8, CHANNELS)), keras.Input((8, 8, CHANNELS))
    feature_map = MAPS[name](a, b)
    model = keras.Model([a, b], standardised(feature_map))
    rng = np.random.default_rng(0)
    pixels = rng.normal(size=(2, 200, 8, 8, CHANNELS)).astype("float32")
    values = np.asarray(model(list(pixels), training=False))
    assert np.abs(values.mean(axis=(0, 1, 2))).max() < 0.1
    # What is hardly ever above zero is divided by a little more than its deviation.
    spread = values.std(axis=(0, 1, 2))
    assert spread.max() < 1.1
    assert spread.min() > 0.5


def test_without_batch_normalisation_each_place_is_standardised():
    pixels = keras.Input((8, 8, 3))
    features = standardised(layers.Conv2D(16, 3, activation="relu")(pixels))
    given = np.random.default_rng(0).uniform(0, 255, (4, 8, 8, 3))
    values = np.asarray(keras.Model(pixels, features)(given))
    np.testing.assert_allclose(values.mean(axis=-1), 0, atol=1e-4)
    np.testing.assert_allclose(values.std(axis=-1), 1, atol=1e-2)
