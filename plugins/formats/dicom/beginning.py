"""DICOM files that begin with their first element, as some archives hand them out: no preamble."""

from __future__ import annotations

import struct

FIRST_GROUPS = (0x0002, 0x0008)
NEEDED = 2
"""Elements in order that must be found, unless the first is longer than what is looked at."""
LONGEST = 4096
"""Bytes of one of the first elements; they are names and numbers."""
LONG = (b"OB", b"OW", b"SQ", b"UN", b"UT", b"UC", b"UR")
"""Kinds whose length is written in four bytes behind two empty ones: PS3.5, 7.1.2."""
SHORT = (
    *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT"),
    *(b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
)


def begins_with_elements(head: bytes) -> bool:
    """Tell whether the bytes are elements in rising order, the first of group 2 or 8."""
    return any(
        _elements(head, order, explicit=explicit) >= NEEDED
        for order, explicit in (("<", True), ("<", False), (">", True))
    )


def _elements(head: bytes, order: str, *, explicit: bool) -> int:
    """Count elements in rising order; one that reaches beyond the bytes counts as all there are."""
    at, number, last = 0, 0, (0, -1)
    while at + 12 <= len(head):
        tag = struct.unpack_from(order + "HH", head, at)
        if tag <= last or (number == 0 and tag[0] not in FIRST_GROUPS):
            return 0
        length, start = _length(head, at, order, explicit=explicit)
        if length is None or length > LONGEST or length % 2:
            return number  # the data behind the first group may be written in another way
        at, number, last = start + length, number + 1, tag
    return NEEDED if number and at >= len(head) else number


def _length(head: bytes, at: int, order: str, *, explicit: bool) -> tuple[int | None, int]:
    """Return an element's length, None for a kind that there is not, and where its value begins."""
    kind = head[at + 4 : at + 6]
    if not explicit:
        return struct.unpack_from(order + "I", head, at + 4)[0], at + 8
    if kind in LONG:
        return struct.unpack_from(order + "I", head, at + 8)[0], at + 12
    return (struct.unpack_from(order + "H", head, at + 6)[0] if kind in SHORT else None), at + 8
