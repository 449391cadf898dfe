"""Labels that the other images contradict: confident learning.

Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.base.number_text import percent
from zoo.base.progress import SILENT, Progress
from zoo.checks.findings import NOTE, Finding, counted
from zoo.checks.held_out import probabilities

SHOWN = 24
ENOUGH = 0.9
"""Probability from which an image counts as a class, whatever the others of that class have."""


def contradicted(chances: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return `(n,)` int: the class that an image is confidently counted as, else its own label.

    `chances` is `(n, classes)`, out of fold. An image counts as a class when its probability
    reaches the mean that the images of that class have; of several classes the most probable one
    (the confident joint). Unlike in the paper 0.9 is always enough: where classes are easily told
    apart the mean is close to 1, and half of the wrong labels would stay below it.
    """
    classes = chances.shape[1]
    least = [
        min(ENOUGH, chances[labels == label, label].mean()) if (labels == label).any() else np.inf
        for label in range(classes)
    ]
    confident = chances >= np.array(least)
    most = np.where(confident, chances, -1).argmax(axis=1)
    return np.where(confident.any(axis=1), most, labels)


def suspected(
    features: np.ndarray,
    labels: np.ndarray,
    folds: np.ndarray,
    names: Sequence[str],
    class_names: Sequence[str],
    progress: Progress = SILENT,
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Find the labels that are contradicted most: plain data for the result, and the finding.

    `features` is `(n, features)`, `labels` and `folds` are `(n,)` int. Ranked by self-confidence,
    the out-of-fold probability of an image's own label, lowest first. Each entry has name, label,
    predicted and probability, which is that of `predicted`.
    """
    chances = probabilities(features, labels, folds, progress, "labels")
    counted_as = contradicted(chances, labels)
    rows = np.flatnonzero(counted_as != labels)
    rows = rows[np.argsort(chances[rows, labels[rows]], kind="stable")]
    if not len(rows):
        return [], []
    order = rows.tolist()
    entries = [
        {
            "name": names[row],
            "label": class_names[labels[row]],
            "predicted": class_names[counted_as[row]],
            "probability": float(chances[row, counted_as[row]]),
        }
        for row in order[:SHOWN]
    ]
    finding = Finding(
        NOTE,
        "labels",
        "What was learned from other patients contradicts, with confidence, "
        f"{counted(len(rows), 'label')} ({percent(len(rows) / len(labels))} of those for "
        "training).",
        "Have someone look at them, the first ones first, and correct or remove what is wrong. "
        "Not every one is: hard cases are among them.",
        names=tuple(names[row] for row in order),
    )
    return entries, [finding]
