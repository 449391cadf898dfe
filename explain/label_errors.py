"""Labels of known cases that the network contradicts with confidence.

Source: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
2021.
"""

from __future__ import annotations

import numpy as np

ENOUGH = 0.9
"""Probability from which a case counts as a class, however sure the network is of the others."""


def doubtful(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return `(cases,)` bool: whether a case is confidently counted as another class.

    `probabilities` is `(cases, classes)`. A case counts as a class when its probability reaches
    the mean of the cases with that label; of several classes the most probable one.
    """
    classes = probabilities.shape[1]
    least = np.array(
        [
            min(ENOUGH, probabilities[labels == label, label].mean())
            if (labels == label).any()
            else np.inf
            for label in range(classes)
        ]
    )
    confident = probabilities >= least
    counted_as = np.where(confident, probabilities, -1).argmax(axis=1)
    return confident.any(axis=1) & (counted_as != labels)
