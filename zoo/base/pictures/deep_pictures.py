"""PNG and TIFF files with more than 8 bits a value, read at their full depth.

Pillow keeps the high byte of such colours and leaves the polarity of deep grays alone, so
imagecodecs decodes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput
from zoo.base.pictures import depth, png_chunks, tiff_tags
from zoo.base.pictures.metadata import TRANSPOSITIONS, stored_orientation
from zoo.base.pictures.tiff_tags import Buffer, Page
from zoo.base.types import DeepPicture

MOST_BYTES = 640_000_000
"""Of one decoded picture."""

INTEGERS, FLOATS = 1, 3
"""What TIFF's SampleFormat calls them."""
UNASSOCIATED = 2
"""What its ExtraSamples calls a transparency that the colours do not contain yet."""


@dataclass(frozen=True)
class DeepFile:
    """A deep PNG or TIFF file, before it is decoded."""

    width: int
    height: int
    mode: str
    """As Pillow's, with the bits behind it: 'I;16', 'RGB;16', 'F'."""
    bytes: int
    """Size of the decoded values."""
    turn: Image.Transpose | None
    """What makes it upright."""
    pictures: int
    told: png_chunks.Told | Page


def may_be(head: bytes) -> bool:
    """Tell by its first bytes whether a file is of a kind that may be deep."""
    return head.startswith(png_chunks.MAGIC) or tiff_tags.is_tiff(head)


def found(content: Buffer) -> DeepFile | None:
    """Tell what a file says of itself; None for one of another kind or of 8 bits."""
    head = bytes(content[:25])
    if head.startswith(png_chunks.MAGIC):
        if head[24:] != b"\x10":  # the bits a value, where its header must be
            return None
        told = png_chunks.told(content)
        if told is None or told.bits != 16 or told.kind not in png_chunks.MODES:
            return None
        size = 2 * told.width * told.height * told.samples
        turn = stored_orientation(content)
        return DeepFile(
            told.width, told.height, png_chunks.MODES[told.kind], size, turn, told.pictures, told
        )
    if tiff_tags.is_tiff(head):
        pages = tiff_tags.pages(content)
        return _deep_page(pages[0], len(pages)) if pages else None
    return None


def decoded(content: Buffer, file: DeepFile, name: str) -> DeepPicture:
    """Decode a file to its values and what it says of them.

    Raises:
        BadInput: too much to be decoded, or values that mean nothing.
        Exception: whatever the library makes of a damaged file.
    """
    import imagecodecs

    if file.bytes > MOST_BYTES:
        raise BadInput(
            f"'{name}' has {file.bytes / 1e6:,.0f} MB of values; expected at most "
            f"{MOST_BYTES / 1e6:,.0f}. Scale it down, or export it as gray."
        )
    if isinstance(file.told, png_chunks.Told):
        bare = png_chunks.without_metadata(content)  # of which libpng tells on the screen
        return _decoded_png(imagecodecs.png_decode(bare), file.told)
    index = tiff_tags.place(content, file.told)
    values = imagecodecs.tiff_decode(content, index=index)
    return _decoded_tiff(values, file, file.told, name)


def _decoded_png(values: np.ndarray, told: png_chunks.Told) -> DeepPicture:
    if values.ndim == 3 and values.shape[-1] in (2, 4):
        values = _over_black(values, 65_535)
    return DeepPicture(values=_gray(values), white=_white_of_png(values, told), container=65_535)


def _white_of_png(values: np.ndarray, told: png_chunks.Told) -> float | None:
    """Return what sBIT says is white.

    By the standard such values are scaled up to 16 bits, and white is 65,535. But some programs
    write them as they are: then nearly all lie below, and not all are multiples of the step.
    """
    bits = told.significant
    if not 8 <= bits < 16:
        return None
    as_they_are = 2**bits - 1
    if depth.reach(values) > as_they_are:
        return 65_535
    step = 2 ** (16 - bits)
    return as_they_are if (values % step).any() else 65_535


