"""Guess missing parts of an image from what is left around them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

FINER = 2
"""Points a side in each cell at which values are guessed, where the image has as many pixels."""
NOISE = 0.01 * 255
"""Spread of the noise in gray levels, without which a guess could be told by its smoothness."""
DIRECT, DIAGONAL = 1 / 6, 1 / 12
"""Weights of a point's neighbours in its mean."""
SYMMETRIC = {"permc_spec": "MMD_AT_PLUS_A", "options": {"SymmetricMode": True}}
"""For the solver: half the time where a matrix is symmetric and positive definite."""


class Imputer:
    """Noisy linear imputation: each missing point is the weighted mean of its neighbours.

    The paper solves this for every pixel. Here it is solved on an image reduced to two points a
    side in each cell (56 x 56 points for 28 x 28 cells), enlarged linearly, which is many times
    faster; the missing parts are smooth in either case.

    Source: Rong, Leemann, Borisov, Kasneci, Kasneci, *A Consistent and Efficient Evaluation
    Strategy for Attribution Methods*, 2022.
    """

    def __init__(self, image: np.ndarray, cells: tuple[int, int], seed: int) -> None:
        if (image == image[..., :1]).all():  # most radiographs: one channel tells it all
            image = image[..., :1]
        height, width = image.shape[:2]
        self._points = (min(height, FINER * cells[0]), min(width, FINER * cells[1]))
        rows, columns = self._points
        self._cells = _cells_of_points(self._points, cells)
        self._laplacian = _laplacian(rows, columns)
        self._enlarge = _enlarging(height, rows), _enlarging(width, columns).T
        channels = np.moveaxis(image, -1, 0).astype(np.float32)
        reduced = _reducing(height, rows) @ channels @ _reducing(width, columns).T
        self._reduced = reduced.reshape(len(channels), -1).T
        noise = np.random.default_rng(seed).normal(0, NOISE, (height, width))
        self._noise = noise.astype(np.float32)

    def __call__(self, missing: np.ndarray) -> np.ndarray:
        """Return `(height, width, channels)` uint8 of which the missing cells may be used.

        A gray image gives one channel. `missing` is `(cells,)` bool; at least one must not be.
        """
        from scipy.sparse.linalg import splu

        unknown = missing[self._cells]
        values = self._reduced.copy()
        if unknown.any():
            rows = self._laplacian[unknown]
            given = -(rows[:, ~unknown] @ values[~unknown])
            matrix = rows[:, unknown].tocsc()
            values[unknown] = splu(matrix, **SYMMETRIC).solve(given.astype(np.float64))
        down, across = self._enlarge
        enlarged = down @ values.T.reshape(-1, *self._points) @ across + self._noise
        return np.moveaxis(np.clip(np.rint(enlarged), 0, 255).astype(np.uint8), 0, -1)


def _cells_of_points(points: tuple[int, int], cells: tuple[int, int]) -> np.ndarray:
    rows = np.arange(points[0]) * cells[0] // points[0]
    columns = np.arange(points[1]) * cells[1] // points[1]
    return (rows[:, None] * cells[1] + columns[None, :]).ravel()


@functools.lru_cache(maxsize=4)
def _laplacian(rows: int, columns: int) -> Any:
    """Return the sparse matrix whose product is zero where points are the mean of their neighbours.

    At the border the weights of the neighbours that are there count alone.
    """
    from scipy.sparse import coo_array, diags_array

    index = np.arange(rows * columns).reshape(rows, columns)
    pairs = [
        (index[:-1], index[1:], DIRECT),
        (index[:, :-1], index[:, 1:], DIRECT),
        (index[:-1, :-1], index[1:, 1:], DIAGONAL),
        (index[:-1, 1:], index[1:, :-1], DIAGONAL),
    ]
    first = np.concatenate([a.ravel() for a, _, _ in pairs])
    second = np.concatenate([b.ravel() for _, b, _ in pairs])
    weights = np.concatenate([np.full(a.size, weight) for a, _, weight in pairs])
    size = (index.size, index.size)
    half = coo_array((weights, (first, second)), shape=size).tocsr()
    near = half + half.T
    return (diags_array(near.sum(axis=1)) - near).tocsr()


@functools.lru_cache(maxsize=8)
def _reducing(length: int, points: int) -> np.ndarray:
    """Return `(points, length)`: the mean of the pixels that belong to each point."""
    owner = np.arange(length) * points // length
    matrix = (owner[None, :] == np.arange(points)[:, None]).astype(np.float32)
    return matrix / matrix.sum(axis=1, keepdims=True)


@functools.lru_cache(maxsize=8)
def _enlarging(length: int, points: int) -> np.ndarray:
    """Return `(length, points)`: linear interpolation between the middles of the points."""
    place = np.clip((np.arange(length) + 0.5) * points / length - 0.5, 0, points - 1)
    weights = np.maximum(1 - np.abs(place[:, None] - np.arange(points)[None, :]), 0)
    return weights.astype(np.float32)
