"""DICOM files with elements that are not what they should be."""

from __future__ import annotations

import struct
from random import Random

import imagecodecs
from hostile.drawing import DEEP, GRAY, LONG, NUMBERS, saved, some_bytes


def dicom(random: Random) -> bytes:
    """Write a DICOM file some of whose elements are not what they should be."""
    packing = random.choice(("1", "1", "1", "4.57", "4.90", "4.50", "5", "2"))
    elements = {
        (8, 0x16): (b"UI", b"1.2.840.10008.5.1.4.1.1.1\0"),
        (0x28, 2): (b"US", _short(1)),
        (0x28, 4): (b"CS", random.choice((b"MONOCHROME2 ", b"MONOCHROME1 "))),
        (0x28, 0x10): (b"US", _short(16)), (0x28, 0x11): (b"US", _short(24)),
        (0x28, 0x100): (b"US", _short(16)), (0x28, 0x101): (b"US", _short(random.choice((12, 16)))),
        (0x28, 0x102): (b"US", _short(11)), (0x28, 0x103): (b"US", _short(random.randrange(2))),
        (0x7FE0, 0x10): (b"OW", _pixels(packing)),
    }  # fmt: skip
    tables = [(0x28, 0x3000), (0x28, 0x3010)]
    others = [
        (0x28, end) for end in (8, 6, 0x120, 0x121, 0x1050, 0x1051, 0x1052, 0x1053, 0x1056, 0x3002)
    ]
    others += [*tables, (0x2050, 0x20), (0x28, 0x1101), (0x28, 0x1201), (8, 0x18), (0x10, 0x10)]
    for _ in range(random.randrange(1, 4)):
        tag = random.choice((*elements, *others))
        if random.random() < 0.15:
            elements.pop(tag, None)
        elif tag in tables:
            elements[tag] = b"SQ", _table(random)
        else:
            kind = random.choice(
                (b"US", b"SS", b"DS", b"IS", b"CS", b"LO", b"OB", b"OW", b"UN", b"SQ", b"FD", b"UL")
            )
            numbers = b"\\".join(
                random.choice((b"1", b"-1", b"0", b"1e999", b"nan", b"4096", b"", b"x"))
                for _ in range(3)
            )
            value = random.choice(
                (_short(random.choice(NUMBERS[:17])), numbers, some_bytes(random), b"")
            )
            elements[tag] = kind, value + b" " * (len(value) % 2)
    body = b"".join(_element(random, tag, *value) for tag, value in sorted(elements.items()))
    syntax = b"1.2.840.10008.1.2." + packing.encode()
    meta = _element(random, (2, 0x10), b"UI", syntax + b"\0" * (len(syntax) % 2))
    begin = random.choice((bytes(128) + b"DICM", bytes(128) + b"DICM", b""))
    return begin + (meta if random.random() < 0.9 else b"") + body


def _short(number: int) -> bytes:
    return struct.pack("<H", number)


def _pixels(packing: str) -> bytes:
    if packing in ("1", "2"):
        return (DEEP >> 4).tobytes()
    frame = {
        "4.50": lambda: saved(GRAY, "JPEG"),
        "4.57": lambda: bytes(imagecodecs.jpeg8_encode(DEEP >> 4, lossless=True, bitspersample=12)),
        "4.90": lambda: bytes(
            imagecodecs.jpeg2k_encode(DEEP >> 4, codecformat="J2K", reversible=True)
        ),
        "5": lambda: struct.pack("<16L", 2, 64, 70, *[0] * 13) + b"\x05abcdef\x81\x00" * 9,
    }[packing]()
    frame += b"\0" * (len(frame) % 2)
    item = b"\xfe\xff\x00\xe0"
    return (
        item
        + bytes(4)
        + item
        + struct.pack("<I", len(frame))
        + frame
        + b"\xfe\xff\xdd\xe0"
        + bytes(4)
    )


def _table(random: Random) -> bytes:
    described = b"".join(
        _short(random.choice(NUMBERS[:17])) for _ in range(random.choice((2, 3, 3, 3, 4)))
    )
    entries = random.randbytes(2 * random.choice((0, 1, 4, 128, 256)))
    inside = b"".join(
        struct.pack("<HH2sH", 0x28, tag, kind, len(value)) + value
        for tag, kind, value in ((0x3002, b"US", described), (0x3006, b"US", entries))
    )
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inside)) + inside


def _element(random: Random, tag: tuple[int, int], kind: bytes, value: bytes) -> bytes:
    length = len(value) if random.random() < 0.98 else random.choice(LONG)
    if kind in (b"OB", b"OW", b"SQ", b"UN"):
        packed = value[:4] == b"\xfe\xff\x00\xe0" and tag == (0x7FE0, 0x10)
        return struct.pack("<HH2sHI", *tag, kind, 0, 2**32 - 1 if packed else length) + value
    return struct.pack("<HH2sH", *tag, kind, length % 65_536) + value
