"""Probabilities for images by a classifier that never saw their patients."""

from __future__ import annotations

import numpy as np

from zoo.base.progress import SILENT, Progress
from zoo.stats.sampling import in_proportion

VARIANCES = (1.0, 10.0, 100.0, 1000.0)
"""Variance of the log-odds that the weights may give before any image is seen: from strong to weak
regularisation. The one with the least log loss is taken."""
LEARNED = 20_000
"""Images that are learned from at most: more would cost much time and change next to nothing."""


def probabilities(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    progress: Progress = SILENT,
    title: str = "classifiers",
) -> np.ndarray:
    """Return `(n, classes)` out-of-fold probabilities of a logistic regression on features.

    `features` is `(n, features)`, `labels` is `(n,)` int from 0, `folds` is `(n,)` int as
    `baselines.fold_numbers` deals them out. Of more than 20,000 images outside a fold so many are
    learned from, the classes in proportion.
    """
    from threadpoolctl import threadpool_limits

    best, least = np.empty(0), np.inf
    with threadpool_limits(1, "blas"):  # threads that wait for each other cost more than they save
        progress.start(title, len(VARIANCES) * len(np.unique(folds)))
        try:
            for variance in VARIANCES:
                strength = variance / features.shape[1]
                held_out = _out_of_fold(features, labels, folds, strength, progress)
                of_given_label = held_out[np.arange(len(labels)), labels]
                loss = float(-np.log(np.maximum(of_given_label, 1e-12)).mean())
                if loss >= least:
                    break
                best, least = held_out, loss
        finally:
            progress.stop()
    return best


def _out_of_fold(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    strength: float,
    progress: Progress,
) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    held_out = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in np.unique(folds):
        left_out = folds == fold
        others = np.flatnonzero(~left_out)
        others = others[in_proportion(labels[others], LEARNED)]
        learned = features[others]
        mean, spread = learned.mean(axis=0), learned.std(axis=0)
        spread[spread <= 1e-6 * np.maximum(1, np.abs(mean))] = 1  # a constant says nothing
        model = LogisticRegression(C=strength, max_iter=2000)
        model.fit((learned - mean) / spread, labels[others])
        asked = np.flatnonzero(left_out)
        for start in range(0, len(asked), LEARNED):
            rows = asked[start : start + LEARNED]
            chances = model.predict_proba((features[rows] - mean) / spread)
            held_out[np.ix_(rows, model.classes_)] = chances
        progress.advance()
    return held_out
