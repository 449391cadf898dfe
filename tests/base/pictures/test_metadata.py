"""Metadata that cannot be read never cost the picture."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.base.pictures import images, metadata

Write = Callable[..., bytes]
PICTURE = (np.arange(16 * 24).reshape(16, 24) // 2 + 20).astype(np.uint8)
SHOWN = np.repeat(PICTURE[..., None], 3, axis=-1)
ORIENTATION, ASCII, SHORT, LONG, FLOAT = 274, 2, 3, 4, 11


def jpeg(*segments: tuple[int, bytes]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG", quality=100)
    content = buffer.getvalue()
    added = (bytes([0xFF, m]) + struct.pack(">H", len(b) + 2) + b for m, b in segments)
    return content[:20] + b"".join(added) + content[20:]


def exif(*entries: tuple[int, int, int, bytes]) -> bytes:
    """Write a directory of (tag, type, count, four bytes), as in an APP1 segment."""
    rows = b"".join(struct.pack("<HHI", *entry[:3]) + entry[3] for entry in entries)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(entries)) + rows + bytes(4)


TURNED = (ORIENTATION, SHORT, 1, struct.pack("<HH", 6, 0))
MISTYPED = (306, FLOAT, 1, struct.pack("<f", 1.5))  # a date is text


@pytest.mark.parametrize(
    "spoilt",
    [
        (b"eXIf", b"no TIFF header"),
        (b"eXIf", b""),
        (b"eXIf", exif(MISTYPED, (ORIENTATION, ASCII, 2, b"6\0\0\0"))[6:]),
        (b"eXIf", exif((ORIENTATION, SHORT, 9_999, b"\xff" * 4))[6:]),
        (b"pHYs", b"\0"),
        (b"tEXt", b"\xff" * 9),
        (b"zTXt", b"a\0\0not packed"),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\1\0\0\xff\xff"),
        (b"iCCP", b"a\0\0not packed"),
        (b"gAMA", b"\0"),
        (b"cHRM", b"\0" * 7),
        (b"sBIT", b""),
        (b"tIME", b"\xff" * 7),
        (b"acTL", b"\0"),
        (b"acTL", struct.pack(">II", 0, 0)),
        (b"sRGB", b""),
    ],
    ids=lambda chunk: f"{chunk[0].decode()} {chunk[1][:6]!r}",
)
@pytest.mark.parametrize("deep", [False, True])
def test_spoilt_chunks(png: Write, spoilt: tuple[bytes, bytes], deep: bool) -> None:
    values = PICTURE.astype(np.uint16) * 257 if deep else PICTURE
    np.testing.assert_array_equal(images.read_image(png(values, spoilt)), SHOWN)


def test_a_wrong_checksum_of_a_comment(png: Write) -> None:
    content = png(PICTURE, (b"tEXt", b"Comment\0somebody"))
    wrong = content.replace(b"somebody", b"somebodY")
    np.testing.assert_array_equal(images.read_image(wrong), SHOWN)


@pytest.mark.parametrize(
    "segment",
    [
        exif(TURNED, MISTYPED),
        exif(MISTYPED, TURNED, (34_665, SHORT, 1, b"\xff" * 4), (271, 99, 7, b"\xff" * 4)),
        exif((282, ASCII, 9, b"\xff" * 4), TURNED, (296, FLOAT, 1, b"\xff" * 4)),
    ],
    ids=["a date", "unknown types", "resolution"],
)
def test_a_turned_jpeg_with_a_mistyped_tag(segment: bytes) -> None:
    turned = images.read_image(jpeg((0xE1, segment)))
    np.testing.assert_array_equal(turned, np.rot90(images.read_image(jpeg()), -1))


@pytest.mark.parametrize(
    "segment",
    [
        (0xE1, b"Exif\0\0"),
        (0xE1, b"Exif\0\0garbage"),
        (0xE1, exif((ORIENTATION, ASCII, 2, b"six\0"))),
        (0xE1, exif((ORIENTATION, SHORT, 1, struct.pack("<HH", 77, 0)))),
        (0xE2, b"ICC_PROFILE\0\1"),
        (0xE2, b"MPF\0garbage"),
        (0xED, b"Photoshop 3.0\x008BIM\xff\xff"),
        (0xFE, b"\xff\xfe\xff"),
        (0xE0, b"JFIF\0"),
    ],
    ids=lambda segment: repr(segment[1][:14]),
)
def test_spoilt_segments(segment: tuple[int, bytes]) -> None:
    np.testing.assert_array_equal(images.read_image(jpeg(segment)), images.read_image(jpeg()))


@pytest.mark.parametrize(
    "tag",
    [
        (282, ASCII, b"many\0\0"),
        (296, FLOAT, [2.5]),
        (305, LONG, [7]),
        (34_665, SHORT, [65_535]),
        (700, SHORT, [1]),
        (34_675, ASCII, b"no profile"),
        (33_723, FLOAT, [1.0]),
        (ORIENTATION, ASCII, b"one\0"),
        (65_000, 99, b""),
    ],
    ids=lambda tag: str(tag[:2]),
)
@pytest.mark.parametrize("deep", [False, True])
def test_mistyped_tags(tiff: Write, tag: tuple[int, int, Any], deep: bool) -> None:
    values = PICTURE.astype(np.uint16) * 257 if deep else PICTURE
    known = (tag[0], 2, tag[2]) if tag[1] == 99 else tag
    np.testing.assert_array_equal(images.read_image(tiff(values, tags=[known])), SHOWN)


def test_a_turned_tiff_with_a_mistyped_tag(tiff: Write) -> None:
    content = tiff(PICTURE, tags=[(ORIENTATION, SHORT, [6]), (305, LONG, [7]), (282, SHORT, [1])])
    np.testing.assert_array_equal(images.read_image(content), np.rot90(SHOWN, -1))


def test_what_pixels_need_is_kept(png: Write, tiff: Write) -> None:
    for content in (
        png(PICTURE, (b"tEXt", b"Comment\0somebody")),
        jpeg((0xFE, b"somebody")),
        tiff(PICTURE, tags=[(305, ASCII, b"somebody")], order=">"),
    ):
        bare = metadata.without_metadata(content)
        assert bare is not None
        np.testing.assert_array_equal(images.read_image(bare), images.read_image(content))
        reachable = bare if content[:2] != b"MM" else bare[-200:]
        assert b"somebody" not in reachable
    assert metadata.without_metadata(b"GIF89a") is None
    assert metadata.without_metadata(b"\xff\xd8\xff") is None
