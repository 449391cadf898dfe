"""What deciding costs: accuracy against coverage, and net benefit against the threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.base.errors import BadInput

COVERAGE_POINTS = 200

MARKS = (0.8, 0.9, 0.95, 1.0)


def coverage_curve(confidence: np.ndarray, right: np.ndarray) -> dict[str, Any]:
    """Return the accuracy among the most confident answers, for each share that is answered.

    `confidence` is `(n,)` finite, the higher the surer, `right` is `(n,)` bool. Answers of equal
    confidence are given or left together. Plain data:

        coverage, accuracy   at most 200 points, from the surest answers to all of them
        images               int
        area                 area under the risk-coverage curve: the mean over the images of the
                             share of wrong answers among all that are at least as sure; lower is
                             better
        at                   {"0.8", "0.9", "0.95", "1.0"}: the accuracy at the smallest coverage
                             that is possible and at least this

    Raises:
        BadInput: no images.

    Sources: El-Yaniv and Wiener, "On the foundations of noise-free selective classification",
    2010; Geifman and El-Yaniv, "Selective classification for deep neural networks", 2017.
    """
    confidence, right = np.asarray(confidence, np.float64), np.asarray(right, bool)
    if not len(right):
        raise BadInput("There are no answers to order. Expected at least one labelled image.")
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    ends = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    answered = ends + 1
    accuracy = np.cumsum(right[order])[ends] / answered
    coverage = answered / len(right)
    entering = np.diff(answered, prepend=0) / len(right)
    kept = np.unique(np.linspace(0, len(ends) - 1, min(len(ends), COVERAGE_POINTS)).round())
    kept = kept.astype(int)
    return {
        "coverage": coverage[kept].tolist(),
        "accuracy": accuracy[kept].tolist(),
        "images": len(right),
        "area": float(np.sum(entering * (1 - accuracy))),
        "at": {str(mark): float(accuracy[np.argmax(coverage >= mark)]) for mark in MARKS},
    }


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
    detected = _reaching(probabilities[truth]) / len(truth)
    needless = _reaching(probabilities[~truth]) / len(truth)
    return {
        "threshold": THRESHOLDS.tolist(),
        "model": (detected - needless * odds).tolist(),
        "all": (prevalence - (1 - prevalence) * odds).tolist(),
        "prevalence": float(prevalence),
    }


def _reaching(probabilities: np.ndarray) -> np.ndarray:
    """Count the probabilities at or above each threshold."""
    return len(probabilities) - np.searchsorted(np.sort(probabilities), THRESHOLDS, side="left")
