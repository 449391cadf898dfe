"""Boxes around findings, as people drew them: read from a cell, and turned into a mask."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plugins.readers.csv_table.labels import BLANK
from plugins.readers.csv_table.parsing import number
from plugins.readers.csv_table.runs import RUNS
from zoo import BadInput, Header, InvalidSetting, Sample

if TYPE_CHECKING:
    import numpy as np

BOXES, FRAME = "boxes", "frame"
_CORNER = re.compile(r"max|2$|right|bottom", re.IGNORECASE)
MOST_LETTERS = 60
"""Of a cell that is shown in an error."""

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels of the frame."""
Boxed = tuple[Box, ...] | None
"""The boxes of a cell, or None when it holds something else."""
Frame = tuple[int, int]
"""Width and height of the images that boxes were drawn on."""


@dataclass(frozen=True)
class Boxes:
    """Where findings are, as the union of the boxes of an image.

    Without a `frame` boxes are in pixels of each file as it is stored; where one of all boxes
    reaches beyond the file, in pixels of the frame that was `published`, if one was.
    """

    header: Callable[[Sample], Header]
    of_name: Mapping[str, tuple[Box, ...]] = field(repr=False)
    frame: Frame | None
    published: Frame | None = None

    def mask(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Return `(height, width)` bool; nowhere in an image without boxes.

        A box is cut where it leaves the image and covers at least one pixel.

        Raises:
            BadInput: the size has to be read from the file, and cannot be; or a box lies beyond it.
        """
        import numpy as np

        width, height = self.frame or self._drawn_on(sample)
        if size is None:
            columns, rows = self._stored(sample)
            size = (rows, columns)
        mask = np.zeros(size, bool)
        for left, top, across, down in self.of_name[sample.name]:
            rows_inside = _pixels(top / height, (top + down) / height, size[0])
            mask[rows_inside, _pixels(left / width, (left + across) / width, size[1])] = True
        return mask

    def _drawn_on(self, sample: Sample) -> Frame:
        stored = self._stored(sample)
        if self.published is not None and not self._fits(stored):
            return self.published
        for box in self.of_name[sample.name]:
            if box[0] >= stored[0] or box[1] >= stored[1]:
                raise BadInput(
                    f"A box of '{sample.name}' begins at {box[0]:g}, {box[1]:g}, beyond the image "
                    f"of {stored[0]} x {stored[1]} pixels. Say how large the image was that it was "
                    f"drawn on: '?{BOXES}=COLUMNS&{FRAME}=WIDTHxHEIGHT'."
                )
        return stored

    def _fits(self, stored: Frame) -> bool:
        return self._reach[0] <= stored[0] and self._reach[1] <= stored[1]

    @functools.cached_property
    def _reach(self) -> tuple[float, float]:
        boxes = [box for found in self.of_name.values() for box in found]
        return (
            max((left + across for left, _, across, _ in boxes), default=0),
            max((top + down for _, top, _, down in boxes), default=0),
        )

    def _stored(self, sample: Sample) -> Frame:
        header = self.header(sample)
        return header.width, header.height


def parse(text: str, frame: Frame | None) -> Boxed:
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


def of_columns(cells: Sequence[str], frame: Frame | None, *, corners: bool) -> Boxed:
    """Read a box from four cells: none when all are empty, 0 or -1.

    None when it is not in the frame. With `corners` the last two are right and bottom instead of
    width and height.
    """
    if all(cell.casefold() in BLANK for cell in cells):
        return ()
    left, top, third, fourth = (number(text) for text in cells)
    if left is None or top is None or third is None or fourth is None:
        return None
    if {left, top, third, fourth} in ({0.0}, {-1.0}):
        return ()
    box = _box(
        [left, top, third - left, fourth - top] if corners else [left, top, third, fourth], frame
    )
    return None if box is None else (box,)


def are_corners(columns: Sequence[str]) -> bool:
    """Tell by the names of four columns whether the last two are right and bottom."""
    return all(_CORNER.search(column) is not None for column in columns[2:])


def are_shares(boxes: Iterable[Box]) -> bool:
    """Tell whether boxes are in shares of the sides: none reaches beyond 1, and some are broken."""
    every = [*boxes]
    most = 1.01  # shares are rounded: 0.3333 and 0.6668 make 1.0001
    within = all(max(left + across, top + down) <= most for left, top, across, down in every)
    return within and any(not number.is_integer() for box in every for number in box)


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
    if known is None or not {BOXES, RUNS} & set(options):
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
