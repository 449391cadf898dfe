"""Picture files made byte by byte, so that they say what no program would write."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import imagecodecs
import numpy as np
import pytest

CODES = {1: "B", 2: "s", 3: "H", 4: "I", 8: "h", 9: "i", 11: "f", 12: "d"}
SHORT, LONG = 3, 4
KINDS = {"u": 1, "i": 2, "f": 3}


def tiff_file(
    *pages: np.ndarray,
    order: str = "<",
    bits: int = 0,
    photometric: int | None = None,
    planar: bool = False,
    tags: Sequence[tuple[int, int, Any]] = (),
    first_tags: Sequence[tuple[int, int, Any]] = (),
) -> bytes:
    """Write uncompressed pages; `tags` are (tag, type, numbers) of each, `first_tags` of one."""
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 0))
    link = 4
    for number, values in enumerate(pages):
        samples = 1 if values.ndim == 2 else values.shape[-1]
        stored = np.moveaxis(values, -1, 0) if planar else values
        data = packed_12(values) if bits == 12 else stored.astype(stored.dtype.newbyteorder(order))
        raw, strips = data.tobytes(), samples if planar else 1
        guessed = 2 if samples >= 3 else 1
        entries = [
            (256, LONG, [values.shape[1]]),
            (257, LONG, [values.shape[0]]),
            (258, SHORT, [bits or 8 * values.itemsize] * samples),
            (259, SHORT, [1]),
            (262, SHORT, [guessed if photometric is None else photometric]),
            (273, LONG, [len(content) + i * (len(raw) // strips) for i in range(strips)]),
            (277, SHORT, [samples]),
            (278, LONG, [values.shape[0]]),
            (279, LONG, [len(raw) // strips] * strips),
            (284, SHORT, [2 if planar else 1]),
            (339, SHORT, [KINDS[values.dtype.kind]] * samples),
            *tags,
            *(first_tags if number == 0 else ()),
        ]
        content += raw
        link = _add_directory(content, sorted(entries, key=lambda e: e[0]), link, order)
    return bytes(content)


def _add_directory(content: bytearray, entries: list[Any], link: int, order: str) -> int:
    """Append a directory, let `link` point to it, and return where its own link is."""
    long = []
    for _, kind, numbers in entries:
        raw = numbers if kind == 2 else struct.pack(f"{order}{len(numbers)}{CODES[kind]}", *numbers)
        long.append(len(content) if len(raw) > 4 else raw.ljust(4, b"\0"))
        content += raw if len(raw) > 4 else b""
    content += b"\0" * (len(content) % 2)
    struct.pack_into(order + "I", content, link, len(content))
    content += struct.pack(order + "H", len(entries))
    for (tag, kind, numbers), place in zip(entries, long, strict=True):
        content += struct.pack(order + "HHI", tag, kind, len(numbers))
        content += place if isinstance(place, bytes) else struct.pack(order + "I", place)
    content += struct.pack(order + "I", 0)
    return len(content) - 4


def packed_12(values: np.ndarray) -> np.ndarray:
    """Put two values of 12 bits into three bytes."""
    left, right = values[:, 0::2], values[:, 1::2]
    packed = [left >> 4, (left & 15) << 4 | right >> 8, right & 255]
    return np.stack(packed, axis=-1).astype(np.uint8)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """Write one chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_file(values: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """Write a PNG file, with chunks between its header and its pixels."""
    content = bytes(imagecodecs.png_encode(values))
    return content[:33] + b"".join(png_chunk(*chunk) for chunk in chunks) + content[33:]


@pytest.fixture(scope="session")
def tiff() -> Callable[..., bytes]:
    return tiff_file


@pytest.fixture(scope="session")
def png() -> Callable[..., bytes]:
    return png_file
