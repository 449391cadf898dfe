"""Masks as image files: where they are white."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.base.pictures import images

INSIDE = 128


def inside(paths: Sequence[Path], size: tuple[int, int]) -> np.ndarray:
    """Return where any of the masks is white, `(height, width)` bool.

    Some programs write masks of 0 and 1, which look black: in such a file 1 is inside.

    Raises:
        BadInput: one cannot be read.
    """
    marked = np.zeros(size, bool)
    for path in paths:
        values = images.read_image(path, size)[..., 0]
        faint = values.max() == 1 and images.read_image(path).max() == 1
        marked |= values >= (1 if faint else INSIDE)
    return marked
