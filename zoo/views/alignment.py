"""Move images so that the lungs of all of them lie on the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Box:
    """The edges of a bounding box in pixels; the pixel of row r lies between r and r + 1."""

    top: float
    left: float
    bottom: float
    right: float


def bounding_box(mask: np.ndarray) -> Box | None:
    """Return the box around `(height, width)` bool; None for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return Box(float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1))


def mean_box(boxes: Sequence[Box]) -> Box | None:
    """Return the box whose edges are the means of the edges; None without a box."""
    if not boxes:
        return None
    edges = np.array([(box.top, box.left, box.bottom, box.right) for box in boxes])
    return Box(*edges.mean(axis=0).tolist())


def moved(values: np.ndarray, box: Box, onto: Box, *, beyond: str = "constant") -> np.ndarray:
    """Stretch and shift `(height, width)` values so that `box` comes to lie on `onto`.

    Linear interpolation. What comes from outside the picture is 0, or the nearest pixel when
    `beyond` is 'nearest'. Returns `(height, width)` float32.
    """
    from scipy.ndimage import affine_transform

    scales, offsets = [], []
    for start, end, new_start, new_end in (
        (box.top, box.bottom, onto.top, onto.bottom),
        (box.left, box.right, onto.left, onto.right),
    ):
        scale = (end - start) / (new_end - new_start)
        scales.append(scale)
        offsets.append(start + (0.5 - new_start) * scale - 0.5)
    return affine_transform(
        values.astype(np.float32), np.array(scales), offsets, order=1, mode=beyond, cval=0.0
    )
