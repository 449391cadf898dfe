"""DICOM files: the picture a viewer shows first, and nothing that tells who the patient is.

No value of a text element is repeated in an error, and the libraries' own words are dropped, since
they may quote the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from plugins.formats.dicom.acquisition import acquisition
from plugins.formats.dicom.attributes import KEYWORDS, attributes
from plugins.formats.dicom.beginning import begins_with_elements
from plugins.formats.dicom.parsing import PALETTE, layout_of, parsed
from plugins.formats.dicom.shading import colours, measured, shown, translated
from plugins.formats.dicom.unpacking import unpacked
from zoo import BadInput, DeepPicture, Header, ImageFormat

if TYPE_CHECKING:
    import numpy as np

MAGIC = slice(128, 132)


def recognises(head: bytes) -> bool:
    """Tell a DICOM file by the letters behind its preamble, or by its first elements."""
    return head[MAGIC] == b"DICM" or begins_with_elements(head)


def header(content: bytes, name: str) -> Header:
    """Give width, height, mode and bytes.

    Raises:
        BadInput: as `read`, except for what only the pixels themselves show.
    """
    with _refusing(name):
        layout = layout_of(parsed(content, name), name)
        return Header(layout.columns, layout.rows, layout.mode, len(content))


def read(content: bytes, name: str) -> np.ndarray | DeepPicture:
    """Decode the picture as `(height, width)` or, in colour, `(height, width, 3)` uint8.

    Gray values go the way that the standard lays down: modality table or rescale, then VOI table
    or the first window, then inversion for MONOCHROME1 or an inverse presentation. Without table
    and window the stored bits are the range, never the picture's own values; 16 of them say nothing
    of it, and are left to the data set.

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
        return shown(values, dataset, name)


def levels(content: bytes, name: str) -> DeepPicture | None:
    """Give the gray values before any window, `(height, width)` float32; None of 8 bits or colours.

    Raises:
        BadInput: as `read`.
    """
    with _refusing(name):
        dataset = parsed(content, name)
        layout = layout_of(dataset, name)
        if layout.samples == 3 or layout.kind == PALETTE or layout.stored <= 8:
            return None
        return measured(unpacked(dataset, layout, name), dataset)


FORMAT = ImageFormat(
    name="dicom",
    summary="Single pictures: windows and tables applied; JPEG, JPEG-LS, 2000 and XL, and RLE.",
    extensions=(".dcm", ".dicom"),
    recognises=recognises,
    read=read,
    header=header,
    columns=tuple(KEYWORDS),
    attributes=attributes,
    acquisition=acquisition,
    levels=levels,
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
