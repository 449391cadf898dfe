"""Boxes around findings, as people drew them: read from a cell, and turned into a mask."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from zoo import Header, InvalidSetting, Sample

if TYPE_CHECKING:
    import numpy as np

BOXES, FRAME = "boxes", "frame"
MOST_LETTERS = 60
"""Of a cell that is shown in an error."""

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the frame."""
Frame = tuple[int, int]
"""Width and height of the images that boxes were drawn on."""


@dataclass(frozen=True)
class Boxes:
    """Where findings are, as the union of the boxes of an image.

    Without a `frame` boxes are in pixels of each file as it is stored.
    """

    header: Callable[[Sample], Header]
    of_name: Mapping[str, tuple[Box, ...]] = field(repr=False)
    frame: Frame | None

    def mask(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Return `(height, width)` bool; nowhere in an image without boxes.

        A box is cut where it leaves the image and covers at least one pixel.

        Raises:
            BadInput: the size has to be read from the file, and cannot be.
        """
        import numpy as np

        width, height = self.frame or self._stored(sample)
        if size is None:
            columns, rows = self._stored(sample)
            size = (rows, columns)
        mask = np.zeros(size, bool)
        for left, top, across, down in self.of_name[sample.name]:
            rows_inside = _pixels(top / height, (top + down) / height, size[0])
            mask[rows_inside, _pixels(left / width, (left + across) / width, size[1])] = True
        return mask

    def _stored(self, sample: Sample) -> Frame:
        header = self.header(sample)
        return header.width, header.height


def parse(text: str, frame: Frame | None) -> tuple[Box, ...] | None:
    """Read a cell: no box when it is empty, None when it is not a list of boxes in the frame."""
    if not text:
        return ()
    try:
        given = json.loads(text)
        parsed = [_box(one, frame) for one in given] if isinstance(given, list) else [None]
    except (ValueError, OverflowError, RecursionError):
        return None
    boxes = tuple(box for box in parsed if box is not None)
    return boxes if len(boxes) == len(parsed) else None


def expected(text: str, frame: Frame | None) -> str:
    """Say what stands in a cell that `parse` refused, and what should."""
    shown = text[:MOST_LETTERS] + "…" * (len(text) > MOST_LETTERS)
    size = "" if frame is None else f" of {frame[0]} x {frame[1]}"
    return (
        f"the boxes '{shown}'; expected [[left, top, width, height], …] in pixels of the "
        f"image{size}, or an empty cell"
    )


def frame_of(options: Mapping[str, str]) -> Frame | None:
    """Read the option `frame`: a side, or width and height.

    Raises:
        InvalidSetting: it is neither, or no column of boxes is named.
    """
    if FRAME not in options:
        return None
    known = re.fullmatch(r"([1-9]\d{0,5})(?:x([1-9]\d{0,5}))?", options[FRAME], re.ASCII)
    if known is None or BOXES not in options:
        raise InvalidSetting(
            f"The option frame={options[FRAME]} cannot be used. Expected the side of the image "
            "that boxes were drawn on, such as 1024, or WIDTHxHEIGHT, together with boxes=COLUMN."
        )
    return int(known[1]), int(known[2] or known[1])


def _box(given: object, frame: Frame | None) -> Box | None:
    if not isinstance(given, list) or len(given) != 4:
        return None
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in given):
        return None
    left, top, width, height = map(float, given)
    right, bottom = left + width, top + height
    if not all(map(math.isfinite, (left, top, right, bottom))) or width <= 0 or height <= 0:
        return None
    if right <= 0 or bottom <= 0 or (frame and (left >= frame[0] or top >= frame[1])):
        return None
    return left, top, width, height


def _pixels(begin: float, end: float, length: int) -> slice:
    """Return the pixels whose middle lies between two shares of a side, and at least one."""
    first, last = (round(min(max(place, 0.0), 1.0) * length) for place in (begin, end))
    first = min(first, length - 1)
    return slice(first, max(first + 1, last))
