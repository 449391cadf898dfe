"""Gray values of a file with more than 8 bits, for a viewer that chooses what of them is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from zoo.base import formats
from zoo.base.pictures import deep_pictures, depth
from zoo.base.pictures.decoding import (
    Deep,
    content_for_plugin,
    decoded,
    header_by_plugin,
    opened,
)
from zoo.base.pictures.picture_limits import refusing
from zoo.base.pictures.reader_warnings import silence
from zoo.base.types import DeepPicture

DEEPEST = 65_535


@dataclass(frozen=True, eq=False)
class Levels:
    """Values `(height, width)` uint16 from dark to bright.

    `low` and `high` are those that are black and white at first; the file's own numbers for these
    are `black` and `white`.
    """

    values: np.ndarray
    low: float
    high: float
    black: float
    white: float


def read_levels(
    content: bytes, longest: int, name: str, *, bits: int | None = None
) -> Levels | None:
    """Read the values of a gray picture; None where its file has no more than 8 bits, or colours.

    A picture with a side much longer than `longest` is made smaller by means of whole blocks.
    `bits` is the depth of values in a file that does not say it, as for `read_image`.

    Raises:
        BadInput: the file is damaged.
    """
    with opened(content, name) as file, refusing(name), silence:
        known = formats.recognised(file.head)
        if known is not None and known.levels is not None:
            whole = content_for_plugin(file, name)
            header_by_plugin(known, whole, name)
            picture = known.levels(whole, name)
            return None if picture is None else _scaled(picture, picture.window, longest)
        if known is None and not deep_pictures.may_be(file.head):
            return None
    with decoded(content, name, lambda _width, _height: None) as found:
        if not isinstance(found, Deep) or found.picture.values.ndim != 2:
            return None
        levels = _scaled(found.picture, (0.0, depth.white_of(found.picture, bits, name)), longest)
        return levels if found.turn is None else _turned(levels, found.turn)


def _scaled(picture: DeepPicture, window: tuple[float, float] | None, longest: int) -> Levels:
    values = _smaller(picture.values, longest)
    least, most = float(values.min()), float(values.max())
    black, white = window or (least, most)
    least, most = min(least, black), max(most, white)
    scale = DEEPEST / max(most - least, 1e-9)
    levels = np.rint((values - least) * scale).astype(np.uint16)
    low, high = (black - least) * scale, (white - least) * scale
    if picture.inverted:
        levels, low, high = DEEPEST - levels, DEEPEST - high, DEEPEST - low
        black, white = white, black
    return Levels(levels, low, high, black, white)


def _smaller(values: np.ndarray, longest: int) -> np.ndarray:
    """Average whole blocks, a row of them at a time: float32."""
    side = max(1, round(max(values.shape) / longest))
    height, width = (length // side for length in values.shape)
    small = np.empty((height, width), np.float32)
    for row in range(height):
        strip = values[row * side : (row + 1) * side, : width * side].astype(np.float32)
        small[row] = strip.reshape(side, width, side).mean(axis=(0, 2))
    return small


def _turned(levels: Levels, turn: Image.Transpose) -> Levels:
    turned = np.asarray(Image.fromarray(levels.values.astype(np.int32)).transpose(turn))
    return Levels(turned.astype(np.uint16), levels.low, levels.high, levels.black, levels.white)
