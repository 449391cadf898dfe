"""What a DICOM file declares of its picture, and whether it can be read."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plugins.formats.dicom.inflating import inflated
from zoo import BadInput

if TYPE_CHECKING:
    from pydicom import Dataset

PACKED = {
    *("1.2.840.10008.1.2.4." + end for end in ("50", "51", "53", "55", "57", "70")),  # JPEG
    *("1.2.840.10008.1.2.4." + end for end in ("80", "81")),  # JPEG-LS
    *("1.2.840.10008.1.2.4." + end for end in ("90", "91", "201", "202", "203")),  # JPEG 2000
    *("1.2.840.10008.1.2.4." + end for end in ("110", "111", "112")),  # JPEG XL
}
RLE = "1.2.840.10008.1.2.5"
IMPLICIT, EXPLICIT = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
BIG_ENDIAN = "1.2.840.10008.1.2.2"
NATIVE = {IMPLICIT, EXPLICIT, BIG_ENDIAN}
ITEM = b"\xfe\xff\x00\xe0"
"""What packed pixels begin with: PS3.5, A.4."""

GRAY = ("MONOCHROME1", "MONOCHROME2")
PALETTE = "PALETTE COLOR"
COLOURS = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_ICT", "YBR_RCT")
PACKED_COLOURS = (*COLOURS, "YBR_PARTIAL_420", "YBR_PARTIAL_422", "XYB")
"""Of packed pixels the stream says what they are."""
PALETTE_TAGS = tuple(
    f"{colour}PaletteColorLookupTable{part}"
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
)
TAGS = (
    *("SOPClassUID", "EncryptedAttributesSequence", "NumberOfFrames", "Rows", "Columns"),
    *("SamplesPerPixel", "PhotometricInterpretation", "PlanarConfiguration", "PixelData"),
    *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
    *("PixelPaddingValue", "PixelPaddingRangeLimit", "PresentationLUTShape"),
    *("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept"),
    *("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
    *PALETTE_TAGS,
)
"""All that is read, and GROUPS; what is not named here, such as the patient, is skipped over."""
OF_A_FRAME = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
"""Where enhanced objects keep rescale and window: in one of GROUPS, for all frames or for each."""
GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
USUAL = {"SamplesPerPixel": 1, "PixelRepresentation": 0, "PlanarConfiguration": 0}
"""What holds in a file that leaves it out, though the standard wants it said."""
NEEDED = ("Columns", "BitsAllocated", "BitsStored", "PhotometricInterpretation")


@dataclass(frozen=True)
class Layout:
    """How the pixels are stored."""

    rows: int
    columns: int
    samples: int
    kind: str
    allocated: int
    stored: int
    syntax: str

    @property
    def mode(self) -> str:
        """Pillow's name for such pixels."""
        if self.kind == PALETTE:
            return "P"
        return "RGB" if self.samples == 3 else "L" if self.stored <= 8 else "I;16"


def parsed(content: bytes, name: str) -> Dataset:
    """Read the elements in TAGS; refuse a file that has no picture."""
    import pydicom

    plain = io.BytesIO(inflated(content, name))
    dataset = pydicom.dcmread(plain, specific_tags=[*TAGS, *GROUPS], force=True)
    if "PixelData" in dataset and "Rows" in dataset:
        _complete(dataset, name)
        return dataset
    if "EncryptedAttributesSequence" in dataset:
        raise BadInput(
            f"The contents of '{name}' are encrypted. Expected a DICOM file that is not: "
            "export it again."
        )
    raise BadInput(
        f"'{name}' is a DICOM file without a picture{_kind_of_object(dataset)}, or is cut short. "
        "Expected a single radiograph: export the image itself."
    )


def _complete(dataset: Dataset, name: str) -> None:
    """Add what files leave out or keep elsewhere.

    Source: NEMA, DICOM PS3.3, C.7.6.16.2.9 and C.7.6.16.2.10 (functional groups).
    """
    for group in [group for groups in GROUPS for group in (dataset.get(groups) or ())[:1]]:
        for item in [item for holder in OF_A_FRAME for item in (group.get(holder) or ())[:1]]:
            dataset.update({each.tag: each for each in item if each.keyword in TAGS})
    for keyword, value in USUAL.items():
        if dataset.get(keyword) in (None, ""):
            setattr(dataset, keyword, value)
    missing = [keyword for keyword in NEEDED if dataset.get(keyword) in (None, "")]
    if missing:
        raise BadInput(
            f"'{name}' is a DICOM file that does not say how its pixels are stored: it lacks "
            f"{' and '.join(missing)}. Expected a whole one: export it again."
        )
    kind = str(dataset.PhotometricInterpretation).strip().upper()
    dataset.PhotometricInterpretation = kind


