"""GIF, BMP and WebP files with other numbers in their headers."""

from __future__ import annotations

import struct
from random import Random

from hostile.drawing import COLOURS, LONG, saved


def simple(random: Random) -> bytes:
    """Change numbers in the header of a file of a simple kind."""
    content = bytearray(saved(COLOURS, random.choice(("GIF", "BMP", "WEBP"))))
    for _ in range(random.randrange(1, 4)):
        form, most = random.choice((("<H", 2**16), ("<I", 2**32), ("<B", 2**8)))
        at = random.randrange(4, min(80, len(content) - 4))
        struct.pack_into(form, content, at, random.choice(LONG) % most)
    return bytes(content)
