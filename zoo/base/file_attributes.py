"""What image files say of their image besides the pixels, such as the view: read when asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from zoo.base import formats
from zoo.base.pictures.picture_limits import EXTENSIONS
from zoo.base.pictures.reader_warnings import silence
from zoo.base.remote import present
from zoo.base.types import Acquisition, ImageFormat, Sample

BEGINNING = 2**20
"""Bytes of a file that are read: what is told of an image stands before its pixels."""
LOOKED_AT = 8
"""Files of endings that say nothing, to see whether a set has files of a plugin's kind."""
LONGEST = 64
"""Letters of a text that can name a group."""
CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
FARTHEST = 100.0
"""Millimetres between two pixels: more is a mistake."""


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


def acquisition_of(content: bytes) -> Acquisition:
    """Return how the picture of a file was taken; of a kind that does not say it, nothing.

    A text that is no code, which a person could have written, is left out.
    """
    known = formats.recognised(content[: formats.HEAD])
    if known is None or known.acquisition is None:
        return Acquisition()
    try:
        with silence:
            given = known.acquisition(content[:BEGINNING])
        return replace(
            given,
            modality=_code(given.modality),
            view=_code(given.view),
            body_part=_code(given.body_part),
            spacing=_usable(given.spacing),
        )
    except Exception:  # a damaged file, or a stranger's mistake
        return Acquisition()


def _code(text: str) -> str:
    """Return a code string of DICOM (PS3.5, 6.2: CS); empty for any other text."""
    return text if CODE.fullmatch(text) else ""


def _usable(spacing: tuple[float, float] | None) -> tuple[float, float] | None:
    return spacing if spacing is not None and all(0 < one < FARTHEST for one in spacing) else None


def _format_of(path: Path) -> ImageFormat | None:
    try:
        with present(path).open("rb") as stream:
            return formats.recognised(stream.read(formats.HEAD))
    except (OSError, ValueError):  # one that is missing is said when it is read
        return None
