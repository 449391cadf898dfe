"""Named parts of a picture, with or without a lung mask."""

from __future__ import annotations

import numpy as np

from zoo.views.alignment import bounding_box

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
    found = {
        BORDERS: (from_edge_down < BORDER) | (from_edge_across < BORDER),
        CORNERS: (from_edge_down < CORNER) & (from_edge_across < CORNER),
        CENTRE: (from_edge_down >= edge) & (from_edge_across >= edge),
        EVERYTHING: np.ones(size, bool),
    }
    box = None if lungs is None else bounding_box(lungs)
    if lungs is None or box is None:
        return found
    rows, columns = np.arange(height)[:, None], np.arange(width)[None]
    boxed = (rows >= box.top) & (rows < box.bottom) & (columns >= box.left) & (columns < box.right)
    return {LUNGS: lungs, BOX: boxed, OUTSIDE: ~lungs, **found}
