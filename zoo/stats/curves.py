"""Points of the ROC and the precision-recall curve, and the areas under them.

The points are few enough to store and to draw. For areas one sort serves many sets of weights at
once, which is what makes a bootstrap of a thousand resamples take a fraction of a second. With all
weights equal to one the values are scikit-learn's `roc_auc_score` and `average_precision_score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

CURVE_POINTS = 200


def curves(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], positive: int
) -> list[dict[str, Any]]:
    """Return the curves of the positive class (two classes) or of each class against the rest.

    `labels` is `(n,)` int, `probabilities` is `(n, classes)`. A class that is absent, or that all
    images have, gives no curve. The form is the one `zoo.stats.metrics` describes.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    drawn = []
    for index in [positive] if len(class_names) == 2 else range(len(class_names)):
        truth, scores = labels == index, probabilities[:, index]
        if truth.all() or not truth.any():
            continue
        false_positive_rate, recall, _ = roc_curve(truth, scores)
        precision, pr_recall, _ = precision_recall_curve(truth, scores)
        roc_auc, pr_auc = areas(truth, scores, np.ones((1, len(truth))))[:, 0]
        drawn.append(
            {
                "name": class_names[index],
                "roc_auc": float(roc_auc),
                "pr_auc": float(pr_auc),
                "prevalence": float(truth.mean()),
                "roc": _thin(false_positive_rate, recall),
                "pr": _thin(pr_recall[::-1], precision[::-1]),
            }
        )
    return drawn


def operating_point(confusion: np.ndarray, positive: int) -> dict[str, float] | None:
    """Return where two classes' `confusion[true][predicted]` lies on the curves, else None."""
    if len(confusion) != 2 or not confusion.sum(axis=1).all():
        return None
    detected, missed = confusion[positive, positive], confusion[positive, 1 - positive]
    false_alarms = confusion[1 - positive, positive]
    return {
        "false_positive_rate": float(false_alarms / confusion[1 - positive].sum()),
        "recall": float(detected / (detected + missed)),
        "precision": float(detected / max(1, detected + false_alarms)),
    }


def _thin(x: np.ndarray, y: np.ndarray) -> dict[str, list[float]]:
    """Keep at most 200 points, evenly along the curve, its ends included."""
    along = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    marks = np.linspace(0, along[-1], CURVE_POINTS - 1)
    kept = np.unique(np.r_[np.searchsorted(along, marks, side="left"), len(x) - 1])
    kept = kept[kept < len(x)] if len(x) > CURVE_POINTS else np.arange(len(x))
    return {"x": np.round(x[kept], 5).tolist(), "y": np.round(y[kept], 5).tolist()}


def areas(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return `(2, sets)`: the ROC-AUC and the average precision for each row of weights.

    `truth` is `(n,)` bool, `scores` is `(n,)` finite, `weights` is `(sets, n)`, not negative.
    Equal scores count half, as in the Mann-Whitney statistic. NaN where a row gives no weight to
    the positives or none to the negatives.

    Source: Fawcett, "An introduction to ROC analysis", 2006.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    weights = weights[:, order].astype(np.float64, copy=False)
    positive = np.add.reduceat(weights * truth[order], starts, axis=1)
    negative = np.add.reduceat(weights * ~truth[order], starts, axis=1)
    true_positives = np.cumsum(positive, axis=1)
    false_positives = np.cumsum(negative, axis=1)
    positives, negatives = true_positives[:, -1], false_positives[:, -1]

    below = negatives[:, None] - false_positives + negative / 2
    roc = ratio((positive * below).sum(axis=1), positives * negatives)
    precision = ratio(true_positives, true_positives + false_positives, undefined=0.0)
    pr = ratio((positive * precision).sum(axis=1), positives)
    pr[negatives == 0] = np.nan
    return np.stack([roc, pr])


def ratio(top: np.ndarray, bottom: np.ndarray, undefined: float = np.nan) -> np.ndarray:
    """Divide, with `undefined` where the divisor is zero, and without a warning."""
    result = np.full(np.broadcast(top, bottom).shape, undefined)
    return np.divide(top, bottom, out=result, where=np.asarray(bottom) > 0)
