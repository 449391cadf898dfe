"""Files of more than 8 bits are read at their depth, and never by their own brightest value."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput
from zoo.base.pictures import images

Write = Callable[..., bytes]
RAMP = np.linspace(0, 65_535, 24).astype(np.uint16)[None, :].repeat(16, axis=0)
SHOWN = np.rint(RAMP / 257).astype(np.uint8)
RAMP_12 = np.linspace(0, 4_095, 24).astype(np.uint16)[None, :].repeat(16, axis=0)
OPAQUE = np.full_like(RAMP, 65_535)
S_MIN, S_MAX, SHORT, LONG, FLOAT, SIGNED = 340, 341, 3, 4, 11, 8


def gray(content: bytes, bits: int | None = None) -> np.ndarray:
    pixels = images.read_image(content, name="a file", bits=bits)
    assert pixels.dtype == np.uint8
    assert (pixels == pixels[..., :1]).all()
    return pixels[..., 0].astype(int)


def test_an_undeclared_depth_is_that_of_the_type_or_of_the_data_set(
    png: Write, tiff: Write
) -> None:
    for content in (png(RAMP_12), tiff(RAMP_12), tiff(RAMP_12, order=">")):
        np.testing.assert_allclose(gray(content), SHOWN / 16, atol=1)
        np.testing.assert_allclose(gray(content, 12), SHOWN, atol=1)
        np.testing.assert_allclose(gray(content, 14), SHOWN / 4, atol=1)


def test_one_hot_pixel_changes_no_other_one(png: Write, tiff: Write) -> None:
    hot = np.tile(RAMP_12, (8, 8))
    plain = hot.copy()
    hot[0, 0] = 65_535
    for write in (png, tiff):
        for bits in (None, 12):
            both = gray(write(hot), bits), gray(write(plain), bits)
            np.testing.assert_array_equal(both[0][1:], both[1][1:])


def test_values_that_do_not_fit_the_depth_are_refused(png: Write) -> None:
    with pytest.raises(BadInput, match=r"'a file' has values up to 65535 .* expected 12 bits"):
        gray(png(RAMP), 12)
    with pytest.raises(BadInput, match="expected 8 bits"):
        gray(png(RAMP_12), 8)
    np.testing.assert_array_equal(gray(png(RAMP), 8), SHOWN)  # nothing but 16 bits holds these


def test_the_bits_that_png_declares(png: Write) -> None:
    scaled = (RAMP_12 * (65_535 / 4_095)).astype(np.uint16)
    for values in (RAMP_12, scaled):  # as they are, and as the standard wants them
        for bits in (None, 8, 12, 16):
            np.testing.assert_allclose(gray(png(values, (b"sBIT", b"\x0c")), bits), SHOWN, atol=1)
    dark = RAMP_12 // 256 * 16  # the darkest of a scaled file
    np.testing.assert_allclose(gray(png(dark, (b"sBIT", b"\x0c"))), dark / 257, atol=1)


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_range_that_tiff_declares(tiff: Write, order: str) -> None:
    for kind, most in ((SHORT, 4_095), (FLOAT, 4_095.0)):
        content = tiff(RAMP_12, order=order, tags=[(S_MAX, kind, [most])])
        np.testing.assert_allclose(gray(content, 8), SHOWN, atol=1)
    shifted = RAMP_12.astype(np.int16) - 2_048
    tags = [(S_MIN, SIGNED, [-2_048]), (S_MAX, SIGNED, [2_047])]
    np.testing.assert_allclose(gray(tiff(shifted, order=order, tags=tags)), SHOWN, atol=1)


def test_a_range_that_is_the_picture_s_own_is_none(tiff: Write) -> None:
    content = tiff(RAMP_12, tags=[(S_MIN, SHORT, [3]), (S_MAX, SHORT, [4_000])])
    np.testing.assert_allclose(gray(content), SHOWN / 16, atol=1)


def test_twelve_bits_in_twelve(tiff: Write) -> None:
    np.testing.assert_allclose(gray(tiff(RAMP_12, bits=12), 8), SHOWN, atol=1)
    negative = tiff(RAMP_12, bits=12, photometric=0)
    np.testing.assert_allclose(gray(negative), 255 - SHOWN.astype(int), atol=1)


@pytest.mark.parametrize("values", [RAMP, RAMP_12])
def test_colours_and_transparency_are_read_at_full_depth(
    png: Write, tiff: Write, values: np.ndarray
) -> None:
    expected = gray(png(values), 12 if values is RAMP_12 else 16)
    three = np.dstack([values] * 3)
    four = np.dstack([three, OPAQUE])
    two = np.dstack([values, OPAQUE])
    alpha = [(338, SHORT, [2])]
    contents = [
        *(png(each) for each in (two, three, four)),
        *(tiff(three, order=order, planar=planar) for order in "<>" for planar in (False, True)),
        tiff(four, tags=alpha),
        tiff(four, tags=alpha, planar=True),
        tiff(two, tags=alpha, photometric=1),
    ]
    for content in contents:
        np.testing.assert_array_equal(gray(content, 12 if values is RAMP_12 else 16), expected)


def test_colours_stay_apart(png: Write, tiff: Write) -> None:
    colours = np.dstack([RAMP, RAMP[:, ::-1], RAMP // 2])
    for content in (png(colours), tiff(colours), tiff(colours, planar=True)):
        shown = images.read_image(content)
        np.testing.assert_allclose(shown.astype(int), colours / 257, atol=1)


def test_transparent_deep_values_are_laid_over_black(png: Write, tiff: Write) -> None:
    half = OPAQUE // 2
    for content in (
        png(np.dstack([RAMP, half])),
        png(np.dstack([RAMP, RAMP, RAMP, half])),
        tiff(np.dstack([RAMP, RAMP, RAMP, half]), tags=[(338, SHORT, [2])]),
    ):
        np.testing.assert_allclose(gray(content), SHOWN / 2, atol=1)
    ready = tiff(np.dstack([RAMP // 2] * 3 + [half]), tags=[(338, SHORT, [1])])
    np.testing.assert_allclose(gray(ready), SHOWN / 2, atol=1)


@pytest.mark.parametrize("kind", ["u2", "i2", "u4", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_white_is_zero_in_any_type(tiff: Write, kind: str, order: str) -> None:
    values: Any = RAMP / 65_535 if kind[0] == "f" else RAMP // 2
    values = values.astype(kind)
    expected = gray(tiff(values))
    np.testing.assert_array_equal(gray(tiff(values, photometric=0, order=order)), 255 - expected)
    assert expected[0, 0] == 0
    assert expected[0, -1] > 100


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_floats_that_overshoot_are_clipped(tiff: Write, kind: str) -> None:
    values = np.linspace(-0.02, 1.02, 24)[None, :].repeat(16, axis=0)
    np.testing.assert_allclose(gray(tiff(values.astype(kind))), np.clip(values, 0, 1) * 255, atol=1)


def test_floats_beyond_one_need_a_depth(tiff: Write) -> None:
    content = tiff((RAMP_12 / 1).astype(np.float32))
    with pytest.raises(BadInput, match="values up to 4095 and does not say which is white"):
        gray(content)
    np.testing.assert_allclose(gray(content, 12), SHOWN, atol=1)


def test_long_integers_are_right_or_refused(tiff: Write) -> None:
    long = RAMP.astype(np.uint32)
    np.testing.assert_array_equal(gray(tiff(long)), SHOWN)
    np.testing.assert_allclose(gray(tiff(RAMP_12.astype(np.int32)), 12), SHOWN, atol=1)
    with pytest.raises(BadInput, match=r"values up to 4,294,901,760 .* Expected at most 16 bits"):
        gray(tiff(long * 65_536))
    told = tiff(long * 16, tags=[(S_MAX, LONG, [2**20 - 1])])
    np.testing.assert_allclose(gray(told), SHOWN, atol=1)


@pytest.mark.parametrize("value", [-1.0, -5e-1, float("nan"), float("inf")])
def test_values_without_meaning_are_refused(tiff: Write, value: float) -> None:
    with pytest.raises(BadInput, match="negative or infinite"):
        gray(tiff(np.full((16, 16), value, np.float32)))
    with pytest.raises(BadInput, match="negative or infinite"):
        gray(tiff(np.full((16, 16), -9, np.int16)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_pictures_are_turned_as_others_are(png: Write, tiff: Write, orientation: int) -> None:
    values = np.arange(16 * 24, dtype=np.uint16).reshape(16, 24) * 170
    exif = Image.Exif()
    exif[0x0112] = orientation
    plain = io.BytesIO()
    Image.fromarray((values // 257).astype(np.uint8)).save(plain, "PNG", exif=exif)
    expected = images.read_image(plain.getvalue())[..., 0].astype(int)
    for content in (
        png(values, (b"eXIf", exif.tobytes()[6:])),
        tiff(values, tags=[(274, SHORT, [orientation])]),
    ):
        np.testing.assert_allclose(gray(content), expected, atol=1)
        small, shape = images.read_shaped(content, (8, 30))
        assert small.shape == (8, 30, 3)
        assert shape == expected.shape


def test_the_header_names_the_depth(png: Write, tiff: Write, tmp_path: Any) -> None:
    path = tmp_path / "a"
    for content, mode in (
        (png(RAMP), "I;16"),
        (png(np.dstack([RAMP] * 3)), "RGB;16"),
        (png(np.dstack([RAMP] * 2)), "LA;16"),
        (tiff(RAMP), "I;16"),
        (tiff(RAMP_12, bits=12), "I;12"),
        (tiff(RAMP.astype(np.float32)), "F"),
        (tiff(np.dstack([RAMP] * 3)), "RGB;16"),
    ):
        path.write_bytes(content)
        header = images.read_header(path)
        assert (header.width, header.height, header.mode) == (24, 16, mode)


def test_too_much_to_decode_is_refused(monkeypatch: pytest.MonkeyPatch, png: Write) -> None:
    monkeypatch.setattr("zoo.base.pictures.deep_pictures.MOST_BYTES", 1000)
    with pytest.raises(BadInput, match="MB of values"):
        gray(png(np.dstack([RAMP] * 3)))
