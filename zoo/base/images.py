"""Read an image file of any common kind into 8-bit RGB, within limits that are checked first.

Pillow reads the common kinds; what it does not know is offered to the formats of plugins.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from zoo.base import formats
from zoo.base.errors import BadInput, ZooError
from zoo.base.pixel_arrays import resize
from zoo.base.reader_warnings import silence
from zoo.base.types import Header, ImageFormat

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp"})


FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""Pillow knows more kinds, some of which start other programs (EPS) to be read."""


MAX_PIXELS = 100_000_000


MAX_BYTES = 512 * 2**20
"""Of a file that a plugin reads: it is held in memory whole."""


MIN_SIDE = 8


READING = 2
"""Raised whenever `read` gives other pixels for the same file, so that cached features expire."""


DEEP_MODES = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


def is_image_name(path: Path) -> bool:
    """Tell whether the name looks like an image that `read_image` can open.

    Examples:
        >>> zoo.is_image_name(Path("a.png")), zoo.is_image_name(Path("a.txt"))
        (True, False)
    """
    suffix = path.suffix.lower()
    known = suffix in EXTENSIONS or suffix in formats.extensions()
    return known and not path.name.startswith(".")


def read_image(
    source: Path | bytes, size: tuple[int, int] | None = None, name: str = ""
) -> np.ndarray:
    """Read one image as `(height, width, 3)` uint8.

    Gray, palette, CMYK, transparent (over black), 16-bit and float images become 8-bit RGB and
    the camera's orientation is applied. With `size = (height, width)` the image is squashed to
    it: padding would show the network the shape of the original file, which is a shortcut.

    Raises:
        BadInput: not an image, empty, truncated, under 8 pixels a side, over 100 megapixels.

    Examples:
        >>> zoo.read_image(Path("pictures/NORMAL-1.png"), size=(48, 32)).shape
        (48, 32, 3)
    """
    name = name or (str(source) if isinstance(source, Path) else "image")
    image = _opened(source, name)
    if image is None:
        return resize(_read_by_plugin(source, name), size)
    with image:
        _check_size(*image.size, name)
        if size is not None and image.mode in ("L", "RGB"):
            # JPEG decodes at a fraction; twice the size leaves the sharpness to our own filter.
            image.draft(None, (2 * max(size),) * 2)
        try:
            image.load()
        except (OSError, SyntaxError, ValueError, MemoryError) as error:
            raise BadInput(
                f"'{name}' is damaged or cut short ({error}). Expected a whole image file: "
                "copy or export it again."
            ) from error
        return resize(_to_rgb(ImageOps.exif_transpose(image), name), size)


def read_header(path: Path) -> Header:
    """Read width, height, mode and bytes of an image file without decoding it.

    Raises:
        BadInput: not an image, under 8 pixels a side, over 100 megapixels.

    Examples:
        >>> header = zoo.read_header(Path("pictures/NORMAL-1.png"))
        >>> header.width, header.height
        (64, 64)
    """
    image = _opened(path, str(path))
    if image is None:
        return _header_by_plugin(*_recognised(path, str(path)), str(path))
    with image:
        _check_size(*image.size, str(path))
        return Header(*image.size, image.mode, path.stat().st_size)


def _opened(source: Path | bytes, name: str) -> Image.Image | None:
    """Open what Pillow knows, without decoding it; None for another kind of file."""
    try:
        with silence:  # Pillow warns of sizes that are refused later
            file = io.BytesIO(source) if isinstance(source, bytes) else source
            return Image.open(file, formats=FORMATS)
    except FileNotFoundError as error:
        raise BadInput(f"There is no file '{name}'. Check the path.") from error
    except Image.DecompressionBombError as error:
        raise BadInput(_too_large(name)) from error
    except (OSError, SyntaxError, ValueError):
        return None


def _read_by_plugin(source: Path | bytes, name: str) -> np.ndarray:
    known, content = _recognised(source, name)
    promised = _header_by_plugin(known, content, name)
    with silence:
        pixels = known.read(content, name)
    shape = (promised.height, promised.width)
    if pixels.dtype != np.uint8 or pixels.shape not in (shape, (*shape, 3)):
        raise ZooError(
            f"The image format '{known.name}' is broken: it gave {pixels.dtype} {pixels.shape} for "
            f"'{name}'; expected uint8 {shape} or {(*shape, 3)}. Tell its author, or uninstall it."
        )
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)


def _header_by_plugin(known: ImageFormat, content: bytes, name: str) -> Header:
    with silence:
        promised = known.header(content, name)
    _check_size(promised.width, promised.height, name)
    return promised


def _recognised(source: Path | bytes, name: str) -> tuple[ImageFormat, bytes]:
    """Find the plugin's format by the first bytes, and read the file only then."""
    try:
        if isinstance(source, bytes):
            head, length = source[: formats.HEAD], len(source)
        else:
            with source.open("rb") as stream:
                head, length = stream.read(formats.HEAD), source.stat().st_size
        known = formats.recognised(head)
        if known is not None and length > MAX_BYTES:
            raise BadInput(
                f"'{name}' has {length:,} bytes; expected at most {MAX_BYTES:,}. "
                "Export the picture alone."
            )
        if known is not None:
            return known, source if isinstance(source, bytes) else source.read_bytes()
    except OSError:  # a folder, or a file without permission
        pass
    raise BadInput(
        f"'{name}' is not an image that can be read. "
        f"Expected one of: {', '.join(sorted(e[1:] for e in EXTENSIONS | formats.extensions()))}."
    )


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > MAX_PIXELS:
        raise BadInput(f"{_too_large(name)} It has {width} x {height}.")
    if min(width, height) < MIN_SIDE:
        raise BadInput(
            f"'{name}' has {width} x {height} pixels; expected at least {MIN_SIDE} a side."
        )


def _too_large(name: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return f"'{name}' has more than {limit} million pixels, the limit. Scale it down first."


def _to_rgb(image: Image.Image, name: str) -> np.ndarray:
    if image.mode in DEEP_MODES:
        gray = _to_8_bit(np.asarray(image), name)
        return np.repeat(gray[..., None], 3, axis=-1)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        black = Image.new("RGBA", rgba.size, (0, 0, 0, 255))
        return np.asarray(Image.alpha_composite(black, rgba).convert("RGB"))
    return np.asarray(image.convert("RGB"))


def _to_8_bit(values: np.ndarray, name: str) -> np.ndarray:
    """Scale deep gray values by the depth they were stored with, never by their own extremes."""
    if not np.isfinite(values).all() or values.min() < 0:
        raise BadInput(f"'{name}' has negative or infinite values. Expected intensities from 0 up.")
    peak = float(values.max())
    if values.dtype.kind == "f" and peak <= 1:
        full_scale = 1.0
    else:
        full_scale = float(
            next((2**b - 1 for b in (8, 10, 12, 14, 16, 32) if peak <= 2**b - 1), peak)
        )
    return np.rint(values.astype(np.float64) * (255.0 / full_scale)).astype(np.uint8)
