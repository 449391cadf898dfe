"""Files that are deflated as a whole, inflated no further than the picture that they declare."""

from __future__ import annotations

import io
import struct
import zlib

from zoo import BadInput

DEFLATED = b"1.2.840.10008.1.2.1.99"
PLAIN = b"1.2.840.10008.1.2.1".ljust(len(DEFLATED), b"\0")
"""The same without deflating, as long as the other."""
BESIDE = 2**20
"""Bytes that all but the picture may take; those before it come first."""
DECLARED = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated")
GROUP_LENGTH = b"\x02\0\0\0UL\4\0"
"""What the first group begins with, which is never deflated; its length follows."""


def inflated(content: bytes, name: str) -> bytes:
    """Give a whole file as it would be without deflating; one that is not deflated as it is.

    Source: NEMA, DICOM PS3.5, A.5.

    Raises:
        BadInput: it would be larger than its picture makes it, or cannot be inflated.
    """
    import pydicom

    if DEFLATED not in content:
        return content
    head, at = _first_group(content, name)
    declared = pydicom.dcmread(
        io.BytesIO(beginning(content, name)),
        specific_tags=list(DECLARED),
        stop_before_pixels=True,
        force=True,
    )
    room = BESIDE + _bytes_of_picture(*(int(declared.get(one) or 1) for one in DECLARED))
    whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(memoryview(content)[at:], room + 1)
    if len(whole) > room or DEFLATED in whole:
        raise _refused(name)
    return head + whole


def beginning(content: bytes, name: str = "") -> bytes:
    """Give what lies before the picture of a file, or of its beginning, without deflating.

    Raises:
        BadInput: it cannot be inflated.
    """
    if DEFLATED not in content:
        return content
    head, at = _first_group(content, name)
    first = zlib.decompressobj(-zlib.MAX_WBITS).decompress(memoryview(content)[at:], BESIDE)
    if DEFLATED in first:
        raise _refused(name)
    return head + first


def _first_group(content: bytes, name: str) -> tuple[bytes, int]:
    """Give the first group, said to be of a plain file, and where what is deflated begins.

    No more may say that the file is deflated: pydicom would inflate it without a limit.
    """
    start = 132 if content[128:132] == b"DICM" else 0
    at = start + len(GROUP_LENGTH) + 4
    if content[start : at - 4] != GROUP_LENGTH:
        raise _refused(name)
    at += struct.unpack_from("<I", content, at - 4)[0]
    if content.find(DEFLATED, at) >= 0 or content.count(DEFLATED, 0, at) != 1:
        raise _refused(name)
    return content[:at].replace(DEFLATED, PLAIN), at


def _bytes_of_picture(rows: int, columns: int, samples: int, allocated: int) -> int:
    """Give how much a declared picture takes; none of one that is too large to be read."""
    from zoo.base.pictures.images import MAX_PIXELS

    pixels = rows * columns
    return pixels * min(samples, 3) * min(allocated, 16) // 8 if pixels <= MAX_PIXELS else 0


def _refused(name: str) -> BadInput:
    return BadInput(
        f"'{name}' is a DICOM file that is deflated as a whole, and holds more than its picture "
        "needs, or one that is too large, or is not written as the standard says. Expected pixels "
        "that are packed alone, or not at all: export it again."
    )
