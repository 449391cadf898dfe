"""Some of many rows, where all of them would cost more and tell no more."""

from __future__ import annotations

import numpy as np


def in_proportion(labels: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    """Choose at most `most` rows, the classes in proportion; return their numbers, rising.

    `labels` is `(n,)`. No class is left out, as long as there are no more classes than rows.
    """
    if len(labels) <= most:
        return np.arange(len(labels))
    random = np.random.default_rng(seed)
    place = np.empty(len(labels))  # of each row in its class, 0 to 1: the first of each comes
    for label in np.unique(labels):  # before the second of any, so no class is left out
        members = random.permutation(np.flatnonzero(labels == label))
        place[members] = np.arange(len(members)) / len(members)
    return np.sort(np.argsort(place, kind="stable")[:most])
