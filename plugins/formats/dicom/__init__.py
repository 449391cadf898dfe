"""DICOM files: the picture a viewer shows first, and nothing of the patient.

No value of a text element is repeated in an error, and the libraries' own words are dropped, since
they may quote the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from plugins.formats.dicom.parsing import PALETTE, layout_of, parsed
from plugins.formats.dicom.shading import colours, grays, translated
from plugins.formats.dicom.unpacking import unpacked
from zoo import BadInput, Header, ImageFormat

if TYPE_CHECKING:
    import numpy as np

MAGIC = slice(128, 132)


def recognises(head: bytes) -> bool:
    """Tell a DICOM file by the four letters behind its preamble."""
    return head[MAGIC] == b"DICM"


def header(content: bytes, name: str) -> Header:
    """Give width, height, mode and bytes.

    Raises:
        BadInput: as `read`, except for what only the pixels themselves show.
    """
    with _refusing(name):
        layout = layout_of(parsed(content, name), name)
        return Header(layout.columns, layout.rows, layout.mode, len(content))


def read(content: bytes, name: str) -> np.ndarray:
    """Decode the picture as `(height, width)` or, in colour, `(height, width, 3)` uint8.

    Gray values go the way that the standard lays down: modality table or rescale, then VOI table
    or the first window, then inversion for MONOCHROME1. Without table and window, 8 stored bits
    are shown as they are, and deeper ones from the 0.5th to the 99.5th percentile.

    Source: NEMA, DICOM PS3.3, C.7.6.3, C.11.1 and C.11.2.

    Raises:
        BadInput: no picture or several, encrypted, damaged, or packed in a way that is not read.
    """
    with _refusing(name):
        dataset = parsed(content, name)
        layout = layout_of(dataset, name)
        values = unpacked(dataset, layout, name)
        if layout.samples == 3:
            depth = int(dataset.BitsStored)
            return (values >> (depth - 8)).astype("uint8") if depth > 8 else values.astype("uint8")
        if layout.kind == PALETTE:
            return translated(values, colours(values.dtype, dataset))
        return translated(values, grays(values, dataset, inverted=layout.kind == "MONOCHROME1"))


FORMAT = ImageFormat(
    name="dicom",
    summary="Single pictures: windows and tables applied; JPEG, JPEG-LS, JPEG 2000 and RLE.",
    extensions=(".dcm", ".dicom"),
    recognises=recognises,
    read=read,
    header=header,
)


@contextlib.contextmanager
def _refusing(name: str) -> Iterator[None]:
    """Turn whatever a damaged file makes fail, anywhere in the libraries, into one sentence."""
    try:
        yield
    except BadInput:
        raise
    except Exception:
        # Not chained: the words of the cause may quote the file, and with it the patient.
        raise BadInput(
            f"'{name}' is a DICOM file that is damaged or cut short. "
            "Expected a whole one: export it again."
        ) from None
