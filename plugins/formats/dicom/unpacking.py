"""Unpack the pixels of a DICOM file within the size that it declares.

imagecodecs does it rather than the decoders that pydicom can call: of these, GDCM ends the whole
process on some damaged files, and pylibjpeg-libjpeg is under the GPL.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from plugins.formats.dicom.parsing import JPEG, JPEG_2000, JPEG_LS, NATIVE, RLE, Layout
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


def unpacked(dataset: Dataset, layout: Layout, name: str) -> np.ndarray:
    """Give the stored values, `(height, width)` or in RGB `(height, width, 3)`, 8 or 16 bits.

    Packed pixels are put back as plain ones, so that pydicom mends signs, unused bits and colours
    of all in the same way.
    """
    from pydicom.encaps import get_frame
    from pydicom.pixels import pixel_array
    from pydicom.uid import ExplicitVRLittleEndian

    if layout.syntax not in NATIVE:
        frame = get_frame(dataset.PixelData, 0, number_of_frames=1)
        values = _unpacked_frame(frame, layout, name)
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        dataset.BitsAllocated = 8 * values.itemsize
        dataset.BitsStored = min(layout.stored, dataset.BitsAllocated)
        dataset.PlanarConfiguration = int(layout.samples == 3 and layout.syntax in RLE)
        if layout.samples == 3:
            dataset.PhotometricInterpretation = _colour_space(frame, layout)
        dataset["PixelData"].VR = "OB" if values.itemsize == 1 else "OW"
        dataset.PixelData = values.astype(values.dtype.newbyteorder("<")).tobytes()
    return pixel_array(dataset, index=0)


def _unpacked_frame(frame: bytes, layout: Layout, name: str) -> np.ndarray:
    import imagecodecs
    import numpy as np

    shape = (layout.rows, layout.columns, layout.samples)[: 2 if layout.samples == 1 else 3]
    plain = np.dtype(f"<u{layout.allocated // 8}")
    if layout.syntax in RLE:
        unpacked = imagecodecs.dicomrle_decode(
            frame, plain, out=int(np.prod(shape)) * plain.itemsize
        )
        return np.frombuffer(unpacked, plain).reshape(shape)

    precision = _precision(frame, layout)
    if layout.syntax in JPEG_LS:
        values = _unpacked_apart(frame, np.dtype("u1" if precision <= 8 else "<u2"), name)
        return values.reshape(shape)
    if layout.syntax in JPEG_2000:
        return imagecodecs.jpeg2k_decode(frame).reshape(shape)
    colour = "RGB" if layout.samples == 3 else None  # the same on both sides: left as it is
    return imagecodecs.jpeg8_decode(frame, colorspace=colour, outcolorspace=colour).reshape(shape)


def _precision(frame: bytes, layout: Layout) -> int:
    """Give the bits a value of a JPEG stream, whose size must be the one that the file declares."""
    read_size = _size_of_jpeg_2000 if layout.syntax in JPEG_2000 else _size_of_jpeg
    rows, columns, samples, precision = read_size(frame)
    if (rows, columns, samples) != (layout.rows, layout.columns, layout.samples):
        raise ValueError("the stream declares another size")
    if not 2 <= precision <= layout.allocated:
        raise ValueError("the stream declares another depth")
    return precision


def _size_of_jpeg(frame: bytes) -> tuple[int, int, int, int]:
    """Walk the markers to the frame header: ITU-T T.81, B.2.2, and T.87 for JPEG-LS."""
    at = 2
    while True:
        if frame[at] != 0xFF:
            raise ValueError("no marker where one must be")
        marker = frame[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0xF7 or (0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)):
            rows, columns = _number(frame, at + 5), _number(frame, at + 7)
            return rows, columns, frame[at + 9], frame[at + 4]
        else:
            at += 2 + _number(frame, at + 2)


def _size_of_jpeg_2000(frame: bytes) -> tuple[int, int, int, int]:
    """Read the SIZ marker, the first of a code stream: ITU-T T.800, A.5.1."""
    if frame[:4] != b"\xff\x4f\xff\x51":
        raise ValueError("no JPEG 2000 code stream")
    right, bottom, left, top = (_number(frame, at, 4) for at in (8, 12, 16, 20))
    return bottom - top, right - left, _number(frame, 40), (frame[42] & 0x7F) + 1


def _number(frame: bytes, at: int, length: int = 2) -> int:
    if at + length > len(frame):
        raise ValueError("the stream is cut short")
    return int.from_bytes(frame[at : at + length], "big")


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


def _colour_space(frame: bytes, layout: Layout) -> str:
    """Tell what three unpacked values are; a JPEG stream knows better than the file around it."""
    if layout.syntax in JPEG:
        start = frame[:4096]
        adobe = start.find(b"Adobe")
        if adobe >= 0:
            return "YBR_FULL" if frame[adobe + 11] == 1 else "RGB"
        return "YBR_FULL" if layout.kind != "RGB" or b"JFIF\0" in start[:32] else "RGB"
    # A JPEG 2000 decoder undoes YBR_ICT and YBR_RCT itself.
    return "YBR_FULL" if layout.kind.startswith("YBR_FULL") else "RGB"
