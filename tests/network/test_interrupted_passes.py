"""A pass through a network can be ended before each of its parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.base import interruption
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.network.classifier import GRADIENT_BATCH, TrainedClassifier


class Enough(Exception):
    pass


@pytest.fixture(scope="module")
def classifier() -> TrainedClassifier:
    import keras

    pixels = keras.Input((4, 4, 1))
    features = keras.layers.Flatten()(keras.layers.Conv2D(1, 1)(pixels))
    return TrainedClassifier(
        keras.Model(pixels, keras.layers.Dense(2)(features)), ("a", "b"), positive=1
    )


@pytest.mark.parametrize(
    ("work", "part"),
    [
        (lambda of, pixels: of.logits(pixels), PREDICTION_BATCH),
        (lambda of, pixels: of.gradients(pixels, [0] * len(pixels)), PREDICTION_BATCH),
        (
            lambda of, pixels: of.gradients(pixels, [0] * len(pixels), by_pixels=True),
            GRADIENT_BATCH,
        ),
    ],
)
def test_it_is_asked_before_each_part(work: Any, part: int, classifier: TrainedClassifier) -> None:
    asked = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 3:
            raise Enough

    with interruption.asking(ask):
        work(classifier, np.zeros((2 * part, 4, 4, 1), np.uint8))
        assert len(asked) == 2
        with pytest.raises(Enough):
            work(classifier, np.zeros((2 * part, 4, 4, 1), np.uint8))
