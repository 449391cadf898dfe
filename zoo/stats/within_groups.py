"""The ROC-AUC among images of the same group, beside that over all groups together.

Where both the score and the share of the sick differ between groups (of views, say), the ROC-AUC
over all images is as much about telling the groups apart as about telling the classes apart.

Source: Janes and Pepe, "Adjusting for covariate effects on classification accuracy using the
covariate-adjusted receiver operating characteristic curve", 2009.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.number_text import value_text
from zoo.stats import delong
from zoo.stats.delong import Statistic
from zoo.stats.paired import SIGNIFICANT


def within_groups(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    groups: np.ndarray,
    positive: int,
    order: Sequence[str],
) -> dict[str, Any] | None:
    """Compare the ROC-AUC among images of the same group with that over all known groups.

    That within groups is the mean over the groups with both kinds of images, weighted by their
    positive images. None with fewer than two groups.
    """
    known = groups != ""
    if len(order) < 2:
        return None
    classes = [positive] if probabilities.shape[1] == 2 else np.unique(labels[known]).tolist()
    parts = [
        _within_class(labels == index, probabilities[:, index], patients, groups, order)
        for index in classes
    ]
    inside = delong.over_classes(parts)
    truth, scores = labels[:, None] == classes, probabilities[:, classes]
    whole = delong.roc_area(truth[known], scores[known], patients[known])
    moved = placed(whole.influence, known)
    apart = delong.difference(inside.value, inside.influence, whole.value, moved, patients)
    return {
        "roc_auc": inside.within(patients),
        "over_all": whole.within(patients[known]),
        "difference": {k: None if math.isnan(v) else v for k, v in vars(apart).items()},
        "sentence": _within_sentence(
            inside.within(patients), whole.within(patients[known]), apart.p
        ),
    }


def _within_class(
    truth: np.ndarray,
    scores: np.ndarray,
    patients: np.ndarray,
    groups: np.ndarray,
    order: Sequence[str],
) -> Statistic:
    total, value, independent = 0, 0.0, 0
    moved = np.zeros(len(truth))
    for name in order:
        inside = groups == name
        area = delong.roc_area(truth[inside], scores[inside], patients[inside])
        if math.isnan(area.value):
            continue
        weight = int(truth[inside].sum())
        total, independent = total + weight, independent + area.independent
        value += weight * area.value
        moved += weight * placed(area.influence, inside)
    if not total:
        return Statistic(math.nan, moved)
    return Statistic(value / total, moved / total, independent)


def _within_sentence(inside: Mapping[str, Any], whole: Mapping[str, Any], p: float) -> str:
    if inside["value"] is None or whole["value"] is None:
        return ""
    start = (
        f"Among images of the same group the ROC-AUC is {value_text(inside)}, over all groups "
        f"together {value_text(whole)}"
    )
    if not p < SIGNIFICANT:
        return f"{start}."
    return (
        f"{start}: that the score differs between the groups changes the latter. Report it by "
        "group."
    )


def placed(influence: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Return influences over all images from those of the images `inside` (bool): 0 elsewhere."""
    moved = np.zeros(len(inside))
    moved[inside] = influence
    return moved
