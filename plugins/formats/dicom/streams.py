"""What a packed frame declares of itself, read before any of it is unpacked."""

from __future__ import annotations

JPEG, JPEG_LS, JPEG_2000, JPEG_XL = "JPEG", "JPEG-LS", "JPEG 2000", "JPEG XL"
NEAR_LOSSLESS = 0xF7
"""The frame header of JPEG-LS, by which it differs from JPEG."""
JP2, JXL = b"\0\0\0\x0cjP  \r\n\x87\n", b"\0\0\0\x0cJXL \r\n\x87\n"
"""The first boxes of the files that may be around a code stream."""
RATIOS = {1: (1, 1), 2: (12, 10), 3: (4, 3), 4: (3, 2), 5: (16, 9), 6: (5, 4), 7: (2, 1)}
"""Width to height, as JPEG XL numbers them."""

Declared = tuple[int, int, int, int]
"""Rows, columns, samples and bits a sample; the last two are 0 where they are not told early."""


def packing_of(frame: bytes) -> str:
    """Tell by its first bytes how a frame is packed.

    Raises:
        ValueError: it is none of the four.
    """
    if frame.startswith((b"\xff\x4f", JP2[:6])):
        return JPEG_2000
    if frame.startswith((b"\xff\x0a", JXL[:7])):
        return JPEG_XL
    return JPEG_LS if _frame_header(frame)[0] == NEAR_LOSSLESS else JPEG


def declared(frame: bytes, packing: str) -> Declared:
    """Give the size that a frame declares.

    Raises:
        ValueError: it is damaged, or declares none where it must.
    """
    if packing == JPEG_2000:
        return _of_jpeg_2000(frame)
    if packing == JPEG_XL:
        return _of_jpeg_xl(frame)
    return _frame_header(frame)[1:]


def _frame_header(frame: bytes) -> tuple[int, int, int, int, int]:
    """Walk the markers to the frame header: ITU-T T.81, B.2.2, and T.87 for JPEG-LS.

    Gives its marker, rows, columns, samples and bits a sample.
    """
    at = 2
    while True:
        if _number(frame, at, 1) != 0xFF:
            raise ValueError("no marker where one must be")
        marker = _number(frame, at + 1, 1)
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == NEAR_LOSSLESS or (
            0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC)
        ):
            rows, columns = _number(frame, at + 5), _number(frame, at + 7)
            return marker, rows, columns, _number(frame, at + 9, 1), _number(frame, at + 4, 1)
        else:
            at += 2 + _number(frame, at + 2)


def _of_jpeg_2000(frame: bytes) -> Declared:
    """Read the SIZ marker, the first of a code stream: ITU-T T.800, A.5.1."""
    stream = _boxed(frame, (b"jp2c",))[1] if frame.startswith(JP2) else frame
    if not stream.startswith(b"\xff\x4f\xff\x51"):
        raise ValueError("no JPEG 2000 code stream")
    right, bottom, left, top = (_number(stream, at, 4) for at in (8, 12, 16, 20))
    samples, depth = _number(stream, 40), _number(stream, 42, 1)
    return bottom - top, right - left, samples, (depth & 0x7F) + 1


def _of_jpeg_xl(frame: bytes) -> Declared:
    """Read the SizeHeader, the first of a code stream: ISO/IEC 18181-1; bits from the lowest on."""
    stream = frame
    if frame.startswith(JXL):
        kind, stream = _boxed(frame, (b"jxlc", b"jxlp"))
        stream = stream[4:] if kind == b"jxlp" else stream  # the number of the part
    if not stream.startswith(b"\xff\x0a"):
        raise ValueError("no JPEG XL code stream")
    bits, at = int.from_bytes(stream[2:14], "little"), 0

    def read(count: int) -> int:
        nonlocal at
        at += count
        if at > 8 * len(stream[2:]):
            raise ValueError("the stream is cut short")
        return bits >> (at - count) & ((1 << count) - 1)

    small = read(1)

    def side() -> int:
        return 8 * (read(5) + 1) if small else read((9, 13, 18, 30)[read(2)]) + 1

    rows, ratio = side(), read(3)
    columns = rows * RATIOS[ratio][0] // RATIOS[ratio][1] if ratio else side()
    return rows, columns, 0, 0


def _boxed(frame: bytes, kinds: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """Walk the boxes to the first of these kinds: ITU-T T.800, I.4. Gives its kind and content."""
    at = 0
    while at < len(frame):
        length, kind, head = _number(frame, at, 4), frame[at + 4 : at + 8], 8
        if length == 1:
            length, head = _number(frame, at + 8, 8), 16
        elif length == 0:  # the last one
            length = len(frame) - at
        if length < head:
            raise ValueError("a box without a length")
        if kind in kinds:
            return kind, frame[at + head : at + length]
        at += length
    raise ValueError("no code stream")


def _number(frame: bytes, at: int, length: int = 2) -> int:
    if at + length > len(frame):
        raise ValueError("the stream is cut short")
    return int.from_bytes(frame[at : at + length], "big")
