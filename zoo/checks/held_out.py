"""Probabilities for images by a classifier that never saw their patients."""

from __future__ import annotations

import numpy as np

VARIANCES = (1.0, 10.0, 100.0, 1000.0)
"""Variance of the log-odds that the weights may give before any image is seen: from strong to weak
regularisation. The one with the least log loss is taken."""


def probabilities(features: np.ndarray, labels: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Return `(n, classes)` out-of-fold probabilities of a logistic regression on features.

    `features` is `(n, features)`, `labels` is `(n,)` int from 0, `folds` is `(n,)` int as
    `baselines.fold_numbers` deals them out.
    """
    from threadpoolctl import threadpool_limits

    best, least = np.empty(0), np.inf
    with threadpool_limits(1, "blas"):  # threads that wait for each other cost more than they save
        for variance in VARIANCES:
            held_out = _out_of_fold(features, labels, folds, variance / features.shape[1])
            of_given_label = held_out[np.arange(len(labels)), labels]
            loss = float(-np.log(np.maximum(of_given_label, 1e-12)).mean())
            if loss >= least:
                break
            best, least = held_out, loss
    return best


def _out_of_fold(
    features: np.ndarray, labels: np.ndarray, folds: np.ndarray, strength: float
) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    held_out = np.zeros((len(labels), int(labels.max()) + 1))
    for fold in np.unique(folds):
        left_out = folds == fold
        learned, asked = features[~left_out], features[left_out]
        mean, spread = learned.mean(axis=0), learned.std(axis=0)
        spread[spread <= 1e-6 * np.maximum(1, np.abs(mean))] = 1  # a constant says nothing
        model = LogisticRegression(C=strength, max_iter=2000)
        model.fit((learned - mean) / spread, labels[~left_out])
        held_out[np.ix_(left_out, model.classes_)] = model.predict_proba((asked - mean) / spread)
    return held_out
