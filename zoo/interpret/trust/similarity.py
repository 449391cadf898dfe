"""How alike two heat maps are: by their structure and by the order of their pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

WINDOW = 11
"""Pixels a side of the window in which structure is compared, as in the source of SSIM."""


def ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the structural similarity of pairs of maps.

    `a` and `b` are `(batch, height, width)`; each map is first scaled to 0..1, so its unit does not
    count. Returns `(batch,)`, -1 to 1; 1 for maps of the same structure. A map that is constant
    resembles another constant one (1) and nothing else (0).

    Source: Wang, Bovik, Sheikh, Simoncelli, *Image quality assessment: from error visibility to
    structural similarity*, 2004.
    """

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        import tensorflow as tf

        window = min(WINDOW, *a.shape[1:])
        return np.asarray(
            tf.image.ssim(_scaled(a)[..., None], _scaled(b)[..., None], 1.0, filter_size=window)
        )

    return _pairs(a, b, compare)


def rank_correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return Spearman's rank correlation over the pixels of pairs of maps.

    `a` and `b` are `(batch, height, width)`. Returns `(batch,)`, -1 to 1; 1 when both put all
    pixels in the same order. Pixels of one value share their rank. A map that is constant resembles
    another constant one (1) and nothing else (0).

    Source: Spearman, *The proof and measurement of association between two things*, 1904.
    """

    def compare(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        ranks = [np.stack([_ranks(one) for one in maps]) for maps in (a, b)]
        first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
        return (first * second).sum(axis=1) / np.sqrt(
            np.square(first).sum(axis=1) * np.square(second).sum(axis=1)
        )

    return _pairs(a, b, compare)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Give the place of each value in their order, counted from 0; equal ones share their mean.

    Importing `scipy.stats` for this would take longer than all the rest of a verdict's arithmetic.
    """
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    ranks: np.ndarray = (last - (counts - 1) / 2)[places.ravel()]
    return ranks


def constant(maps: np.ndarray) -> np.ndarray:
    """Tell `(batch,)` which of `(batch, height, width)` maps have one value everywhere."""
    return maps.max(axis=(1, 2)) == maps.min(axis=(1, 2))


def _pairs(
    a: np.ndarray, b: np.ndarray, compare: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> np.ndarray:
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 3 or a.shape != b.shape:
        raise ValueError(f"Pairs of maps have one shape (batch, h, w); got {a.shape}, {b.shape}.")
    if not len(a):
        return np.zeros(0)
    flat = constant(a), constant(b)
    alike = (flat[0] & flat[1]).astype(np.float64)
    told = ~(flat[0] | flat[1])
    if told.any():
        alike[told] = compare(a[told], b[told])
    return alike


def _scaled(maps: np.ndarray) -> np.ndarray:
    low, high = (edge(maps, axis=(1, 2), keepdims=True) for edge in (np.min, np.max))
    return ((maps - low) / (high - low)).astype(np.float32)
