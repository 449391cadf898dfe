"""What is refused before it is decoded, and in which words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from PIL import Image, UnidentifiedImageError

from zoo.base import formats
from zoo.base.errors import BadInput, ZooError

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp"})
MAX_PIXELS = 100_000_000
MAX_BYTES = 512 * 2**20
"""Of a file that a plugin reads: it is held in memory whole."""
MIN_SIDE = 8
OTHERS = {
    b"version https://git-lfs": "It stands for a file of Git LFS: fetch that by 'git lfs pull'.",
    b"%PDF": "It is a PDF file: export the image in it.",
    b"<": "It is a web page or a drawing: fetch the image itself.",
    b"\0\0\0\x0cjP": "It is a JPEG 2000 file: export it as PNG.",
    b"\xff\x4f\xff\x51": "It is a JPEG 2000 file: export it as PNG.",
    b"\xff\x0a": "It is a JPEG XL file: export it as PNG.",
    b"\0\0\0\x0cJXL": "It is a JPEG XL file: export it as PNG.",
    b"PK\3\4": "It is an archive: unpack it.",
}
"""First bytes of what people take for an image, and what to do."""
REASON = 120
"""Letters of a library's own words that are shown."""


def check_alone(pictures: int, name: str) -> None:
    """Refuse a file of several pictures: none of them is *the* picture."""
    if pictures > 1:
        raise BadInput(
            f"'{name}' has several pictures: pages or the frames of an animation. "
            "Expected a single one: export the one you mean as a file of its own."
        )


def check_size(width: int, height: int, name: str) -> None:
    """Refuse too many pixels, or too few."""
    if width * height > MAX_PIXELS:
        raise BadInput(f"{_too_large(name)} It has {width} x {height}.")
    if min(width, height) < MIN_SIDE:
        raise BadInput(
            f"'{name}' has {width} x {height} pixels; expected at least {MIN_SIDE} a side."
        )


def _too_large(name: str) -> str:
    limit = MAX_PIXELS // 1_000_000
    return f"'{name}' has more than {limit} million pixels, the limit. Scale it down first."


def no_image(name: str, head: bytes | None = None) -> BadInput:
    """Return the refusal of what is no image at all; its first bytes may tell what it is."""
    kinds = ", ".join(sorted(e[1:] for e in EXTENSIONS | formats.extensions()))
    told = "" if head is None else f"{_looks_like(head)} "
    return BadInput(
        f"'{name}' is not an image that can be read. {told.lstrip()}Expected one of: {kinds}."
    )


def _looks_like(head: bytes) -> str:
    if not head:
        return "It is empty: copy it again."
    if head[4:8] == b"ftyp":
        return "It is a HEIC or AVIF file, or a film: export it as JPEG or PNG."
    return next((told for magic, told in OTHERS.items() if head.lstrip().startswith(magic)), "")


def unread_kind(name: str, told: str) -> BadInput:
    """Return the refusal of a picture that is whole, but stored in an unusual way."""
    return BadInput(
        f"'{name}' stores its pixels in a way that is not read ({told}). "
        "Expected plain gray or RGB: save it as a PNG file."
    )


def only_preview(name: str) -> BadInput:
    """Return the refusal of a file that shows a preview and keeps its picture inside."""
    return BadInput(
        f"'{name}' has a preview before the picture itself, as the raw files of cameras have. "
        "Expected the picture alone: save it as a PNG or TIFF file."
    )


def unread(name: str, error: OSError) -> BadInput:
    """Return what is said of a file that the system does not give."""
    return BadInput(f"'{name}' cannot be read: {error.strerror}. Check the disk and permissions.")


@contextlib.contextmanager
def refusing(name: str) -> Iterator[None]:
    """Turn whatever a file makes fail, anywhere in the libraries, into one sentence."""
    try:
        yield
    except ZooError:
        raise
    except Image.DecompressionBombError as error:
        raise BadInput(_too_large(name)) from error
    except UnidentifiedImageError as error:
        raise no_image(name) from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:  # the system's, not one of the libraries'
            raise unread(name, error) from error
        reason = str(error).partition("\n")[0][:REASON] or type(error).__name__
        raise BadInput(
            f"'{name}' is damaged or cut short ({reason}). Expected a whole image file: "
            "copy or export it again."
        ) from error
