"""Probabilities for images by a classifier that never saw their patients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.baselines import fold_numbers
from zoo.delong import independent_pairs, influence, interval

STRENGTHS = (1e-3, 1e-2, 1e-1)
"""Inverse regularisation strengths that are tried; the one with the least log loss is taken."""


def probabilities(
    features: np.ndarray, labels: np.ndarray, patients: np.ndarray | Sequence[str]
) -> np.ndarray:
    """Return `(n, classes)` out-of-fold probabilities of a logistic regression on features.

    `features` is `(n, features)`, `labels` is `(n,)` int from 0. Folds keep patients whole and
    the classes in proportion.

    Raises:
        BadInput: a class has fewer than two patients.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    number = fold_numbers(labels, patients)
    classes = int(labels.max()) + 1
    found = np.zeros((len(STRENGTHS), len(labels), classes))
    with threadpool_limits(1, "blas"):
        for fold in np.unique(number):
            left_out = number == fold
            learned = features[~left_out]
            mean, spread = learned.mean(axis=0), learned.std(axis=0)
            spread[spread <= 1e-6 * np.maximum(1, np.abs(mean))] = 1
            learned, asked = (learned - mean) / spread, (features[left_out] - mean) / spread
            for row, strength in enumerate(STRENGTHS):
                model = LogisticRegression(C=strength, max_iter=2000)
                model.fit(learned, labels[~left_out])
                found[row][np.ix_(left_out, model.classes_)] = model.predict_proba(asked)
    chosen = found[:, np.arange(len(labels)), labels]
    losses = -np.log(np.maximum(chosen, 1e-12)).mean(axis=1)
    return found[losses.argmin()]


def roc_auc(
    truth: np.ndarray, scores: np.ndarray, patients: np.ndarray | Sequence[str]
) -> dict[str, float | None]:
    """Return {value, low, high} of the ROC-AUC with its 95 % interval by patient, as plain data."""
    value, moved = influence(truth, scores)
    if np.isnan(value):
        return {"value": None, "low": None, "high": None}
    low, high = interval(value, moved, patients, independent_pairs(truth, patients))
    return {"value": value, "low": low, "high": high}


def stands_out(area: dict[str, Any], limit: float) -> bool:
    """Tell whether an area is above a limit, and above chance beyond its interval."""
    return area["value"] is not None and area["value"] > limit and area["low"] > 0.5


def written(area: dict[str, Any]) -> str:
    """Write an area with its interval: '0.907 (0.898 to 0.916)'."""
    return f"{area['value']:.3f} ({area['low']:.3f} to {area['high']:.3f})"
