"""Metadata of a picture: its orientation is read, and nothing of it costs the picture."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from PIL import ExifTags, Image

from zoo.base.pictures import png_chunks, tiff_tags
from zoo.base.pictures.tiff_tags import Buffer

TRANSPOSITIONS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes a picture upright, by its orientation (CIPA DC-008, Exif 3.0, 2023, 4.6.5.1.1)."""

SIDEWAYS = (
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)
"""Those that make the height of a picture its width."""

EXIF = b"Exif\0\0"
JPEG = b"\xff\xd8\xff"
FRAMES = {
    **dict.fromkeys((0xC0, 0xC1, 0xC2), "lossy"),
    **dict.fromkeys((0xC3, 0xC7), "lossless"),
    **dict.fromkeys((0xC5, 0xC6), "in several sizes"),
    **dict.fromkeys((0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF), "with arithmetic coding"),
    0xF7: "JPEG-LS",
}
"""Frame headers: ITU-T T.81, B.2.2."""
KEPT_SEGMENTS = {0xE0: 18, 0xEE: 16}
"""JFIF and Adobe tell which colours the values are, in so many bytes; what else applications write
is metadata."""


def upright(image: Image.Image) -> Image.Image:
    """Return the picture as the camera was held; metadata that cannot be read say nothing."""
    method = orientation(image)
    return image if method is None else image.transpose(method)


def orientation(image: Image.Image) -> Image.Transpose | None:
    """Read how a decoded picture has to be turned, None for not at all."""
    try:
        told = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # whatever Pillow makes of spoilt metadata
        told = None
    return _alone(image.info.get("exif")) if told is None else TRANSPOSITIONS.get(told)


def stored_orientation(content: Buffer) -> Image.Transpose | None:
    """Read the same from the bytes of a PNG or JPEG file."""
    try:
        return _alone(_exif(content))
    except (IndexError, StopIteration, ValueError, struct.error):
        return None


def without_metadata(content: bytes) -> bytes | None:
    """Return a PNG, JPEG or TIFF file with no more than its pixels need; None for another kind.

    For a file that cannot be read as it is.
    """
    try:
        if content.startswith(png_chunks.MAGIC):
            return png_chunks.without_metadata(content)
        if content.startswith(JPEG):
            return _jpeg_without_metadata(content)
        if tiff_tags.is_tiff(content):
            return tiff_tags.without_metadata(content)
    except Exception:  # a file that is damaged beyond its metadata
        return None
    return None


def told_by_jpeg(content: bytes) -> str:
    """Say how the pixels of a JPEG file are stored; empty of any other content."""
    if not content.startswith(JPEG):
        return ""
    try:
        frames = [one for one in _segments(content) if one[0] in FRAMES]
    except (IndexError, ValueError):
        return ""
    if not frames:
        return ""
    marker, segment = frames[0]
    return f"JPEG of {segment[4]} bits in {segment[9]} channels, {FRAMES[marker]}"


def _alone(exif: object) -> Image.Transpose | None:
    """Read the orientation from EXIF data of which nothing else is looked at."""
    if not isinstance(exif, bytes):
        return None
    told = tiff_tags.number(exif.removeprefix(EXIF), ExifTags.Base.Orientation)
    return None if told is None else TRANSPOSITIONS.get(told)


def _exif(content: Buffer) -> bytes:
    if bytes(content[:8]) == png_chunks.MAGIC:
        chunks = png_chunks.chunks(content)
        return next(body for kind, body, _ in chunks if kind == b"eXIf")
    segments = (segment[4:] for marker, segment in _segments(content) if marker == 0xE1)
    return next(body for body in segments if body.startswith(EXIF))


def _jpeg_without_metadata(content: bytes) -> bytes:
    kept = [segment for marker, segment in _segments(content) if _is_needed(marker, len(segment))]
    return content[:2] + b"".join(kept)


def _is_needed(marker: int, length: int) -> bool:
    if marker in KEPT_SEGMENTS:
        return length >= KEPT_SEGMENTS[marker]
    return not (0xE0 <= marker <= 0xEF or marker == 0xFE)


def _segments(content: Buffer) -> Iterator[tuple[int, bytes]]:
    """Yield marker and bytes of each segment: ITU-T T.81, B.1.1.3. The last holds the pixels."""
    at = 2
    while content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4], "big")
        end = len(content) if marker == 0xDA else at + 2 + length
        yield marker, content[at:end]
        at = end
        if marker == 0xDA:
            return
    raise ValueError("no marker where one must be")
