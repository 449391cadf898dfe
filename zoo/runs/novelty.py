"""Whether an image is like the training cases at all: distances to the nearest of them.

An image is described in two spaces: the network's embedding, and `shapes`, a description that no
training changes. The embedding alone is not enough: a network trained from scratch gives many
photographs and ultrasound images embeddings as ordinary as those of its own test images.

Sources: Sun, Ming, Zhu, Li, Out-of-Distribution Detection with Deep Nearest Neighbors, 2022; the
description: Dalal, Triggs, Histograms of Oriented Gradients for Human Detection, 2005.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput, DamagedRun
from zoo.base.explanations import Reference
from zoo.base.pictures.pixel_arrays import to_channels

VERSION = 1
"""Raised whenever `shapes` gives other numbers, so that kept ones expire."""
NEIGHBOURS = 5
SHARE = 0.99
SIDE, CELLS, DIRECTIONS = 32, 4, 8
SHAPES = CELLS * CELLS * DIRECTIONS
"""Values that describe the shapes of an image."""
FAINT = 5.0
"""Gray levels that are added to an image's contrast, so that a blank image stays blank."""
SMALLEST_SPREAD = 0.1
"""Of the mean spread: no value counts more for having hardly varied among the training cases."""
NOTHING = 1e-6
"""Stands for a spread or a distance of nothing, so that it can be divided by."""
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Gate:
    """The reference cases, and the distance beyond which an image is unlike them.

    `reference` holds one `(cases, values)` array for each space and `units` what counts as a
    distance of 1 in it. Of the validation cases, `share` have a distance of at most `limit`.
    """

    reference: tuple[np.ndarray, ...]
    units: tuple[float, ...]
    limit: float
    share: float = SHARE
    neighbours: int = NEIGHBOURS

    def distances(self, spaces: Sequence[np.ndarray]) -> np.ndarray:
        """Return `(n,)` distances to the k-th nearest reference case, k = `neighbours`.

        `spaces` holds one `(n, values)` array for each space; the space in which an image is
        farthest counts. A distance in a space is the root mean square of the differences, each in
        standard deviations among the reference cases, divided by the unit of the space.

        Raises:
            BadInput: the arrays do not fit the reference cases.
        """
        return (self._in_each(spaces) / self.units).max(axis=1)

    def refused(self, spaces: Sequence[np.ndarray]) -> np.ndarray:
        """Return `(n,)` bool: whether an image is farther away than the limit."""
        return self.distances(spaces) > self.limit

    def to_record(self) -> dict[str, Any]:
        """Return what is not in the reference cases as plain data for JSON."""
        return {
            "limit": self.limit,
            "units": list(self.units),
            "share": self.share,
            "neighbours": self.neighbours,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], reference: Sequence[np.ndarray]) -> Gate:
        """Build the gate from what `to_record` gave and the reference cases."""
        return cls(tuple(reference), **{**record, "units": tuple(record["units"])})

    def _in_each(self, spaces: Sequence[np.ndarray]) -> np.ndarray:
        """Return `(n, spaces)` distances in standard deviations."""
        widths = [space.shape[1] for space in spaces]
        expected = [space.shape[1] for space in self.reference]
        if widths != expected:
            raise BadInput(
                f"The reference cases have {expected} values and the image has {widths}: they come "
                "from another network. Use the run's own cases."
            )
        pairs = zip(spaces, self._scaled, strict=True)
        return np.stack([cases.kth(space, self.neighbours) for space, cases in pairs], axis=1)

    @cached_property
    def _scaled(self) -> list[_Scaled]:
        return [_Scaled(space) for space in self.reference]