def _kind_of_object(dataset: Dataset) -> str:
    """Name the kind by the standard's dictionary; what is not in it may be any text."""
    from pydicom.uid import UID

    given = UID(str(dataset.get("SOPClassUID", "")))
    return f" ({given.name})" if given.name != given and not given.is_private else ""


def _syntax(dataset: Dataset) -> str:
    """Return how the pixels are packed; where the file does not say it, its bytes do."""
    given = str(dataset.file_meta.get("TransferSyntaxUID") or "").strip()
    packed = dataset.PixelData[:4] == ITEM
    if given and packed == (given not in NATIVE):
        return given
    if packed:
        return RLE if is_run_lengths(dataset.PixelData) else next(iter(sorted(PACKED)))
    implicit, little_endian = dataset.original_encoding
    return BIG_ENDIAN if little_endian is False else IMPLICIT if implicit else EXPLICIT


def is_run_lengths(pixels: bytes) -> bool:
    """Tell packed pixels of no JPEG kind by the beginning of their first frame."""
    from pydicom.encaps import get_frame

    frame = get_frame(pixels, 0, number_of_frames=1)
    return not frame.startswith((b"\xff\xd8", b"\xff\x4f", b"\xff\x0a", b"\0\0\0\x0c"))


def layout_of(dataset: Dataset, name: str) -> Layout:
    """Check that what the file declares can be read."""
    from pydicom.uid import UID

    frames = int(dataset.get("NumberOfFrames") or 1)
    if frames > 1:
        raise BadInput(
            f"'{name}' has {frames:,} frames. Expected a single picture: "
            "export the one you mean as a file of its own."
        )
    syntax = UID(_syntax(dataset))
    if syntax not in {*NATIVE, *PACKED, RLE}:
        told = f" ({syntax.name})" if syntax.name != syntax else ""
        raise BadInput(
            f"The pixels of '{name}' are packed in a way that is not read{told}. "
            "Expected none, JPEG, JPEG-LS, JPEG 2000, JPEG XL or RLE: export it uncompressed."
        )
    layout = Layout(
        rows=int(dataset.Rows),
        columns=int(dataset.Columns),
        samples=int(dataset.SamplesPerPixel),
        kind=str(dataset.PhotometricInterpretation),
        allocated=int(dataset.BitsAllocated),
        stored=int(dataset.BitsStored),
        syntax=str(syntax),
    )
    from zoo.base.pictures import images

    if layout.rows < 1 or layout.columns < 1:
        raise BadInput(
            f"'{name}' has {layout.columns} x {layout.rows} pixels. Expected a picture: the file "
            "is damaged, export it again."
        )
    if layout.rows * layout.columns > images.MAX_PIXELS:
        raise BadInput(
            f"'{name}' has {layout.columns} x {layout.rows} pixels, more than "
            f"{images.MAX_PIXELS // 1_000_000} million, the limit. Scale it down first."
        )
    if layout.allocated not in (8, 16) or not 1 <= layout.stored <= layout.allocated:
        raise BadInput(
            f"'{name}' stores {layout.stored} bits a pixel in {layout.allocated}. "
            "Expected 8 to 16 bits: export it as a radiograph."
        )
    colours = COLOURS if layout.syntax in NATIVE else PACKED_COLOURS
    known = colours if layout.samples == 3 else (*GRAY, PALETTE)
    deep = layout.kind.startswith("YBR_FULL") and layout.allocated > 8
    if layout.samples not in (1, 3) or layout.kind not in known or deep:
        raise BadInput(
            f"'{name}' has {layout.samples} values a pixel of a kind that is not read. "
            f"Expected one, {', '.join((*GRAY, PALETTE))}; or three, RGB or YBR_FULL."
        )
    return layout
