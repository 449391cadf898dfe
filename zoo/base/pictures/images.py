"""Read an image file of any common kind into 8-bit RGB, within limits that are checked first.

The gray levels of a picture depend on its values and on what its file or data set says of them:
never on its own brightest or darkest value, on how its file is packed, or on metadata that have
nothing to do with them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from zoo.base import formats
from zoo.base.pictures import deep_pictures, depth, metadata, shallow_pictures, strips
from zoo.base.pictures.decoding import (
    Deep,
    Target,
    content_for_plugin,
    decoded,
    header_by_plugin,
    opened,
    opened_bare,
)
from zoo.base.pictures.picture_limits import EXTENSIONS, check_size, refusing
from zoo.base.pictures.picture_limits import MAX_PIXELS as MAX_PIXELS
from zoo.base.pictures.pixel_arrays import proportioned
from zoo.base.pictures.reader_warnings import silence
from zoo.base.types import DeepPicture, Header

READING = 4
"""Raised whenever `read` gives other pixels for the same file, so that cached features expire."""
EXAMINED_SIDE = 32
"""JPEGs decode at a fraction, which still reads the whole file."""


def reading() -> str:
    """Name how files are read: whatever is kept of pictures is kept below it.

    That is `READING`, and which formats of other packages are installed in which version.
    """
    strangers = formats.strangers()
    if not strangers:
        return str(READING)
    return f"{READING}_{hashlib.blake2b(repr(strangers).encode(), digest_size=6).hexdigest()}"


class _Aim:
    """Asks for one size, and remembers the `(height, width)` that the picture has upright."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = self.shape = size

    def __call__(self, width: int, height: int) -> tuple[int, int]:
        self.shape = height, width  # of those that are told, the last is the upright one
        return self.size


def is_image_name(path: str | Path) -> bool:
    """Tell whether the name looks like an image that `read_image` can open.

    Examples:
        >>> zoo.is_image_name(Path("a.png")), zoo.is_image_name(Path("a.txt"))
        (True, False)
    """
    path = Path(path)
    suffix = path.suffix.lower()
    known = suffix in EXTENSIONS or suffix in formats.extensions()
    return known and not path.name.startswith(".")


def read_image(
    source: str | Path | bytes,
    size: tuple[int, int] | None = None,
    name: str = "",
    *,
    bits: int | None = None,
) -> np.ndarray:
    """Read one image as `(height, width, 3)` uint8.

    Gray, palette, CMYK, transparent (over black), 16-bit and float images become 8-bit RGB and
    the camera's orientation is applied. With `size = (height, width)` the image is squashed to
    it: padding would show the network the shape of the original file, which is a shortcut.
    `bits` is the depth of values in a file that holds more than 8 and does not say how many: that
    of its data set or run. Without it all that the file's type can hold is taken.

    Raises:
        BadInput: not an image, empty, truncated, several in one file, under 8 pixels a side, over
            100 megapixels, or values that do not fit the depth.

    Examples:
        >>> zoo.read_image(Path("pictures/NORMAL-1.png"), size=(48, 32)).shape
        (48, 32, 3)
    """
    source = Path(source) if isinstance(source, str) else source
    return _read(source, name, bits, lambda _width, _height: size)


