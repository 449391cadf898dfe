"""Whether acting on the probabilities does more good than harm."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import BadInput

THRESHOLDS = np.arange(1, 100) / 100


def decision_curve(truth: np.ndarray, probabilities: np.ndarray) -> dict[str, Any]:
    """Return the net benefit of acting from each probability up, as plain data.

    `truth` is `(n,)` bool, `probabilities` is `(n,)` from 0 to 1. Acting from a probability t up
    says that one missed finding weighs as much as (1 - t) / t needless actions; the net benefit is
    then in found cases an image: true positives / n - false positives / n * t / (1 - t).

        threshold     0.01 to 0.99
        model         net benefit of acting on the probabilities
        all           of acting for everyone; never acting has a net benefit of 0
        prevalence    share of positive images, on which all of it depends

    Raises:
        BadInput: no images.

    Source: Vickers and Elkin, "Decision curve analysis: a novel method for evaluating prediction
    models", 2006.
    """
    truth, probabilities = np.asarray(truth, bool), np.asarray(probabilities, np.float64)
    if not len(truth):
        raise BadInput("There are no images to weigh. Expected at least one labelled image.")
    odds = THRESHOLDS / (1 - THRESHOLDS)
    prevalence = truth.mean()
    found = _reaching(probabilities[truth]) / len(truth)
    needless = _reaching(probabilities[~truth]) / len(truth)
    return {
        "threshold": THRESHOLDS.tolist(),
        "model": (found - needless * odds).tolist(),
        "all": (prevalence - (1 - prevalence) * odds).tolist(),
        "prevalence": float(prevalence),
    }


def _reaching(probabilities: np.ndarray) -> np.ndarray:
    """Count the probabilities at or above each threshold."""
    return len(probabilities) - np.searchsorted(np.sort(probabilities), THRESHOLDS, side="left")
