"""Does an image format keep what is promised, on whole files and on damaged ones?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.base import formats
from zoo.base.datasets import wrong_header
from zoo.base.errors import BadInput, UnknownName, in_a_line
from zoo.base.formats import HEAD
from zoo.base.pictures.reader_warnings import silence
from zoo.base.types import DeepPicture, ImageFormat
from zoo.testing.verdicts import MisfitError, Verdict, tried

NAME = "name-of-the-file"
CUTS = 20
DAMAGED = 64
FOREIGN = (b"", bytes(HEAD), b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x10JFIF", b"GIF89a")


def check_image_format(name: str, files: Sequence[bytes]) -> list[Verdict]:
    """Try everything that is promised of the format `name`; `files` are whole ones of its kind.

    Raises:
        UnknownName: there is no such format.
    """
    known = {one.name: one for one in formats.installed()}
    if name not in known:
        raise UnknownName.among("image format", name, known)
    kind = known[name]
    told = [
        tried(
            "recognised", lambda: _recognised(kind, files), "Look for what its files begin with."
        ),
        tried("header", lambda: _header(kind, files), "Read sides, mode and bytes of the file."),
        tried(
            "pixels",
            lambda: _pixels(kind, files),
            "Return uint8 of the sides that the header promised, or a DeepPicture.",
        ),
    ]
    if any(not one.fits for one in told):
        return told
    remedy = "Raise BadInput, with the name in the sentence, for whatever cannot be read."
    return [
        *told,
        tried("cut off", lambda: _cut(kind, files), remedy),
        tried("damaged", lambda: _damaged(kind, files), remedy),
    ]


def _recognised(kind: ImageFormat, files: Sequence[bytes]) -> str:
    if not files:
        raise MisfitError("no file of its kind was given")
    if not all(kind.recognises(content[:HEAD]) for content in files):
        raise MisfitError("it does not recognise a file of its own kind")
    for head in FOREIGN:
        if kind.recognises(head):
            raise MisfitError(f"it takes a file that begins with {head[:8]!r} for its own")
    return "its own files, and no others"


def _header(kind: ImageFormat, files: Sequence[bytes]) -> str:
    for content in files:
        if fault := wrong_header(kind.header(content, NAME)):
            raise MisfitError(f"it gives {fault}")
    header = kind.header(files[0], NAME)
    return f"{header.width} x {header.height}, {header.mode}"


def _pixels(kind: ImageFormat, files: Sequence[bytes]) -> str:
    for content in files:
        if fault := _wrong(kind, content):
            raise MisfitError(fault)
    return "as the header promises"


def _wrong(kind: ImageFormat, content: bytes) -> str:
    """Say what is wrong with what is read; empty when nothing is."""
    with silence:
        header, given = kind.header(content, NAME), kind.read(content, NAME)
    values = given.values if isinstance(given, DeepPicture) else given
    if not isinstance(values, np.ndarray):
        return f"it gives {type(values).__name__}"
    fits = values.dtype == np.uint8 or isinstance(given, DeepPicture)
    sides = (header.height, header.width)
    if not fits or values.shape not in (sides, (*sides, 3)):
        return f"it gives {values.dtype} {values.shape}; the header promised {sides}"
    return ""


def _cut(kind: ImageFormat, files: Sequence[bytes]) -> str:
    for content in files:
        for part in range(CUTS):
            _survives(kind, content[: len(content) * part // CUTS])
    return f"{CUTS} lengths of each file"


def _damaged(kind: ImageFormat, files: Sequence[bytes]) -> str:
    random = np.random.default_rng(0)
    for content in files:
        for _ in range(DAMAGED):
            broken = bytearray(content)
            for place in random.integers(0, len(broken), 4):
                broken[place] = int(random.integers(0, 256))
            _survives(kind, bytes(broken))
    return f"{DAMAGED} damaged copies of each file"


def _survives(kind: ImageFormat, content: bytes) -> None:
    try:
        fault = _wrong(kind, content)
    except BadInput as error:
        if NAME not in str(error):
            raise MisfitError(f"its error does not name the file: {error}") from error
        return
    except Exception as error:
        raise MisfitError(f"it raises {in_a_line(error)} instead of BadInput") from error
    if fault:
        raise MisfitError(f"of a damaged file {fault}")
