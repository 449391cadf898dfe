"""Draw an attribution over its image, clear where there is no evidence."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw

from zoo.base.explanations import Attribution
from zoo.base.pictures.pixel_arrays import encode_jpeg, proportioned
from zoo.network.frame import Box

Shape = tuple[int, int]
"""Height and width."""

UNSIGNED_COLOURS, SIGNED_COLOURS = "plasma", "RdBu_r"
OPACITY = 0.72
FRAME_COLOUR = (140, 220, 255)
"""Of the line around what a network saw: in none of the maps."""
SHOWN_SIDE = 448
"""Pixels of the shorter side of a drawn overlay: sharp on a dense screen, about 40 kB."""
TINY_SIDE = 64
"""Images below this are enlarged as squares: smoothing would invent detail."""
PEAK_PERCENTILE = 99.8
"""The colour bar ends here, so that one stray pixel does not hide the rest of the map."""


def overlay(
    pixels: np.ndarray,
    attribution: Attribution,
    box: Box | None = None,
    shape: Shape | None = None,
) -> np.ndarray:
    """Blend a map over its image: `(height, width, 3)` uint8, enlarged for display.

    `pixels` is `(height, width, channels)` uint8 with 1 or 3 channels. The opacity is
    proportional to the evidence, so a pixel without any stays as it was. Around the `box`, what the
    network saw, there is a line. The proportions are those of `shape`, as in `enlarge`.
    """
    base = enlarge(pixels, shape)
    evidence = _evidence(attribution, base.shape[:2])
    return _lined(_blend(base.astype(np.float32), evidence, attribution.signed), box)


def overlay_jpeg(
    pixels: np.ndarray,
    attribution: Attribution,
    box: Box | None = None,
    shape: Shape | None = None,
) -> bytes:
    """Return the overlay as a JPEG file, to be embedded in a page."""
    return encode_jpeg(overlay(pixels, attribution, box, shape), quality=88)


def shown(pixels: np.ndarray, box: Box | None = None, shape: Shape | None = None) -> np.ndarray:
    """Return the image alone, `(height, width, 3)` uint8, with a line around the `box`."""
    return _lined(enlarge(pixels, shape), box)


def picture_jpeg(pixels: np.ndarray, box: Box | None = None, shape: Shape | None = None) -> bytes:
    """Return the image alone as a JPEG file of the overlays' size."""
    return encode_jpeg(shown(pixels, box, shape), quality=88)


def evidence_png(attribution: Attribution, size: tuple[int, int]) -> bytes:
    """Return a map alone as a PNG file of `size = (height, width)`, to be laid over its image.

    The colours are those of `overlay`; the evidence is in the alpha channel, so that a viewer
    chooses the opacity, and a pixel without evidence is clear.
    """
    evidence = _evidence(attribution, size)
    alpha = np.abs(evidence)[..., None] * 255
    layer = np.concatenate([_colours(evidence, attribution.signed), alpha], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(np.rint(layer).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


def colour_bar(signed: bool, width: int = 256, height: int = 12) -> np.ndarray:
    """Return `(height, width, 3)` uint8: the overlay's colours over mid-gray, least to most."""
    ramp = np.linspace(-1 if signed else 0, 1, width, dtype=np.float32)
    gray = np.full((height, width, 3), 110, np.uint8)
    return _blend(gray.astype(np.float32), np.repeat(ramp[None], height, axis=0), signed)


def colour_bar_png(signed: bool) -> bytes:
    """Return the colour bar as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(colour_bar(signed)).save(buffer, "PNG")
    return buffer.getvalue()


def bar_ends(attribution: Attribution) -> tuple[str, str, str]:
    """Say what the left end, the middle and the right end of the colour bar mean."""
    most = peak(attribution.values)
    if most == 0:
        return ("no evidence anywhere", "", "")
    if attribution.signed:
        return (f"against -{most:.2g}", "0", f"for +{most:.2g}")
    return ("none 0", "", f"most {most:.2g}")


def peak(values: np.ndarray) -> float:
    """Return the value at which the colours are full; 0 when a map holds no evidence.

    That is the 99.8th percentile of the magnitudes, or their maximum where that is zero.
    """
    magnitudes = np.abs(_finite(values))
    return float(np.percentile(magnitudes, PEAK_PERCENTILE)) or float(magnitudes.max())


def enlarge(pixels: np.ndarray, shape: Shape | None = None) -> np.ndarray:
    """Return `(height, width, 3)` uint8 whose shorter side has at least 448 pixels.

    `shape` is the `(height, width)` that the picture had before it was squashed: it is drawn in
    these proportions, up to 3:1. None: in those of `pixels`.
    """
    image = Image.fromarray(np.repeat(pixels, 3, -1) if pixels.shape[-1] == 1 else pixels)
    side = min(image.size)
    tiny = side < TINY_SIDE
    enlarged = side * -(-SHOWN_SIDE // side) if tiny else max(SHOWN_SIDE, side)
    height, width = in_proportion(pixels, enlarged, shape)
    if image.size == (width, height):
        return np.asarray(image)
    how = Image.Resampling.NEAREST if tiny else Image.Resampling.BICUBIC
    return np.asarray(image.resize((width, height), how))


def in_proportion(pixels: np.ndarray, side: int, shape: Shape | None) -> Shape:
    """Return the `(height, width)` with this shorter side at which `pixels` are to be drawn."""
    if shape is not None:
        return proportioned(shape, side)
    height, width = pixels.shape[:2]
    return round(height * side / min(height, width)), round(width * side / min(height, width))


def _lined(picture: np.ndarray, box: Box | None) -> np.ndarray:
    """Draw a light line with a dark one inside around a box, seen on white and on black."""
    if box is None:
        return picture
    height, width = picture.shape[:2]
    top, left, bottom, right = (
        round(share * (side - 1)) for share, side in zip(box, (height, width) * 2, strict=True)
    )
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    thin = max(1, min(height, width) // 224)
    draw.rectangle((left, top, right, bottom), outline=FRAME_COLOUR, width=thin)
    inner = (left + thin, top + thin, right - thin, bottom - thin)
    draw.rectangle(inner, outline=(0, 0, 0), width=thin)
    return np.asarray(image)


def _evidence(attribution: Attribution, size: tuple[int, int]) -> np.ndarray:
    """Scale the map to -1 … 1 (signed) or 0 … 1 and to `size = (height, width)`."""
    values = _finite(attribution.values)
    most = peak(attribution.values)
    if most > 0:
        values = np.clip(values / most, -1 if attribution.signed else 0, 1)
    tiny = min(values.shape) < TINY_SIDE
    how = Image.Resampling.NEAREST if tiny else Image.Resampling.BILINEAR
    return np.asarray(Image.fromarray(values).resize((size[1], size[0]), how))


def _blend(base: np.ndarray, evidence: np.ndarray, signed: bool) -> np.ndarray:
    colours = _colours(evidence, signed)
    alpha = OPACITY * np.abs(evidence)[..., None]
    return np.rint(base * (1 - alpha) + colours * alpha).astype(np.uint8)


def _colours(evidence: np.ndarray, signed: bool) -> np.ndarray:
    """Return `(height, width, 3)` float32, 0 to 255."""
    from matplotlib import colormaps

    place = (evidence + 1) / 2 if signed else evidence
    name = SIGNED_COLOURS if signed else UNSIGNED_COLOURS
    return colormaps[name](place)[..., :3].astype(np.float32) * 255


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
