"""JPEG files with segments that are not what they should be."""

from __future__ import annotations

import struct
from random import Random

from hostile.drawing import COLOURS, GRAY, NUMBERS, directory, saved, some_bytes


def jpeg(random: Random) -> bytes:
    """Put hostile segments into a JPEG file, or change those that are there."""
    content = bytearray(
        saved(random.choice((GRAY, COLOURS)), "JPEG", progressive=random.random() < 0.3)
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
