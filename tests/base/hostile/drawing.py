"""What hostile files are made of: small pictures, numbers at the edge, bytes, directories."""

from __future__ import annotations

import io
import struct
from random import Random

import numpy as np
from PIL import Image

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


def saved(values: np.ndarray, kind: str, **settings: bool) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **settings)
    return buffer.getvalue()
