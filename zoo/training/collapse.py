"""Whether a network that is being trained answers always the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.base.recipe import Recipe
from zoo.base.types import VALIDATION
from zoo.stats import operating
from zoo.stats.alarms import Alarm, Conditions, collapsed
from zoo.stats.probabilities import decide

SETTLING_EPOCHS = 3
"""Epochs before a network that answers always the same is called collapsed."""


def alarms(
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    class_names: Sequence[str],
    positive: int,
    recipe: Recipe,
    conditions: Conditions,
) -> list[Alarm]:
    """Return what is to be told of the answers `(images, classes)` to the validation part."""
    called = _called(probabilities, labels, patients, positive, recipe.sensitivity or None)
    return collapsed(called, labels, class_names, VALIDATION, conditions)


def _called(
    probabilities: np.ndarray,
    labels: np.ndarray,
    patients: np.ndarray,
    positive: int,
    sensitivity: float | None,
) -> np.ndarray:
    """Decide about the images at the threshold that would be chosen on them."""
    truth, scores = labels == positive, probabilities[:, positive]
    if probabilities.shape[1] != 2 or truth.all() or not truth.any():
        return probabilities.argmax(axis=1)
    if not np.isfinite(scores).all():
        return np.zeros(len(labels), np.int64)  # it answers nothing
    point = operating.choose_threshold(truth, scores, patients, sensitivity, resamples=0)
    return decide(probabilities, positive, point["threshold"])
