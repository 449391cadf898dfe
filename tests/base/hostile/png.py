"""PNG files with chunks that are not what they should be."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from random import Random

import imagecodecs
import numpy as np
from hostile.drawing import COLOURS, DEEP, GRAY, LONG, directory, some_bytes


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
