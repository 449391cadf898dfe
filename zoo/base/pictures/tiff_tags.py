"""The tags of a TIFF file that tell what its values mean, read on their own.

What else the file says (resolution, camera, text, private tags) is passed over, so that a mistake
in it costs nothing. Source: Adobe, TIFF, revision 6.0, 1992, and its BigTIFF extension.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from mmap import mmap

Buffer = bytes | mmap

MOST_PAGES = 1000
"""Pages looked at; a file with more is refused for its second one anyway."""
REDUCED_OR_MASK = 0b101
"""Bits of NewSubfileType: a preview of another page, a mask for one."""

KIND, WIDTH, HEIGHT, BITS, PACKING, PHOTOMETRIC, ORIENTATION = 254, 256, 257, 258, 259, 262, 274
SAMPLES, LEAST, MOST, PLANAR, INSIDE, EXTRA, FORMAT = 277, 280, 281, 284, 330, 338, 339
SAMPLE_LEAST, SAMPLE_MOST = 340, 341
WHITE_IS_ZERO = 0

TOLD = frozenset(
    {KIND, WIDTH, HEIGHT, BITS, PACKING, PHOTOMETRIC, ORIENTATION, SAMPLES, PLANAR, EXTRA, FORMAT}
    | {LEAST, MOST, INSIDE, SAMPLE_LEAST, SAMPLE_MOST}
)
PIXELS = TOLD - {INSIDE} | {266, 273, 278, 279, 292, 293, 317, 320, 322, 323, 324, 325, 332, 347}
PIXELS |= {*range(512, 522), 529, 530, 531, 532}
"""All that pixels need to be decoded; 512 to 521 are of an old kind of JPEG."""
NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
NUMBERS |= {16: "Q", 17: "q", 18: "Q"}


@dataclass(frozen=True)
class Page:
    """One picture of a file: the numbers of each tag in TOLD that can be read."""

    tags: Mapping[int, tuple[float, ...]]

    def number(self, tag: int, otherwise: int) -> int:
        """Return a tag's first number, or what holds where the file has none."""
        values = self.tags.get(tag)
        return int(values[0]) if values else otherwise

    def told(self) -> str:
        """Say in numbers how the pixels are stored."""
        return (
            f"TIFF with PhotometricInterpretation {self.number(PHOTOMETRIC, WHITE_IS_ZERO)}, "
            f"Compression {self.number(PACKING, 1)}, {self.number(SAMPLES, 1)} x {self.bits} bits"
        )

    @property
    def previews(self) -> bool:
        """Tell whether it is a small copy of pictures that lie in directories of its own."""
        return INSIDE in self.tags and bool(self.number(KIND, 0) & REDUCED_OR_MASK)

    @property
    def bits(self) -> int:
        """How many bits its deepest sample has."""
        return int(max(self.tags.get(BITS, (1,))))


@dataclass(frozen=True)
class _Layout:
    """How offsets are written: in 4 bytes, or in 8 in a BigTIFF file."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> int:
        return 20 if self.big else 12

    @property
    def first(self) -> int:
        return 8 if self.big else 4


def is_tiff(head: bytes) -> bool:
    """Tell a TIFF or BigTIFF file by its first four bytes."""
    return head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def pages(content: Buffer) -> list[Page]:
    """Return the pages but previews and masks of others, or all where there are only such.

    A chain of pages that leads nowhere or back ends there.
    """
    every = list(_pages(content))
    whole = [p for p in every if not p.number(KIND, 0) & REDUCED_OR_MASK]
    return whole or every


def place(content: Buffer, page: Page) -> int:
    """Return which directory of the file a page is, from 0."""
    return list(_pages(content)).index(page)


def number(content: Buffer, tag: int) -> int | None:
    """Return the first number of a tag in the first directory, None where it has none."""
    try:
        layout = _layout(content)
        entries = _entries(content, layout, _unpacked(layout.offset, content, layout.first))
        told = dict(filter(None, (_told(content, layout, entry) for entry in entries)))
    except (ValueError, struct.error):
        return None
    return int(told[tag][0]) if tag in told else None


def without_metadata(content: bytes) -> bytes:
    """Return the file with a directory at its end that holds only what its pixels need.

    Raises:
        ValueError: there is no directory.
    """
    layout = _layout(content)
    at = _unpacked(layout.offset, content, layout.first)
    kept = [
        entry
        for entry in _entries(content, layout, at)
        if struct.unpack_from(layout.order + "H", entry)[0] in PIXELS
    ]
    directory = struct.pack(layout.count, len(kept)) + b"".join(kept)
    directory += struct.pack(layout.offset, 0)
    padded = content + b"\0" * (len(content) % 2)
    start = struct.pack(layout.offset, len(padded))
    return padded[: layout.first] + start + padded[layout.first + len(start) :] + directory


def _layout(content: Buffer) -> _Layout:
    head = bytes(content[:4])
    if not is_tiff(head):
        raise ValueError("no TIFF file")
    return _Layout("<" if head[:2] == b"II" else ">", b"+" in head)


def _pages(content: Buffer) -> Iterator[Page]:
    try:
        layout = _layout(content)
        at, seen = _unpacked(layout.offset, content, layout.first), set[int]()
        while at and at not in seen and len(seen) < MOST_PAGES:
            seen.add(at)
            entries = list(_entries(content, layout, at))
            page = Page(dict(filter(None, (_told(content, layout, e) for e in entries))))
            if WIDTH in page.tags and HEIGHT in page.tags:
                yield page
            elif len(seen) > 1:
                return
            end = at + struct.calcsize(layout.count) + layout.entry * len(entries)
            at = _unpacked(layout.offset, content, end)
    except (ValueError, struct.error):
        return


def _entries(content: Buffer, layout: _Layout, at: int) -> Iterator[bytes]:
    count = _unpacked(layout.count, content, at)
    start = at + struct.calcsize(layout.count)
    if start + count * layout.entry > len(content):
        raise ValueError("a directory that is cut short")
    for number in range(count):
        begin = start + number * layout.entry
        yield bytes(content[begin : begin + layout.entry])


def _told(content: Buffer, layout: _Layout, entry: bytes) -> tuple[int, tuple[float, ...]] | None:
    """Return a tag and its numbers; None for one that is not asked for or cannot be read."""
    tag, kind = struct.unpack_from(layout.order + "HH", entry)
    count = _unpacked(layout.offset, entry, 4)
    if tag not in TOLD or kind not in NUMBERS or not 1 <= count <= 64:
        return None
    form = f"{layout.order}{count}{NUMBERS[kind]}"
    inline = entry[8 if not layout.big else 12 :]
    try:
        if struct.calcsize(form) <= len(inline):
            return tag, struct.unpack_from(form, inline)
        return tag, struct.unpack_from(form, content, _unpacked(layout.offset, inline, 0))
    except struct.error:
        return None


def _unpacked(form: str, content: Buffer, at: int) -> int:
    return int(struct.unpack_from(form, content, at)[0])
