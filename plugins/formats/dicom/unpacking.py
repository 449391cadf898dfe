"""Unpack the pixels of a DICOM file within the size that it declares.

imagecodecs does it rather than the decoders that pydicom can call: of these, GDCM ends the whole
process on some damaged files, and pylibjpeg-libjpeg is under the GPL.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from plugins.formats.dicom.parsing import NATIVE, RLE, Layout
from plugins.formats.dicom.streams import (
    JPEG,
    JPEG_2000,
    JPEG_LS,
    JPEG_XL,
    declared,
    packing_of,
)
from zoo import BadInput

if TYPE_CHECKING:
    import numpy as np
    from pydicom import Dataset

UNPACK_JPEG_LS = (
    "import sys, imagecodecs; "
    "sys.stdout.buffer.write(imagecodecs.jpegls_decode(sys.stdin.buffer.read()).tobytes())"
)
PATIENCE = 30
"""Seconds for one JPEG-LS picture."""
RUN_LENGTHS = "RLE"


def unpacked(dataset: Dataset, layout: Layout, name: str) -> np.ndarray:
    """Give the stored values, `(height, width)` or in RGB `(height, width, 3)`, 8 or 16 bits.

    Packed pixels are put back as plain ones, so that pydicom mends signs, unused bits and colours
    of all in the same way.
    """
    from pydicom.encaps import get_frame
    from pydicom.pixels import pixel_array
    from pydicom.uid import UID, ExplicitVRLittleEndian

    if layout.syntax in NATIVE:
        dataset.file_meta.TransferSyntaxUID = UID(layout.syntax)
        return _aligned(dataset, layout)
    frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
    # Files that were copied often say another packing than the stream has.
    packing = RUN_LENGTHS if layout.syntax == RLE else packing_of(frame)
    values, precision = _unpacked_frame(frame, packing, layout, name)
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.BitsAllocated = 8 * values.itemsize
    signed = bool(dataset.get("PixelRepresentation"))
    dataset.BitsStored = _bits_in_use(values, precision or 8 * values.itemsize, layout, signed)
    if values.dtype.kind == "i":
        dataset.PixelRepresentation = 1
    dataset.PlanarConfiguration = int(layout.samples == 3 and packing == RUN_LENGTHS)
    if layout.samples == 3:
        dataset.PhotometricInterpretation = _colour_space(frame, packing, layout)
    dataset["PixelData"].VR = "OB" if values.itemsize == 1 else "OW"
    dataset.PixelData = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    del values, frame  # of a large picture some hundred MB, beside what pydicom makes
    return pixel_array(dataset, index=0)


def _bits_in_use(values: np.ndarray, precision: int, layout: Layout, signed: bool) -> int:
    """Return how many bits unpacked values have.

    A stream of fewer bits than the file declares has its own. One of more was often packed so for
    convenience; only where its values do not fit what the file declares, it is the file that errs.
    """
    from zoo.base.pictures.depth import reach

    if precision <= layout.stored:
        return precision
    if not signed:
        return layout.stored if reach(values) < 2**layout.stored else precision
    extended = values.astype("<i2") if precision == 16 else values.astype("<i4")
    fits = extended.min() >= -(2 ** (layout.stored - 1)) and extended.max() < 2**layout.stored
    return layout.stored if fits else precision


def _aligned(dataset: Dataset, layout: Layout) -> np.ndarray:
    """Give plain pixels, moved down where the bits in use are not the lowest ones."""
    from pydicom.pixels import pixel_array

    above = int(dataset.get("HighBit", layout.stored - 1)) + 1 - layout.stored
    if not 0 < above <= layout.allocated - layout.stored:
        return pixel_array(dataset, index=0)
    dataset.BitsStored = layout.stored + above
    values = pixel_array(dataset, index=0)
    dataset.BitsStored = layout.stored
    low_bits = (values & (2**above - 1)).any()
    if low_bits and values.min() >= 0 and values.max() < 2**layout.stored:
        return values  # they are the lowest, whatever the file says
    return values >> above


def _unpacked_frame(
    frame: bytes, packing: str, layout: Layout, name: str
) -> tuple[np.ndarray, int]:
    """Give the values of a frame, and how many bits its stream says they have (0: it does not)."""
    import imagecodecs
    import numpy as np

    shape = (layout.rows, layout.columns, layout.samples)[: 2 if layout.samples == 1 else 3]
    if packing == RUN_LENGTHS:
        plain = np.dtype(f"<u{layout.allocated // 8}")
        unpacked = imagecodecs.dicomrle_decode(
            frame, plain, out=int(np.prod(shape)) * plain.itemsize
        )
        return np.frombuffer(unpacked, plain).reshape(shape), 0
    precision = _precision(frame, packing, layout)
    if packing == JPEG_LS:
        values = _unpacked_apart(frame, np.dtype("u1" if precision <= 8 else "<u2"), name)
        return values.reshape(shape), precision
    if packing == JPEG_2000:
        return imagecodecs.jpeg2k_decode(frame).reshape(shape), precision
    if packing == JPEG_XL:
        return imagecodecs.jpegxl_decode(frame, index=0).reshape(shape), precision
    colour = "RGB" if layout.samples == 3 else None  # the same on both sides: left as it is
    values = imagecodecs.jpeg8_decode(frame, colorspace=colour, outcolorspace=colour)
    return values.reshape(shape), precision


def _precision(frame: bytes, packing: str, layout: Layout) -> int:
    """Give the bits a value of a stream, whose size must be the one that the file declares."""
    rows, columns, samples, precision = declared(frame, packing)
    if (rows, columns) != (layout.rows, layout.columns) or samples not in (0, layout.samples):
        raise ValueError("the stream declares another size")
    if precision and not 2 <= precision <= 16:
        raise ValueError("the stream declares another depth")
    return precision


def _unpacked_apart(frame: bytes, kind: np.dtype[Any], name: str) -> np.ndarray:
    """Unpack JPEG-LS in a process of its own: CharLS may loop for ever on a damaged stream."""
    import numpy as np

    try:
        done = subprocess.run(  # noqa: S603 (our own words)
            [sys.executable, "-P", "-c", UNPACK_JPEG_LS],
            input=frame,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise BadInput(
            f"'{name}' could not be unpacked within {PATIENCE} seconds; it is probably damaged. "
            "Export it again, uncompressed."
        ) from None
    return np.frombuffer(done.stdout, kind)


def _colour_space(frame: bytes, packing: str, layout: Layout) -> str:
    """Tell what three unpacked values are; a JPEG stream knows better than the file around it."""
    if packing == JPEG:
        start = frame[:4096]
        adobe = start.find(b"Adobe")
        if adobe >= 0:
            return "YBR_FULL" if frame[adobe + 11] == 1 else "RGB"
        return "YBR_FULL" if layout.kind != "RGB" or b"JFIF\0" in start[:32] else "RGB"
    # Decoders of JPEG 2000 and JPEG XL undo the transformations of their standards themselves.
    return "YBR_FULL" if layout.kind.startswith("YBR_FULL") and packing != JPEG_XL else "RGB"
