"""What image files say of their image besides the pixels, such as the view: read when asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from zoo.base import formats
from zoo.base.pictures.picture_limits import EXTENSIONS
from zoo.base.pictures.reader_warnings import silence
from zoo.base.remote import present
from zoo.base.types import ImageFormat, Sample

BEGINNING = 2**20
"""Bytes of a file that are read: what is told of an image stands before its pixels."""
LOOKED_AT = 8
"""Files of endings that say nothing, to see whether a set has files of a plugin's kind."""
LONGEST = 64
"""Letters of a text that can name a group."""


@dataclass(frozen=True)
class Told:
    """Gives the text that files below a folder have for one column; empty where they have none."""

    root: Path
    column: str

    def __call__(self, sample: Sample) -> str:
        """Read the beginning of the image's file."""
        return read_attributes(self.root / sample.name).get(self.column, "")


def attributes_below(root: Path, names: Sequence[str]) -> dict[str, Told]:
    """Give a function for each column that the kinds of these files have.

    A file whose ending is of no kind is recognised by its content: some of them are looked at.
    """
    endings = {PurePosixPath(name).suffix.lower(): name for name in names}
    kinds = [kind for kind in formats.installed() if not endings.keys().isdisjoint(kind.extensions)]
    known = EXTENSIONS | formats.extensions()
    others = [name for ending, name in endings.items() if ending not in known]
    kinds += filter(None, (_format_of(root / name) for name in others[:LOOKED_AT]))
    return {column: Told(root, column) for kind in kinds for column in kind.columns}


def read_attributes(path: Path) -> Mapping[str, str]:
    """Read what a file says of its image, by column; nothing where it says nothing or is damaged.

    Pixels are neither read nor decoded.
    """
    known = _format_of(path)
    if known is None or known.attributes is None:
        return {}
    try:
        with path.open("rb") as stream, silence:
            given = known.attributes(stream.read(BEGINNING))
    except Exception:  # a damaged file, or a stranger's mistake: the image is of no known group
        return {}
    return {
        column: text
        for column, text in given.items()
        if column in known.columns and len(text) <= LONGEST and text.isprintable()
    }


def _format_of(path: Path) -> ImageFormat | None:
    try:
        with present(path).open("rb") as stream:
            return formats.recognised(stream.read(formats.HEAD))
    except (OSError, ValueError):  # one that is missing is said when it is read
        return None
