"""The common kinds of picture with 8 bits a value, as Pillow decodes them."""

from __future__ import annotations

import io
from mmap import mmap
from pathlib import Path
from typing import IO, cast

import numpy as np
from PIL import Image, ImagePalette, TiffImagePlugin

from zoo.base.pictures import metadata, png_chunks, strips, tiff_tags
from zoo.base.pictures.pixel_arrays import resize
from zoo.base.pictures.tiff_tags import Buffer

FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Pillow knows more kinds, some of which start other programs (EPS) to be read."""

TRANSPARENT = ("RGBA", "LA", "PA", "La", "RGBa")
MP_ENTRIES = 0xB002
"""The tag that lists the pictures of a JPEG file of several (CIPA DC-007, 2009, 5.2.3.3)."""


def opened(source: Path | bytes, content: Buffer = b"") -> Image.Image:
    """Open a file without decoding it; what Pillow raises is passed on.

    The `content` of a TIFF file is given too: of a path, Pillow maps plain pixels in rows of the
    upright picture, and scrambles those that are stored sideways.
    """
    if isinstance(content, mmap):
        return Image.open(cast("IO[bytes]", content), formats=FORMATS)
    file = io.BytesIO(source) if isinstance(source, bytes) else source
    return Image.open(file, formats=FORMATS)


def pictures(image: Image.Image, content: Buffer) -> int:
    """Count the pictures of an open file of whose bytes `content` are the first.

    Of a JPEG file those count that are views of one thing; smaller copies do not.
    """
    if image.format == "PNG":
        told = png_chunks.told(content)
        return told.pictures if told else 1
    if image.format == "TIFF":
        return len(tiff_tags.pages(content))
    if image.format == "GIF":
        return 2 if getattr(image, "is_animated", False) else 1
    if image.format == "MPO":
        entries = getattr(image, "mpinfo", {}).get(MP_ENTRIES, ())
        kinds = [entry["Attribute"]["MPType"] for entry in entries]
        return max(1, sum(kind.startswith("Multi-Frame") for kind in kinds))
    return getattr(image, "n_frames", 1)


def turn_to_page(image: Image.Image, content: Buffer) -> None:
    """Turn an open TIFF file to the first page that is no preview of another."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return
    pages = tiff_tags.pages(content)
    place = tiff_tags.place(content, pages[0]) if pages else 0
    if place:
        image.seek(place)
    palette = image.tag_v2.get(TiffImagePlugin.COLORMAP)
    if image.mode == "P" and palette and max(palette) < 256:  # written with 8 bits instead of 16
        image.palette = ImagePalette.raw("RGB;L", bytes(palette))


def plain(
    image: Image.Image, turn: Image.Transpose | None, size: tuple[int, int] | None
) -> np.ndarray:
    """Convert a decoded picture to gray or RGB, turn it and resize it.

    Gives `(height, width)` uint8 of a gray picture, which costs a third, else `(height, width, 3)`.

    `size` is `(height, width)` of the result, None to leave it as it is. A transparency that hides
    every pixel was never set, and is passed over.
    """
    if image.mode in ("LA", "RGBA") and image.getextrema()[-1] == (0, 0):
        image = image.convert(image.mode.removesuffix("A"))
    sideways = turn in metadata.SIDEWAYS
    before = size[::-1] if size is not None and sideways else size
    if strips.fraction(*image.size, before) == 1:
        turned = image if turn is None else image.transpose(turn)
        return resize(np.asarray(_gray_or_rgb(turned)), size)
    small = strips.converted(
        *image.size,
        before,
        lambda top, bottom: np.asarray(_gray_or_rgb(image.crop((0, top, image.width, bottom)))),
    )
    return small if turn is None else np.asarray(Image.fromarray(small).transpose(turn))


def _gray_or_rgb(image: Image.Image) -> Image.Image:
    if image.mode in TRANSPARENT or "transparency" in image.info:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return Image.alpha_composite(black, rgba).convert("RGB")
    return image if image.mode == "L" else image.convert("RGB")
