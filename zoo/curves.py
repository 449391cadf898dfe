"""Points of the ROC and the precision-recall curve, few enough to store and to draw."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.areas import areas

CURVE_POINTS = 200


def curves(
    labels: np.ndarray, probabilities: np.ndarray, class_names: Sequence[str], positive: int
) -> list[dict[str, Any]]:
    """Return the curves of the positive class (two classes) or of each class against the rest.

    `labels` is `(n,)` int, `probabilities` is `(n, classes)`. A class that is absent, or that all
    images have, gives no curve. The form is the one `zoo.metrics` describes.
    """
    from sklearn.metrics import precision_recall_curve, roc_curve

    found = []
    for index in [positive] if len(class_names) == 2 else range(len(class_names)):
        truth, scores = labels == index, probabilities[:, index]
        if truth.all() or not truth.any():
            continue
        false_positive_rate, recall, _ = roc_curve(truth, scores)
        precision, pr_recall, _ = precision_recall_curve(truth, scores)
        roc_auc, pr_auc = areas(truth, scores, np.ones((1, len(truth))))[:, 0]
        found.append(
            {
                "name": class_names[index],
                "roc_auc": float(roc_auc),
                "pr_auc": float(pr_auc),
                "prevalence": float(truth.mean()),
                "roc": _thin(false_positive_rate, recall),
                "pr": _thin(pr_recall[::-1], precision[::-1]),
            }
        )
    return found


def operating_point(confusion: np.ndarray, positive: int) -> dict[str, float] | None:
    """Return where two classes' `confusion[true][predicted]` lies on the curves, else None."""
    if len(confusion) != 2 or not confusion.sum(axis=1).all():
        return None
    found, missed = confusion[positive, positive], confusion[positive, 1 - positive]
    false_alarms = confusion[1 - positive, positive]
    return {
        "false_positive_rate": float(false_alarms / confusion[1 - positive].sum()),
        "recall": float(found / (found + missed)),
        "precision": float(found / max(1, found + false_alarms)),
    }


def _thin(x: np.ndarray, y: np.ndarray) -> dict[str, list[float]]:
    """Keep at most 200 points, evenly along the curve, its ends included."""
    along = np.r_[0, np.cumsum(np.abs(np.diff(x)) + np.abs(np.diff(y)))]
    marks = np.linspace(0, along[-1], CURVE_POINTS - 1)
    kept = np.unique(np.r_[np.searchsorted(along, marks, side="left"), len(x) - 1])
    kept = kept[kept < len(x)] if len(x) > CURVE_POINTS else np.arange(len(x))
    return {"x": np.round(x[kept], 5).tolist(), "y": np.round(y[kept], 5).tolist()}