def read_shaped(
    source: Path | bytes, size: tuple[int, int], name: str = "", *, bits: int | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Read one image as `read_image` does; return it and the `(height, width)` it has upright."""
    pixels, shape, _ = read_examined(source, size, name, bits=bits)
    return pixels, shape


def read_examined(
    source: Path | bytes, size: tuple[int, int], name: str = "", *, bits: int | None = None
) -> tuple[np.ndarray, tuple[int, int], bool]:
    """Read one image as `read_shaped` does; tell also whether it has more than 8 bits a value."""
    name, aim = name or _name_of(source), _Aim(size)
    with decoded(source, name, aim) as found:
        deep = not isinstance(found, np.ndarray)
        pixels = found if isinstance(found, np.ndarray) else _shown(found, name, bits, aim)
        return _rgb(pixels), aim.shape, deep


def read_proportioned(
    source: Path | bytes, side: int, name: str = "", *, bits: int | None = None
) -> np.ndarray:
    """Read one image as `read_image` does, with this shorter side, in its own proportions.

    They are kept up to 3:1 (`zoo.base.pictures.pixel_arrays.proportioned`).
    """
    return _read(source, name, bits, lambda width, height: proportioned((height, width), side))


def read_within(
    source: Path | bytes, longest: int, name: str = "", *, bits: int | None = None
) -> np.ndarray:
    """Read one image as `read_image` does, made smaller where a side is longer than `longest`."""

    def target(width: int, height: int) -> tuple[int, int] | None:
        scale = longest / max(width, height)
        if scale >= 1:
            return None
        return max(1, round(height * scale)), max(1, round(width * scale))

    return _read(source, name, bits, target)


@dataclass(frozen=True, eq=False)
class Examined:
    """An image that is whole: its pixels, or its values where these are deep.

    `pixels` are those that `read_image` gives; `shape` is the `(height, width)` it has upright.
    """

    pixels: np.ndarray | None
    deep: DeepPicture | None
    shape: tuple[int, int]


def examine(
    source: Path | bytes,
    name: str = "",
    size: tuple[int, int] = (EXAMINED_SIDE, EXAMINED_SIDE),
) -> Examined:
    """Decode an image once to see that it is whole; give it at `size`, or its deep values.

    Raises:
        BadInput: as `read_image`, except for values that do not fit a depth.
    """
    aim = _Aim(size)
    with decoded(source, name or _name_of(source), aim) as found:
        if isinstance(found, np.ndarray):
            return Examined(_rgb(found), None, aim.shape)
        return Examined(None, found.picture, aim.shape)


def read_header(path: str | Path) -> Header:
    """Read width, height, mode and bytes of an image file without decoding it.

    Raises:
        BadInput: not an image, under 8 pixels a side, over 100 megapixels.

    Examples:
        >>> header = zoo.read_header(Path("pictures/NORMAL-1.png"))
        >>> header.width, header.height
        (64, 64)
    """
    path, name = Path(path), str(path)
    with opened(path, name) as file, refusing(name), silence:
        deep = deep_pictures.found(file.whole)
        if deep:
            check_size(deep.width, deep.height, name)
            return Header(deep.width, deep.height, deep.mode, file.length)
        try:
            image = shallow_pictures.opened(path)
        except Exception:
            if known := formats.recognised(file.head):
                return header_by_plugin(known, content_for_plugin(file, name), name)
            bare = metadata.without_metadata(file.content())
            if bare is None:
                raise
            image = opened_bare(bare, name)
        with image:
            check_size(*image.size, name)
            return Header(*image.size, image.mode, file.length)


def _read(source: Path | bytes, name: str, bits: int | None, target: Target) -> np.ndarray:
    name = name or _name_of(source)
    with decoded(source, name, target) as found:
        pixels = found if isinstance(found, np.ndarray) else _shown(found, name, bits, target)
        return _rgb(pixels)


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, axis=-1)


def _shown(found: Deep, name: str, bits: int | None, target: Target) -> np.ndarray:
    """Convert deep values to uint8, `(height, width)` or `(height, width, 3)`."""
    picture = found.picture
    white = depth.white_of(picture, bits, name)
    height, width = picture.values.shape[:2]
    sideways = found.turn in metadata.SIDEWAYS
    size = target(height, width) if sideways else target(width, height)
    pixels = strips.converted(
        width,
        height,
        size[::-1] if size is not None and sideways else size,
        lambda top, bottom: depth.to_8_bit(
            picture.values[top:bottom], white, inverted=picture.inverted
        ),
    )
    if found.turn is None:
        return pixels
    return np.asarray(Image.fromarray(pixels).transpose(found.turn))


def _name_of(source: Path | bytes) -> str:
    return str(source) if isinstance(source, Path) else "image"
