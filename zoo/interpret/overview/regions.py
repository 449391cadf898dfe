"""Named parts of a picture, with or without a lung mask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LUNGS, BOX, OUTSIDE = "lungs", "box around the lungs", "all but the lungs"

BORDERS, CORNERS, CENTRE, EVERYTHING = "borders", "corners", "centre", "everything"

REGIONS = (LUNGS, BOX, OUTSIDE, BORDERS, CORNERS, CENTRE, EVERYTHING)

BORDER, CORNER, MIDDLE = 0.1, 0.2, 0.5
"""Shares of a side: of a border, of a corner's square and of the centre's square."""


def regions(size: tuple[int, int], lungs: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Return `(height, width)` bool by name; the first three only with a mask that is not empty.

    The box hides the lungs and their outline, and the heart between them. 'borders' are the outer
    10 %, 'corners' four squares of 20 % of a side, 'centre' the middle half of each side.
    """
    height, width = size
    down = (np.arange(height)[:, None] + 0.5) / height
    across = (np.arange(width)[None] + 0.5) / width
    from_edge_down, from_edge_across = np.minimum(down, 1 - down), np.minimum(across, 1 - across)
    edge = (1 - MIDDLE) / 2
    named = {
        BORDERS: (from_edge_down < BORDER) | (from_edge_across < BORDER),
        CORNERS: (from_edge_down < CORNER) & (from_edge_across < CORNER),
        CENTRE: (from_edge_down >= edge) & (from_edge_across >= edge),
        EVERYTHING: np.ones(size, bool),
    }
    box = None if lungs is None else bounding_box(lungs)
    if lungs is None or box is None:
        return named
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    boxed = (rows >= box.top) & (rows < box.bottom) & (columns >= box.left) & (columns < box.right)
    return {LUNGS: lungs, BOX: boxed, OUTSIDE: ~lungs, **named}


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
