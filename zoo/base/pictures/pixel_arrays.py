"""Decoded pictures: resized, given channels, blurred, encoded."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from zoo.base.errors import BadInput

LONGEST = 3
"""The longest side of a picture that is shown, in shorter sides."""


def resize(pixels: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Squash a picture to `size = (height, width)`, bilinear with antialias.

    `pixels` is `(height, width)` or `(height, width, 3)` uint8, and so is what is returned.

    Examples:
        >>> zoo.resize(zoo.read_image(Path("pictures/NORMAL-1.png")), (16, 16)).shape
        (16, 16, 3)
    """
    if size is None or pixels.shape[:2] == tuple(size):
        return pixels
    image = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(image)


def proportioned(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return `(height, width)` with this shorter side, in the proportions of `shape`.

    A picture longer than 3:1 becomes 3:1, so that it can still be laid out beside others.
    """
    height, width = (min(round(side * given / min(shape)), LONGEST * side) for given in shape)
    return height, width


def to_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Give `(…, 3)` RGB the number of channels a network takes: 3, or 1 (ITU-R 601 luminance)."""
    if channels == pixels.shape[-1]:
        return pixels
    if channels != 1:
        raise BadInput(f"A network with {channels} input channels was given; expected 1 or 3.")
    gray = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
    return np.rint(gray).astype(pixels.dtype)[..., None]


def blurred(image: np.ndarray) -> np.ndarray:
    """Blur `(height, width, channels)` until no structure is left, only brightness.

    Unlike a gray or black area, its borders with the image are hardly a finding by themselves.
    """
    from scipy.ndimage import gaussian_filter

    spread = max(image.shape[:2]) / 8
    return gaussian_filter(image, (spread, spread, 0), mode="nearest")


def encode_png(pixels: np.ndarray) -> bytes:
    """Encode `(height, width, 3)` or `(height, width, 1)` uint8 without loss, as gray if it is."""
    gray = bool((pixels == pixels[..., :1]).all())
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if gray else pixels).save(buffer, "PNG")
    return buffer.getvalue()


def encode_jpeg(pixels: np.ndarray, quality: int = 85) -> bytes:
    """Encode `(height, width, 3)` or `(height, width, 1)` uint8 as a JPEG file."""
    buffer = io.BytesIO()
    array = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    Image.fromarray(array).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
