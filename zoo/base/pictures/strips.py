"""Large pictures, converted some rows at a time and one picture after the other."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import numpy as np
from PIL import Image

LARGE = 25_000_000
"""Pixels from which a picture is averaged to a fraction while it is converted."""
ROWS = 64

_turn = threading.RLock()


def in_turn(pixels: int) -> AbstractContextManager[object]:
    """Wait until no other large picture is being decoded, where this one is large."""
    return _turn if pixels > LARGE else contextlib.nullcontext()


def fraction(width: int, height: int, size: tuple[int, int] | None) -> int:
    """Return by how much the sides may be divided: twice the size is left to the last step.

    1 for a picture that is not large, which is then converted exactly.
    """
    if size is None or width * height <= LARGE:
        return 1
    return max(1, min(height // (2 * size[0]), width // (2 * size[1])))


def converted(
    width: int,
    height: int,
    size: tuple[int, int] | None,
    convert: Callable[[int, int], np.ndarray],
) -> np.ndarray:
    """Convert a picture by `convert(top, bottom)`, which gives these rows as uint8, and resize it.

    `size` is `(height, width)`, None to leave it as it is. The rows are `(rows, width)` or
    `(rows, width, 3)`; what is returned has as many dimensions.
    """
    factor = fraction(width, height, size)
    rows = max(1, ROWS // factor) * factor
    strips = []
    for top in range(0, height, rows):
        strip = convert(top, min(height, top + rows))
        strips.append(strip if factor == 1 else np.asarray(Image.fromarray(strip).reduce(factor)))
    whole = np.concatenate(strips)
    if size is None or whole.shape[:2] == tuple(size):
        return whole
    box = (0, 0, width / factor, height / factor)  # the last row and column may be fractions
    image = Image.fromarray(whole).resize((size[1], size[0]), Image.Resampling.BILINEAR, box)
    return np.asarray(image)
