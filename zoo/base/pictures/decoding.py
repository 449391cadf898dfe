"""Decode an image file of any known kind, by whoever knows it.

Pillow decodes what has 8 bits a value, `deep_pictures` what has more; what neither knows is offered
to the formats of plugins.
"""

from __future__ import annotations

import contextlib
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from zoo.base import formats
from zoo.base.datasets import wrong_header
from zoo.base.digests import check_regular
from zoo.base.errors import BadInput, ZooError
from zoo.base.pictures import deep_pictures, metadata, shallow_pictures, strips, tiff_tags
from zoo.base.pictures.picture_limits import (
    MAX_BYTES,
    check_alone,
    check_size,
    no_image,
    only_preview,
    refusing,
    unread,
    unread_kind,
)
from zoo.base.pictures.pixel_arrays import resize
from zoo.base.pictures.reader_warnings import silence
from zoo.base.pictures.tiff_tags import Buffer
from zoo.base.remote import present
from zoo.base.types import DeepPicture, Header, ImageFormat

Target = Callable[[int, int], tuple[int, int] | None]
"""From the width and height of an upright picture to the size `(height, width)` that is wanted."""


@dataclass(frozen=True)
class File:
    """A file that is there: its first bytes, and how many it has."""

    source: Path | bytes
    head: bytes
    length: int
    whole: Buffer
    """All bytes of a PNG or TIFF file, which say how deep it is; else none."""

    def content(self) -> bytes:
        """Read the whole file."""
        return self.source if isinstance(self.source, bytes) else self.source.read_bytes()


@dataclass(frozen=True, eq=False)
class Deep:
    """Deep values, as they are stored, and what makes the picture upright."""

    picture: DeepPicture
    turn: Image.Transpose | None


@contextlib.contextmanager
def decoded(source: Path | bytes, name: str, target: Target) -> Iterator[np.ndarray | Deep]:
    """Decode a file; while it is used, no other large picture is decoded.

    Gives uint8 at the size that `target` asks for, or deep values as they are stored.
    """
    with (
        opened(source, name) as file,
        refusing(name),
        silence,
        contextlib.ExitStack() as alone,
    ):
        yield _found(file, name, target, alone)


def _found(file: File, name: str, target: Target, alone: contextlib.ExitStack) -> np.ndarray | Deep:
    if any(page.previews for page in tiff_tags.pages(file.whole)[:1]):
        raise only_preview(name)
    deep = deep_pictures.found(file.whole)
    if deep:
        check_size(deep.width, deep.height, name)
        check_alone(deep.pictures, name)
        alone.enter_context(strips.in_turn(deep.width * deep.height))
        return Deep(deep_pictures.decoded(file.whole, deep, name), deep.turn)
    try:
        with shallow_pictures.opened(file.source, file.whole) as image:
            return _by_pillow(image, file, name, target, alone)
    except ZooError:
        raise
    except Exception as error:
        if known := formats.recognised(file.head):
            return _by_plugin(known, file, name, target, alone)
        content = file.content()
        bare = metadata.without_metadata(content)
        unknown = isinstance(error, UnidentifiedImageError)
        if bare is None and unknown:
            raise no_image(name, file.head) from error
        if bare is None or (bare == content and not unknown):
            raise
    turn = metadata.stored_orientation(content)
    with opened_bare(bare, name) as image:
        return _by_pillow(image, file, name, target, alone, turn)


def opened_bare(bare: bytes, name: str) -> Image.Image:
    """Open a file without its metadata.

    Raises:
        BadInput: it is a TIFF or JPEG file of pixels that are stored in an unusual way.
    """
    try:
        return shallow_pictures.opened(bare)
    except UnidentifiedImageError:
        pages = tiff_tags.pages(bare) if tiff_tags.is_tiff(bare) else ()
        told = pages[0].told() if pages else metadata.told_by_jpeg(bare)
        if not told:
            raise
        raise unread_kind(name, told) from None


