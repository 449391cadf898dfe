"""Known cases to be doubted: labels the network contradicts, and how usual such neighbours are.

Sources: Northcutt, Jiang, Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
2021 (labels); Papernot, McDaniel, "Deep k-Nearest Neighbors: Towards Confident, Interpretable and
Robust Deep Learning", 2018 (credibility; there the neighbours of every layer vote, here those of
the embedding do).
"""

from __future__ import annotations

import numpy as np

from explain.cases.neighbours import cosine_distances, index_of
from explain.kept import kept
from zoo import Reference

CHUNK = 256

ROUNDING = 1e-6

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


def credibility(reference: Reference, agreement: float, neighbours: int) -> float | None:
    """Return the share of held-out cases whose neighbours agree no better with their own label.

    `agreement` is the share of the image's `neighbours` nearest cases with the target's label.
    None when the run keeps no held-out cases.
    """
    held = _agreements(reference, neighbours)
    return None if held is None else float((held <= agreement + ROUNDING).mean())


@kept
def _agreements(reference: Reference, neighbours: int) -> np.ndarray | None:
    """Return `(held,)`: the share of each held-out case's neighbours that have its label."""
    embeddings, labels = reference.held_embeddings, reference.held_labels
    if embeddings is None or labels is None or not len(labels):
        return None
    index = index_of(reference)
    rows = np.flatnonzero(index.first)
    count = min(neighbours, len(rows))
    units = index.unit(embeddings)
    agreeing = []
    for start in range(0, len(labels), CHUNK):
        distances = cosine_distances(units[start : start + CHUNK] @ index.directions[rows].T)
        near = rows[np.argpartition(distances, count - 1, axis=1)[:, :count]]
        agreeing.append(index.labels[near] == labels[start : start + CHUNK, None])
    return np.concatenate(agreeing).mean(axis=1)
