"""Probabilities are told from logits by what a network does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from zoo.network.probabilities import gives_percentages, gives_probabilities

ENDS = {
    "softmax": (lambda x: layers.Dense(2, activation="softmax")(x), True),
    "sigmoid": (lambda x: layers.Dense(2, activation="sigmoid")(x), True),
    "layer": (lambda x: layers.Softmax()(layers.Dense(2)(x)), True),
    "operation": (lambda x: ops.softmax(layers.Dense(2)(x)), True),
    "before a reshape": (
        lambda x: layers.Reshape((2,))(layers.Activation("softmax")(layers.Dense(2)(x))),
        True,
    ),
    "zeros": (lambda x: ops.softmax(layers.Dense(2, kernel_initializer="zeros")(x)), True),
    "mean": (
        lambda x: layers.Average()([layers.Dense(2, activation="softmax")(x) for _ in range(2)]),
        True,
    ),
    "logits": (lambda x: layers.Dense(2)(x), False),
    "zero logits": (lambda x: layers.Dense(2, kernel_initializer="zeros")(x), False),
    "rectified": (lambda x: layers.Dense(2, activation="relu")(x), False),
    "named softmax": (lambda x: layers.Dense(2, name="softmax")(x), False),
    "logarithms": (lambda x: ops.log_softmax(layers.Dense(2)(x)), False),
    "normalised": (lambda x: layers.BatchNormalization()(layers.Dense(2)(x)), False),
    "gate": (
        lambda x: layers.Dense(2)(x * layers.Dense(3, activation="sigmoid")(x)),
        False,
    ),
}
PERCENTAGES = {
    "softmax": (lambda x: 100.0 * layers.Dense(3, activation="softmax")(x), True),
    "sigmoid": (lambda x: layers.Rescaling(100.0)(layers.Dense(1, activation="sigmoid")(x)), True),
    "of each class": (lambda x: 100.0 * layers.Dense(3, activation="sigmoid")(x), False),
    "shares": (lambda x: layers.Dense(3, activation="softmax")(x), False),
    "per mille": (lambda x: 1000.0 * layers.Dense(3, activation="softmax")(x), False),
    "around the mean": (lambda x: 100.0 * ops.softmax(layers.Dense(2)(x)) - 10.0, False),
    "logits": (lambda x: layers.Dense(2)(x), False),
    "cut at a height": (lambda x: layers.ReLU(max_value=6.0)(layers.Dense(1)(x)), False),
    "rectified": (lambda x: layers.Dense(1, activation="relu")(x), False),
}


@pytest.mark.parametrize("end", ENDS)
def test_probabilities_are_found_by_what_comes_out(end):
    build, expected = ENDS[end]
    pixels = keras.Input((8, 8, 3))
    model = keras.Model(pixels, build(layers.GlobalAveragePooling2D()(pixels)))
    before = model.get_weights()
    assert gives_probabilities(model) is expected
    for one, other in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("end", PERCENTAGES)
def test_percentages_add_up_to_a_hundred(end):
    build, expected = PERCENTAGES[end]
    pixels = keras.Input((8, 8, 3))
    model = keras.Model(pixels, build(layers.GlobalAveragePooling2D()(pixels)))
    assert gives_percentages(model) is expected
