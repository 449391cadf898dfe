"""TIFF files with tags that are not what they should be."""

from __future__ import annotations

import struct
from random import Random

import numpy as np
from hostile.drawing import COLOURS, DEEP, GRAY, LONG


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