def _by_pillow(
    image: Image.Image,
    file: File,
    name: str,
    target: Target,
    alone: contextlib.ExitStack,
    turn: Image.Transpose | None = None,
) -> np.ndarray:
    shallow_pictures.turn_to_page(image, file.whole)
    check_size(*image.size, name)
    check_alone(shallow_pictures.pictures(image, file.whole), name)
    width, height = image.size
    alone.enter_context(strips.in_turn(width * height))
    size = target(width, height)
    if size is not None and image.mode in ("L", "RGB"):
        # JPEG decodes at a fraction; twice the size leaves the sharpness to our own filter.
        image.draft(None, (2 * max(size),) * 2)
    image.load()
    turn = turn or metadata.orientation(image)
    if turn in metadata.SIDEWAYS:
        size = target(height, width)
    return shallow_pictures.plain(image, turn, size)


def _by_plugin(
    known: ImageFormat, file: File, name: str, target: Target, alone: contextlib.ExitStack
) -> np.ndarray | Deep:
    content = content_for_plugin(file, name)
    promised = header_by_plugin(known, content, name)
    alone.enter_context(strips.in_turn(promised.width * promised.height))
    given = known.read(content, name)
    shape = (promised.height, promised.width)
    if fault := _wrong_picture(given, shape):
        expected = f"uint8 {shape} or {(*shape, 3)}, or a DeepPicture of that shape"
        raise _broken_format(known, f"{fault} for '{name}'; expected {expected}")
    if isinstance(given, DeepPicture):
        return Deep(given, None)
    return resize(given, target(promised.width, promised.height))


def _wrong_picture(given: object, shape: tuple[int, int]) -> str:
    """Say what a plugin gave instead of a picture of that shape; empty when it is one."""
    deep = isinstance(given, DeepPicture)
    values = given.values if isinstance(given, DeepPicture) else given
    if not isinstance(values, np.ndarray):
        return f"a DeepPicture of {type(values).__name__}" if deep else type(values).__name__
    fits = values.dtype.kind in "uif" if deep else values.dtype == np.uint8
    if values.shape not in (shape, (*shape, 3)) or not fits:
        return f"{values.dtype} {values.shape}"
    low, high = values.min(), values.max()
    if not np.isfinite([low, high]).all() or (low < 0 and values.dtype.kind == "i"):
        return f"values from {low} to {high}"
    return ""


def header_by_plugin(known: ImageFormat, content: bytes, name: str) -> Header:
    """Ask a plugin what a file says of its picture, and check its size."""
    promised = known.header(content, name)
    if fault := wrong_header(promised):
        raise _broken_format(known, f"for '{name}' the header {fault}")
    check_size(promised.width, promised.height, name)
    return promised


def _broken_format(known: ImageFormat, gave: str) -> ZooError:
    return ZooError(
        f"The image format '{known.name}' is broken: it gave {gave}. Tell its author, or uninstall "
        "it."
    )


def content_for_plugin(file: File, name: str) -> bytes:
    """Read a file whole, unless it is too large for that."""
    if file.length > MAX_BYTES:
        raise BadInput(
            f"'{name}' has {file.length:,} bytes; expected at most {MAX_BYTES:,}. "
            "Export the picture alone."
        )
    return file.content()


@contextlib.contextmanager
def opened(source: Path | bytes, name: str) -> Iterator[File]:
    """Read a file's first bytes, and map it where they are those of a PNG or TIFF file."""
    if isinstance(source, bytes):
        head = source[: formats.HEAD]
        yield File(source, head, len(source), source if deep_pictures.may_be(head) else b"")
        return
    with contextlib.ExitStack() as closing:
        try:
            check_regular(source)
            stream = closing.enter_context(present(source).open("rb"))
            head, length = stream.read(formats.HEAD), source.stat().st_size
            whole: Buffer = b""
            if deep_pictures.may_be(head):
                whole = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError as error:
            raise BadInput(f"There is no file '{name}'. Check the path.") from error
        except (IsADirectoryError, ValueError) as error:
            raise no_image(name) from error
        except OSError as error:
            raise unread(name, error) from error
        yield File(source, head, length, whole)
