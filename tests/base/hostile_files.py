"""Picture files whose structure is wrong: chunks, segments, tags, headers, elements.

`python hostile_files.py SEED COUNT` makes them, reads each as a user's file is read, and writes
what happened as JSON; a process of its own, so that one which hangs or crashes is seen.
"""

from __future__ import annotations

import io
import json
import resource
import struct
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import imagecodecs
import numpy as np
from PIL import Image

from zoo import ZooError
from zoo.base import images

GRAY = np.linspace(0, 255, 24, dtype=np.uint8)[None, :].repeat(16, axis=0)
DEEP = GRAY.astype(np.uint16) * 257
COLOURS = np.dstack([GRAY, GRAY[:, ::-1], GRAY // 2])
NUMBERS = (0, 1, 2, 7, 8, 12, 15, 16, 17, 32, 64, 255, 256, 9_999, 32_767, 32_768, 65_535, 65_536)
LONG = (*NUMBERS, 2**24, 99_999_999, 2**31 - 1, 2**31, 2**32 - 1)


def some_bytes(random: Random, most: int = 40) -> bytes:
    """Draw a few bytes, often all alike."""
    length = random.randrange(most)
    return (
        bytes([random.choice((0, 1, 255))]) * length
        if random.random() < 0.3
        else random.randbytes(length)
    )


def directory(random: Random, order: str = "<") -> bytes:
    """Write a TIFF header with a directory of tags of any type, count and value."""
    tags = (274, 271, 282, 296, 306, 34_665, 34_853, 40_965, 700, 37_500, random.randrange(65_536))
    rows = b"".join(
        struct.pack(
            order + "HHII",
            random.choice(tags),
            random.randrange(20),
            random.choice(LONG),
            random.choice(LONG),
        )
        for _ in range(random.randrange(8))
    )
    count = random.choice((len(rows) // 12, 0, 65_535))
    head = (b"II" if order == "<" else b"MM") + struct.pack(
        order + "HI", 42, random.choice((8, 8, 8, 0, 2**31))
    )
    return (
        head
        + struct.pack(order + "H", count)
        + rows
        + struct.pack(order + "I", random.choice(LONG))
    )


# PNG


def png(random: Random) -> bytes:
    """Put hostile chunks into a PNG file, or change those that are there."""
    values = random.choice((GRAY, DEEP, COLOURS, COLOURS.astype(np.uint16) * 257))
    chunks = list(_chunks(bytes(imagecodecs.png_encode(values))))
    for _ in range(random.randrange(1, 4)):
        how, at = random.random(), random.randrange(len(chunks))
        kind, body = chunks[at]
        if how < 0.6:
            chunks.insert(max(1, at), _hostile_chunk(random))
        elif how < 0.7:
            chunks.insert(at, chunks[at])
        elif how < 0.8:
            del chunks[at]
        elif kind == b"IHDR":
            body = bytearray(body)
            struct.pack_into(
                *random.choice(((">I", body, 0), (">I", body, 4))), random.choice(LONG)
            )
            body[random.choice((8, 9, 12))] = random.choice((0, 1, 2, 3, 4, 6, 8, 16, 255))
            chunks[at] = kind, bytes(body)
        else:
            chunks[at] = (
                kind,
                some_bytes(random) if how < 0.9 else body[: random.randrange(len(body) + 1)],
            )
        chunks = chunks or [(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_written(random, *chunk) for chunk in chunks)


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 8
    while at < len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, content[at + 8 : at + 8 + length]
        at += 12 + length


def _hostile_chunk(random: Random) -> tuple[bytes, bytes]:
    bomb = zlib.compress(bytes(30_000_000), 1)
    kinds = (
        b"sBIT",
        b"tRNS",
        b"PLTE",
        b"gAMA",
        b"cHRM",
        b"pHYs",
        b"tIME",
        b"bKGD",
        b"hIST",
        b"sRGB",
    )
    return random.choice(
        (
            (random.choice(kinds), some_bytes(random)),
            (b"eXIf", directory(random, random.choice("<>"))),
            (b"eXIf", some_bytes(random)),
            (b"acTL", struct.pack(">II", random.choice(LONG), random.choice(LONG))),
            (b"fcTL", some_bytes(random)),
            (b"fdAT", some_bytes(random)),
            (
                random.choice((b"iCCP", b"zTXt")),
                b"a\0\0" + random.choice((bomb, some_bytes(random))),
            ),
            (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + random.choice((bomb, some_bytes(random)))),
            (b"tEXt", b"Raw profile type exif\0\nexif\n" + some_bytes(random)),
            (bytes(random.choices(b"abcdABCD", k=4)), some_bytes(random)),
        )
    )


def _written(random: Random, kind: bytes, body: bytes) -> bytes:
    check = zlib.crc32(kind + body) if random.random() < 0.95 else random.randrange(2**32)
    length = len(body) if random.random() < 0.97 else random.choice(LONG)
    return struct.pack(">I", length) + kind + body + struct.pack(">I", check)


# JPEG


def jpeg(random: Random) -> bytes:
    """Put hostile segments into a JPEG file, or change those that are there."""
    content = bytearray(
        _saved(random.choice((GRAY, COLOURS)), "JPEG", progressive=random.random() < 0.3)
    )
    for _ in range(random.randrange(1, 3)):
        if random.random() < 0.7:
            marker = random.choice(
                (0xE0, 0xE1, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xFE, 0xDD, 0xC4, 0xDB)
            )
            start = random.choice(
                (
                    b"Exif\0\0",
                    b"MPF\0",
                    b"ICC_PROFILE\0\1\1",
                    b"Adobe\0",
                    b"JFIF\0",
                    b"Photoshop 3.0\x008BIM",
                )
            )
            body = start + random.choice(
                (directory(random), directory(random, ">"), some_bytes(random))
            )
            length = len(body) + 2 if random.random() < 0.9 else random.randrange(65_536)
            content[2:2] = bytes([0xFF, marker]) + struct.pack(">H", length) + body
        else:
            markers = [
                at
                for at in range(len(content) - 12)
                if content[at] == 0xFF and content[at + 1] not in (0, 0xFF)
            ]
            at = random.choice(markers) + random.randrange(2, 12)
            struct.pack_into(">H", content, at, random.choice(NUMBERS[:17]))
    return bytes(content)


def _saved(values: np.ndarray, kind: str, **settings: bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **settings)
    return buffer.getvalue()


# TIFF


def tiff(random: Random) -> bytes:
    """Write a TIFF file some of whose tags are not what they should be."""
    values = random.choice(
        (GRAY, DEEP, DEEP.astype(np.float32), DEEP.astype(np.int16), COLOURS, np.dstack([DEEP] * 3))
    )
    order = random.choice("<>")
    raw = values.astype(values.dtype.newbyteorder(order)).tobytes()
    samples = 1 if values.ndim == 2 else 3
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    entries = {
        256: (4, [24]), 257: (4, [16]), 258: (3, [8 * values.itemsize] * samples), 259: (3, [1]),
        262: (3, [2 if samples == 3 else random.randrange(2)]), 273: (4, [8]), 277: (3, [samples]),
        278: (4, [16]), 279: (4, [len(raw)]), 284: (3, [1]), 339: (3, [kind] * samples),
    }  # fmt: skip
    others = (254, 266, 270, 274, 280, 281, 282, 296, 305, 317, 320, 322, 323, 324, 325, 330, 338)
    for _ in range(random.randrange(1, 4)):
        tag = random.choice((*entries, *others, 340, 341, 347, 700, 33_723, 34_377, 34_665, 34_675))
        if random.random() < 0.1:
            entries.pop(tag, None)
            continue
        numbers = [random.choice(LONG) for _ in range(random.choice((1, 1, 1, 2, 3, 9)))]
        entries[tag] = random.choice((1, 2, 3, 4, 5, 7, 11, 12, 13, 16, 99)), numbers
    rows, extra = b"", b""
    end = 8 + len(raw) + 2 + 12 * len(entries) + 4
    for tag, (kind, numbers) in sorted(entries.items()):
        code = {1: "B", 2: "B", 3: "H", 7: "B", 8: "h", 16: "Q"}.get(kind, "I")
        size = 256 ** struct.calcsize(code)
        packed = struct.pack(f"{order}{len(numbers)}{code}", *(n % size for n in numbers))
        count = len(numbers) if random.random() < 0.95 else random.choice(LONG)
        if len(packed) > 4:
            place = struct.pack(order + "I", end + len(extra))
            extra += packed
        else:
            place = packed.ljust(4, b"\0")
        rows += struct.pack(order + "HHI", tag, kind, count) + place
    following = random.choice((0, 0, 0, 8 + len(raw), end, 2**31))
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8 + len(raw))
    return (
        head
        + raw
        + struct.pack(order + "H", len(entries))
        + rows
        + struct.pack(order + "I", following)
        + extra
    )


# GIF, BMP, WebP


def simple(random: Random) -> bytes:
    """Change numbers in the header of a file of a simple kind."""
    content = bytearray(_saved(COLOURS, random.choice(("GIF", "BMP", "WEBP"))))
    for _ in range(random.randrange(1, 4)):
        form, most = random.choice((("<H", 2**16), ("<I", 2**32), ("<B", 2**8)))
        at = random.randrange(4, min(80, len(content) - 4))
        struct.pack_into(form, content, at, random.choice(LONG) % most)
    return bytes(content)


# DICOM


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
        "4.50": lambda: _saved(GRAY, "JPEG"),
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


KINDS: dict[str, Callable[[Random], bytes]] = {
    "PNG": png, "JPEG": jpeg, "TIFF": tiff, "simple": simple, "DICOM": dicom
}  # fmt: skip


def hostile_file(seed: int, number: int) -> tuple[str, bytes]:
    """Make one file, always the same for its seed and number; return its kind, too."""
    random = Random(f"{seed} {number}")  # noqa: S311 (not for secrets)
    kind = list(KINDS)[number % len(KINDS)]
    return kind, KINDS[kind](random)


def main(seed: int, count: int) -> None:
    """Read that many files and write what happened."""
    images.read_image(_saved(GRAY, "PNG"))
    outcomes: Counter[str] = Counter()
    failures, slowest, before = [], 0.0, _peak()
    for number in range(count):
        kind, content = hostile_file(seed, number)
        began = time.process_time()
        try:
            size = None if number % 2 else (16, 16)
            assert images.read_image(content, size).dtype == np.uint8
            outcomes[f"{kind} read"] += 1
        except ZooError:
            outcomes[f"{kind} refused"] += 1
        except BaseException as error:
            failures.append(f"{number} {kind}: {type(error).__name__}: {error}")
        slowest = max(slowest, time.process_time() - began)
    print(
        json.dumps(
            {
                "outcomes": outcomes,
                "failures": failures,
                "seconds": slowest,
                "megabytes": _peak() - before,
            }
        )
    )


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