class _Scaled:
    """The reference cases in one space, ready to be compared with."""

    def __init__(self, cases: np.ndarray) -> None:
        spread = cases.std(axis=0, dtype=np.float64)
        spread = np.maximum(spread, SMALLEST_SPREAD * spread.mean() + NOTHING)
        self._centre = cases.mean(axis=0, dtype=np.float64)
        self._scale = spread * math.sqrt(cases.shape[1])
        self._cases = self._of(cases)
        self._squares = (self._cases**2).sum(axis=1)

    def kth(self, values: np.ndarray, neighbours: int) -> np.ndarray:
        """Return `(n,)` distances of `(n, values)` to the k-th nearest case."""
        place = min(neighbours, len(self._cases)) - 1
        distances = np.empty(len(values), np.float32)
        for start in range(0, len(values), CHUNK):
            part = slice(start, start + CHUNK)  # copied, or each would keep all its distances
            squared = self._squared(self._of(values[part]))
            distances[part] = np.partition(squared, place, axis=1)[:, place]
        return np.sqrt(np.maximum(distances, 0))

    def _squared(self, queries: np.ndarray) -> np.ndarray:
        lengths = (queries**2).sum(axis=1)[:, None]
        return lengths + self._squares - 2 * queries @ self._cases.T

    def _of(self, values: np.ndarray) -> np.ndarray:
        return ((values - self._centre) / self._scale).astype(np.float32)


def fit_gate(
    reference: Sequence[np.ndarray],
    validation: Sequence[np.ndarray],
    share: float = SHARE,
    neighbours: int = NEIGHBOURS,
) -> Gate:
    """Set the limit by the validation cases, whose patients are not among the reference cases.

    Both hold one `(n, values)` array for each space. The unit of a space, and then the limit, is
    the k-th smallest distance of the n validation cases, k = (n + 1) * share rounded up, or the
    largest when there are too few.
    """
    reference = tuple(reference)
    plain = Gate(reference, (1.0,) * len(reference), math.inf, share, neighbours)
    distances = plain._in_each(validation)
    rank = min(math.ceil(round((len(distances) + 1) * share, 9)), len(distances)) - 1
    units = np.maximum(np.sort(distances, axis=0)[rank], NOTHING)
    limit = np.sort((distances / units).max(axis=1))[rank]
    return Gate(reference, tuple(map(float, units)), float(limit), share, neighbours)


def spaces(cases: Reference) -> tuple[np.ndarray, np.ndarray]:
    """Return the reference cases in the two spaces of a gate.

    Raises:
        DamagedRun: the cases have no shapes.
    """
    if cases.shapes is None or len(cases.shapes) != len(cases.embeddings):
        raise DamagedRun(
            "The reference cases have no description of their shapes, or not of each case. "
            "Train the run again."
        )
    return cases.embeddings, cases.shapes


def shapes(pixels: np.ndarray) -> np.ndarray:
    """Describe where edges of which direction are: `(n, 128)` float32 for `(n, h, w, c)` pixels.

    The gray image is reduced to 32 x 32 and its contrast made alike. In each of 4 x 4 cells the
    lengths of the gradients are summed by direction (8 over the full circle, so that a negative
    differs), each shared between the two nearest directions; the square root evens them out.
    """
    gray = np.stack([_reduced(image) for image in pixels])
    contrast = gray.std(axis=(1, 2), keepdims=True) + FAINT
    down, right = np.gradient(gray / contrast, axis=(1, 2))
    turn = np.arctan2(down, right) * (DIRECTIONS / (2 * np.pi))
    around = turn[..., None] - np.arange(DIRECTIONS) + DIRECTIONS / 2
    np.add(around, DIRECTIONS, out=around, where=around < 0)  # the remainder takes twice as long
    away = np.abs(around - DIRECTIONS / 2)
    lengths = np.hypot(down, right)[..., None] * np.maximum(0, 1 - away)
    step = SIDE // CELLS
    cells = lengths.reshape(-1, CELLS, step, CELLS, step, DIRECTIONS).mean(axis=(2, 4))
    return np.sqrt(cells).reshape(-1, SHAPES).astype(np.float32)


def _reduced(image: np.ndarray) -> np.ndarray:
    gray = to_channels(image, 1)[..., 0].astype(np.float32)
    return np.asarray(Image.fromarray(gray).resize((SIDE, SIDE), Image.Resampling.BILINEAR))
