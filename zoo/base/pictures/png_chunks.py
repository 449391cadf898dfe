"""The chunks of a PNG file that tell what its values mean, and those that its pixels need.

Source: W3C, Portable Network Graphics (PNG) Specification, third edition, 2025.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from zoo.base.pictures.tiff_tags import Buffer

MAGIC = b"\x89PNG\r\n\x1a\n"
GRAY, COLOUR, GRAY_ALPHA, COLOUR_ALPHA = 0, 2, 4, 6
NEEDED = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
MODES = {GRAY: "I;16", COLOUR: "RGB;16", GRAY_ALPHA: "LA;16", COLOUR_ALPHA: "RGBA;16"}


@dataclass(frozen=True)
class Told:
    """What stands before the pixels; `significant` are the bits that sBIT names, 0 without."""

    width: int
    height: int
    bits: int
    kind: int
    significant: int
    pictures: int

    @property
    def samples(self) -> int:
        """How many values a pixel has."""
        return {COLOUR: 3, GRAY_ALPHA: 2, COLOUR_ALPHA: 4}.get(self.kind, 1)


def told(content: Buffer) -> Told | None:
    """Read what a file says before its pixels; None when it says nothing that can be read."""
    significant, pictures, header = 0, 1, b""
    try:
        for kind, body in _opening(content):
            if kind == b"IHDR":
                header = header or body
            elif kind == b"sBIT" and body:
                significant = max(body[:3] if len(body) >= 3 else body[:1])
            elif kind == b"acTL" and len(body) >= 4:
                pictures = struct.unpack_from(">I", body)[0]
            elif kind == b"IDAT":
                break
        width, height, bits, colours = struct.unpack_from(">IIBB", header)
    except (struct.error, ValueError):
        return None
    return Told(width, height, bits, colours, significant, pictures)


def without_metadata(content: Buffer) -> bytes:
    """Return the file with no other chunks than its pixels need."""
    kept = [
        struct.pack(">I", len(body)) + kind + body + checksum
        for kind, body, checksum in chunks(content)
        if kind in NEEDED
    ]
    return MAGIC + b"".join(kept)


def _opening(content: Buffer) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each chunk; of one with pixels the kind alone."""
    at = len(MAGIC)
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, b"" if kind == b"IDAT" else bytes(content[at + 8 : at + 8 + length])
        at += 12 + length


def chunks(content: Buffer) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Yield kind, content and checksum of each chunk."""
    at = len(MAGIC)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        end = at + 8 + length
        yield kind, content[at + 8 : end], content[end : end + 4]
        at = end + 4
