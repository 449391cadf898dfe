"""The parts of pictures that have most of a factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.base.pictures.pixel_arrays import resize
from zoo.interpret.overview.activations import Pictures
from zoo.network.frame import Box, box_of

CROPS = 6
CROP, CROP_CELLS, CROP_SIDE = 0.22, 3, 112
"""A crop's share of the side at least, its cells at least, and the pixels it is shown with."""


@dataclass(frozen=True, eq=False)
class Crop:
    """The part of a picture that has much of a factor.

    `pixels` is `(side, side, channels)` uint8; `label` is the class of the picture.
    """

    pixels: np.ndarray
    label: int
    shape: tuple[int, int] | None = None


def crops_of(amounts: np.ndarray, pictures: Pictures, boxes: np.ndarray) -> tuple[Crop, ...]:
    """Cut out where there is most of a factor, of each patient once at most."""
    most, seen, crops = amounts.max(axis=(1, 2)), set(), []
    for row in np.argsort(-most, kind="stable").tolist():
        patient = pictures.patients[row]
        if patient in seen or most[row] <= 0:
            continue
        seen.add(patient)
        cell = np.unravel_index(int(amounts[row].argmax()), amounts.shape[1:])
        place = (int(cell[0]), int(cell[1]))
        pixels = _cut_out(pictures.pixels[row], place, amounts.shape[1:3], box_of(boxes[row]))
        shape = pictures.shapes[row] if pictures.shapes else None
        crops.append(Crop(pixels, int(pictures.labels[row]), shape))
        if len(crops) == CROPS:
            break
    return tuple(crops)


def _cut_out(
    pixels: np.ndarray, cell: tuple[int, int], cells: tuple[int, ...], box: Box | None
) -> np.ndarray:
    """Cut a square around a cell of the map of what is in the box, all of it in the picture."""
    top, left, bottom, right = box or (0.0, 0.0, 1.0, 1.0)
    starts = []
    for place, count, start, end, side in (
        (cell[0], cells[0], top, bottom, pixels.shape[0]),
        (cell[1], cells[1], left, right, pixels.shape[1]),
    ):
        length = round(side * max(CROP, CROP_CELLS * (end - start) / count))
        length = max(1, min(length, side))
        middle = (start + (place + 0.5) / count * (end - start)) * side
        begin = int(np.clip(round(middle - length / 2), 0, side - length))
        starts.append(slice(begin, begin + length))
    part = pixels[starts[0], starts[1]]
    if part.shape[-1] == 1:
        return resize(part[..., 0], (CROP_SIDE, CROP_SIDE))[..., None]
    return resize(part, (CROP_SIDE, CROP_SIDE))
