"""How accurate the answers are when the least certain ones are left to a person."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.errors import BadInput

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