def _deep_page(page: Page, pictures: int) -> DeepFile | None:
    width, height = page.number(tiff_tags.WIDTH, 0), page.number(tiff_tags.HEIGHT, 0)
    photometric = page.number(tiff_tags.PHOTOMETRIC, tiff_tags.WHITE_IS_ZERO)
    if page.bits <= 8 or photometric not in (0, 1, 2):
        return None
    samples = page.number(tiff_tags.SAMPLES, 1)
    size = width * height * samples * (2 ** (page.bits - 1).bit_length() // 8)
    floats = page.number(tiff_tags.FORMAT, INTEGERS) == FLOATS
    letter = "RGB" if photometric == 2 else "F" if floats else "I"
    plain = page.bits == 32 and letter != "RGB"
    mode = letter if plain else f"{letter};{page.bits}"
    turn = TRANSPOSITIONS.get(page.number(tiff_tags.ORIENTATION, 1))
    return DeepFile(width, height, mode, size, turn, pictures, page)


def _decoded_tiff(values: np.ndarray, file: DeepFile, page: Page, name: str) -> DeepPicture:
    shape = (file.height, file.width)
    if values.ndim == 3 and values.shape[1:] == shape and values.shape[:2] != shape:
        values = np.moveaxis(values, 0, -1)  # each sample was stored on its own
    if values.shape[:2] != shape or values.dtype.kind not in "uif":
        raise ValueError("a picture of another size or kind than its header says")
    colours = 3 if file.mode.startswith("RGB") else 1
    values = values if values.ndim == 3 else values[..., None]
    black, white = _range_of_tiff(page)
    container = _largest(values.dtype)
    if values.shape[-1] > colours:
        values = _without_extra(values, colours, page, white or container or 1.0)
    if black:
        values = values.astype(np.float32) - black
    values = _gray(depth.unsigned(values, name))
    if white is None and values.dtype.kind == "f" and depth.reach(values) <= 1 + depth.OVERSHOOT:
        white = 1.0
    if white is None and values.dtype.kind in "iu" and values.dtype != np.uint16:
        values = _in_16_bits(values, name)
    inverted = page.number(tiff_tags.PHOTOMETRIC, 0) == tiff_tags.WHITE_IS_ZERO
    return DeepPicture(values=values, white=white, container=container, inverted=inverted)


def _range_of_tiff(page: Page) -> tuple[float, float | None]:
    """Return what is black, and how far above it white is, where the file says so.

    A range that is no whole number of bits is that of the picture, which some programs write.
    """
    floats = page.number(tiff_tags.FORMAT, INTEGERS) == FLOATS
    whole = [float(2**bits - 1) for bits in range(8, 32)] + [1.0] * floats
    for least, most in (
        (tiff_tags.SAMPLE_LEAST, tiff_tags.SAMPLE_MOST),
        (tiff_tags.LEAST, tiff_tags.MOST),
    ):
        if most in page.tags:
            black = float(min(page.tags.get(least, (0,))))
            span = float(max(page.tags[most])) - black
            if span in whole:
                return black, span
    return 0.0, float(2**page.bits - 1) if page.bits < 16 and not floats else None


def _largest(kind: np.dtype[Any]) -> float | None:
    """Return the largest value of a type of up to 16 bits, 65,535 for longer integers."""
    return None if kind.kind == "f" else float(min(np.iinfo(kind).max, 65_535))


def _in_16_bits(values: np.ndarray, name: str) -> np.ndarray:
    highest = depth.reach(values)
    if highest > 65_535:
        raise BadInput(
            f"'{name}' has values up to {highest:,.0f} and does not say which is white. "
            "Expected at most 16 bits: export it with 8 or 16 bits a value."
        )
    return np.clip(values, 0, 65_535).astype(np.uint16)


def _without_extra(values: np.ndarray, colours: int, page: Page, opaque: float) -> np.ndarray:
    """Leave samples out that are no colours; a transparency is laid over black."""
    guessed = (UNASSOCIATED,) if values.shape[-1] == colours + 1 else (0,)
    if page.tags.get(tiff_tags.EXTRA, guessed)[0] == UNASSOCIATED:
        return _over_black(values[..., : colours + 1], opaque)
    return values[..., :colours]


def _over_black(values: np.ndarray, opaque: float) -> np.ndarray:
    """Lay `(height, width, colours and alpha)` over black: `(height, width, colours)`.

    A transparency that hides every pixel was never set, and is passed over.
    """
    if not values[..., -1].any():
        return values[..., :-1]
    for top in range(0, len(values), depth.STRIP):
        strip = values[top : top + depth.STRIP]
        share = np.clip(strip[..., -1:].astype(np.float64) / opaque, 0, 1)
        if (share < 1).any():
            shown = strip[..., :-1] * share
            strip[..., :-1] = shown if values.dtype.kind == "f" else np.rint(shown)
    return values[..., :-1]


def _gray(values: np.ndarray) -> np.ndarray:
    """Give one value a pixel where all of a pixel are equal: a gray picture stored as colours."""
    if values.ndim == 2:
        return values
    strips = (values[top : top + depth.STRIP] for top in range(0, len(values), depth.STRIP))
    if all((strip == strip[..., :1]).all() for strip in strips):
        return np.ascontiguousarray(values[..., 0])
    return values
