"""Keras made ready for many pictures gives what it gives as it is, but for rounding."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo.network.classifier import TrainedClassifier
from zoo.network.engines.folded import folded_call

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), np.uint8)


def classifier(dtype: str = "float32", *, normalised: bool = True) -> TrainedClassifier:
    pixels = keras.Input((32, 32, 3))
    x = layers.Conv2D(4, 3, strides=4, use_bias=False, dtype=dtype)(pixels)
    x = layers.BatchNormalization(dtype=dtype)(x) if normalised else x
    x = layers.Dense(2, dtype="float32")(layers.GlobalAveragePooling2D()(x))
    return TrainedClassifier(keras.Model(pixels, x), ("a", "b"), 1)


def test_it_gives_the_logits_and_the_embedding():
    original = classifier()
    call = folded_call(original)
    logits, embeddings, _ = original.answers(PIXELS)
    for part in (slice(0, 1), slice(0, 5)):
        given = call(PIXELS[part].astype(np.float32))
        np.testing.assert_allclose(given["logits"], logits[part], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(given["embedding"], embeddings[part], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "original",
    [classifier("mixed_bfloat16"), classifier(normalised=False)],
    ids=["16 bits", "nothing to fold"],
)
def test_there_is_none_where_nothing_is_gained(original):
    assert folded_call(original) is None
