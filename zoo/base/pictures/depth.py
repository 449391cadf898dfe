"""Which value of a picture with more than 8 bits is white.

Never its own brightest one: that would make its gray levels depend on what else is in it. A file
may say it; else it is settled once for a data set (`settled`), kept in the run, and what does not
fit is refused. Sources of what files say: W3C, PNG, third edition, 2025, 11.3.2.7 (sBIT); Adobe,
TIFF 6.0, 1992 (BitsPerSample, SMinSampleValue, SMaxSampleValue); NEMA, DICOM PS3.3, C.7.6.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.types import DeepPicture

DEPTHS = (8, 10, 12, 14, 16)
"""Bits a value of the detectors and files that there are."""
PLAIN = 8
"""Depth of a data set or run without a deeper file."""
STRAY = 0.001
"""Share of values that may lie beyond white, and say nothing of the depth: a dead point, a mark."""
OVERSHOOT = 0.25
"""How far values may pass 0 and 1 where a picture was resized or sharpened, as a share of white."""
STRIP = 256
"""Rows looked at together, so that a large picture is never held in another type."""


def white_of(picture: DeepPicture, depth: int | None, name: str) -> float:
    """Return the value that is white: what the file says, or else the largest of `depth` bits.

    Without a depth, the largest that the type of the values can hold.

    Raises:
        BadInput: the values do not fit.
    """
    if picture.white is not None:
        return picture.white
    if depth is None:
        if picture.container is not None:
            return picture.container
        raise BadInput(
            f"'{name}' has values up to {reach(picture.values):g} and does not say which is white. "
            "Expected floats from 0 to 1, or a file that names its depth: "
            "export it with 8 bits a value."
        )
    white = float(2**depth - 1)
    highest = reach(picture.values)
    if highest <= white:
        return white
    if depth == PLAIN and bits_for(highest) == DEPTHS[-1] and picture.container is not None:
        return picture.container  # only the greatest depth has such values
    raise BadInput(
        f"'{name}' has values up to {highest:g} and does not say how many bits they have; "
        f"expected {depth} bits ({white:g}) as in the data of the run. Export it as they were, or "
        "with 8 bits a value."
    )


@dataclass(frozen=True, slots=True)
class Levels:
    """How deep a picture is: what its file says is white (else None), and how far values reach."""

    white: float | None
    reach: float


def measured(picture: DeepPicture, name: str) -> Levels:
    """Look how deep a picture is.

    Raises:
        BadInput: no usual depth holds its values, and the file does not say which is white.
    """
    levels = Levels(picture.white, reach(picture.values))
    if levels.white is None and bits_for(levels.reach) is None:
        white_of(replace(picture, container=None), None, name)
    return levels


def reach(values: np.ndarray) -> float:
    """Return the value that all but one in a thousand stay at or below."""
    if values.dtype.kind == "u" and values.itemsize <= 2:
        number = np.zeros(2 ** (8 * values.itemsize), np.int64)
        for top in range(0, len(values), STRIP):
            number += np.bincount(values[top : top + STRIP].ravel(), minlength=len(number))
        below = np.searchsorted(np.cumsum(number), (1 - STRAY) * values.size)
        return float(below)
    return float(np.quantile(_some(values), 1 - STRAY, method="higher"))


def bits_for(value: float) -> int | None:
    """Return the smallest usual depth that holds a value; None when no one does."""
    return next((bits for bits in DEPTHS if value <= 2**bits - 1), None)


def settled(pictures: Iterable[Levels]) -> int | None:
    """Return the depth of a data set: the smallest that holds every file which does not say it."""
    needed = (bits_for(levels.reach) for levels in pictures if levels.white is None)
    return max((bits for bits in needed if bits is not None), default=None)


def to_8_bit(values: np.ndarray, white: float, *, inverted: bool = False) -> np.ndarray:
    """Scale values so that `white` becomes 255, or 0 where they are inverted; beyond it is clipped.

    Returns uint8 of the same shape.
    """
    scaled = values.astype(np.float64) * (255.0 / white)
    gray = np.rint(np.clip(scaled, 0, 255)).astype(np.uint8)
    return 255 - gray if inverted else gray


def unsigned(values: np.ndarray, name: str) -> np.ndarray:
    """Check that values begin at 0, but for a few that overshoot.

    Raises:
        BadInput: they do not, or are no numbers.
    """
    fault = BadInput(f"'{name}' has negative or infinite values. Expected intensities from 0 up.")
    if values.dtype.kind == "f":
        strips = (values[top : top + STRIP] for top in range(0, len(values), STRIP))
        if not all(np.isfinite(strip).all() for strip in strips):
            raise fault
    if values.dtype.kind != "u" and values.min() < 0:
        lowest = np.quantile(_some(values), STRAY, method="lower")
        if lowest < -OVERSHOOT * min(reach(values), 1.0):
            raise fault
    return values


def _some(values: np.ndarray) -> np.ndarray:
    """Take at most some million values, evenly."""
    step = max(1, round((values.size / 4e6) ** 0.5))
    return values[::step, ::step]
