from __future__ import annotations

import contextlib
import errno
import io
import os
import struct
import tracemalloc
import warnings
import zlib
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo import BadInput, Header, ZooError
from zoo.base import digests
from zoo.base.pictures import images, pixel_arrays

COLOURS = np.zeros((16, 24, 3), np.uint8)
COLOURS[:, :12] = (200, 40, 10)
COLOURS[:, 12:] = (20, 90, 250)
RAMP = np.linspace(0, 255, 24, dtype=np.uint8)[None, :].repeat(16, axis=0)


def encoded(image: Image.Image, kind: str = "PNG", **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def test_gray_becomes_three_equal_channels() -> None:
    pixels = images.read_image(encoded(Image.fromarray(RAMP)))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, np.repeat(RAMP[..., None], 3, axis=-1))


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_rgb_is_kept(kind: str) -> None:
    np.testing.assert_array_equal(
        images.read_image(encoded(Image.fromarray(COLOURS), kind)), COLOURS
    )


def test_a_file_and_its_bytes_are_the_same_image(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(COLOURS))
    path = tmp_path / "a.png"
    path.write_bytes(content)
    np.testing.assert_array_equal(images.read_image(path), images.read_image(content))
    assert digests.digest_file(path) == digests.digest_bytes(content)
    assert len(digests.digest_file(path)) == 16


def test_transparency_is_laid_over_black() -> None:
    alpha = np.zeros((16, 24), np.uint8)
    alpha[:8] = 255
    rgba = Image.fromarray(np.dstack([COLOURS, alpha]))
    pixels = images.read_image(encoded(rgba))
    np.testing.assert_array_equal(pixels[:8], COLOURS[:8])
    assert not pixels[8:].any()


@pytest.mark.parametrize("transparent", [False, True])
def test_palette(transparent: bool) -> None:
    palette = Image.fromarray(COLOURS).quantize(2)
    first = int(np.asarray(palette)[0, 0])
    chosen: dict[str, Any] = {"transparency": first} if transparent else {}
    pixels = images.read_image(encoded(palette, **chosen))
    np.testing.assert_allclose(pixels[:, 12:], COLOURS[:, 12:], atol=2)
    expected = np.zeros_like(COLOURS[:, :12]) if transparent else COLOURS[:, :12]
    np.testing.assert_allclose(pixels[:, :12], expected, atol=2)


def test_a_dark_deep_image_stays_dark() -> None:
    deep = np.full((16, 16), 3_000, np.uint16)
    deep[0, 0] = 60_000
    assert images.read_image(encoded(Image.fromarray(deep)))[5, 5, 0] == round(3_000 * 255 / 65_535)


def test_float_tiff() -> None:
    pixels = images.read_image(encoded(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"))
    np.testing.assert_allclose(pixels[..., 0], RAMP, atol=1)


def test_cmyk_jpeg() -> None:
    content = encoded(Image.fromarray(COLOURS).convert("CMYK"), "JPEG", quality=95)
    pixels = images.read_image(content)
    np.testing.assert_allclose(pixels[4, 4].astype(int), COLOURS[4, 4], atol=16)


@pytest.mark.parametrize("size", [None, (48, 32)])
def test_the_orientation_of_the_camera_is_applied(size: tuple[int, int] | None) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn a quarter clockwise to see it upright
    content = encoded(Image.fromarray(COLOURS), "JPEG", exif=exif, quality=95)
    pixels = images.read_image(content, size).astype(int)
    assert pixels.shape == ((24, 16, 3) if size is None else (48, 32, 3))
    assert pixels[2, 8, 0] > 150  # the left, red half is now on top
    assert pixels[-3, 8, 2] > 150


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_the_shape_that_is_told_is_that_of_the_upright_picture(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(COLOURS).resize((960, 640)), kind, exif=exif)
    pixels, shape = images.read_shaped(content, (20, 20))
    assert shape == images.read_image(content).shape[:2]
    assert shape == ((960, 640) if orientation > 4 else (640, 960))
    np.testing.assert_array_equal(pixels, images.read_image(content, (20, 20)))
    small = images.read_proportioned(content, 32)
    assert small.shape == ((48, 32, 3) if orientation > 4 else (32, 48, 3))


@given(st.integers(8, 9_000), st.integers(8, 9_000), st.integers(8, 500))
def test_proportions_are_kept_up_to_three_to_one(height: int, width: int, side: int) -> None:
    shown = pixel_arrays.proportioned((height, width), side)
    assert min(shown) == side
    assert (shown[0] > shown[1]) <= (height > width)
    long = max(height, width) / min(height, width)
    assert max(shown) == pytest.approx(side * min(long, 3), abs=0.51)


def test_a_size_is_height_and_width_and_squashes() -> None:
    assert images.read_image(encoded(Image.fromarray(COLOURS)), (20, 10)).shape == (20, 10, 3)


def test_a_large_jpeg_is_decoded_at_a_fraction_with_the_same_result() -> None:
    big = np.asarray(Image.fromarray(RAMP).resize((960, 640), Image.Resampling.BILINEAR))
    content = encoded(Image.fromarray(big), "JPEG", quality=95)
    small = images.read_image(content, (40, 60)).astype(int)
    whole = pixel_arrays.resize(images.read_image(content), (40, 60)).astype(int)
    np.testing.assert_allclose(small, whole, atol=4)


def test_channels() -> None:
    assert pixel_arrays.to_channels(COLOURS, 3) is COLOURS
    gray = pixel_arrays.to_channels(COLOURS, 1)
    assert gray.shape == (16, 24, 1)
    assert gray.dtype == np.uint8
    assert gray[0, 0, 0] == round(0.299 * 200 + 0.587 * 40 + 0.114 * 10)
    with pytest.raises(BadInput, match="expected 1 or 3"):
        pixel_arrays.to_channels(COLOURS, 2)


def test_a_jpeg_is_encoded_and_read_back() -> None:
    pixels = images.read_image(pixel_arrays.encode_jpeg(COLOURS, quality=95))
    np.testing.assert_allclose(pixels[4, 4].astype(int), COLOURS[4, 4], atol=8)
    assert images.read_image(pixel_arrays.encode_jpeg(RAMP[..., None])).shape == (16, 24, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.jpeg", True), ("A.PNG", True), (".a.png", False), ("a.txt", False), ("png", False)],
)
def test_image_names(name: str, expected: bool) -> None:
    assert images.is_image_name(Path(name)) is expected


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an image"),
        (b"Dear doctor,", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", "not an image"),
        (encoded(Image.fromarray(COLOURS))[:-40], "damaged or cut short"),
        (encoded(Image.fromarray(COLOURS), "JPEG")[:-20], "damaged or cut short"),
        (encoded(Image.new("L", (1, 1))), "1 x 1 pixels; expected at least 8"),
    ],
    ids=["empty", "text", "postscript", "cut png", "cut jpeg", "one pixel"],
)
def test_unusable_content_is_refused_by_name(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        images.read_image(content, name="film.png")
    assert "film.png" in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="There is no file"):
        images.read_image(tmp_path / "none.png")
    with pytest.raises(BadInput, match="not an image"):
        images.read_image(tmp_path)
    with pytest.raises(BadInput, match="There is no file"):
        digests.digest_file(tmp_path / "none.png")


def test_a_file_that_the_system_does_not_give_is_not_called_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(COLOURS)))

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", broken)
    with pytest.raises(BadInput, match=r"'.*a.png' cannot be read: Input/output error"):
        images.read_image(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads any file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.fromarray(COLOURS)))
    path.chmod(0)
    with pytest.raises(BadInput):
        images.read_image(path)


def chunk(kind: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check


@pytest.mark.parametrize("side", [30_000, 11_000])
def test_an_enormous_image_is_refused_before_it_is_unpacked(side: int) -> None:
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(100_000))
    content = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data)
    tracemalloc.start()
    try:
        with pytest.raises(BadInput, match="more than 100 million pixels"):
            images.read_image(content + chunk(b"IEND", b""), name="bomb.png")
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


SEEDS = [
    encoded(Image.fromarray(COLOURS), "JPEG"),
    encoded(Image.fromarray(COLOURS).quantize(8)),
    encoded(Image.fromarray(RAMP.astype(np.uint16) * 100)),
    encoded(Image.fromarray(COLOURS), "BMP"),
    encoded(Image.fromarray(COLOURS), "GIF"),
]


@settings(max_examples=100)
@given(st.sampled_from(SEEDS), st.integers(0, 400), st.binary(min_size=1, max_size=6))
def test_a_damaged_file_is_read_or_refused_in_words(seed: bytes, at: int, noise: bytes) -> None:
    at = at % len(seed)
    damaged = seed[:at] + noise + seed[at + len(noise) :]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of odd metadata and goes on
        with contextlib.suppress(ZooError):
            assert images.read_image(damaged, (16, 16)).shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("mode", "kind"), [("L", "JPEG"), ("RGB", "JPEG"), ("1", "PNG"), ("I;16", "PNG")]
)
def test_the_header_is_what_the_file_says_before_it_is_decoded(
    tmp_path: Path, mode: str, kind: str
) -> None:
    path = tmp_path / "image"
    path.write_bytes(encoded(Image.new(mode, (24, 16)), kind))
    assert images.read_header(path) == Header(24, 16, mode, path.stat().st_size)
    path.write_bytes(encoded(Image.new(mode, (3, 4)), kind))
    with pytest.raises(BadInput, match="expected at least 8 a side"):
        images.read_header(path)


def test_the_header_of_what_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("an X-ray")
    for name in ("text.png", "none.png"):
        with pytest.raises(BadInput, match=name):
            images.read_header(tmp_path / name)


def test_a_picture_is_written_without_loss_and_gray_when_it_is() -> None:
    for pixels, mode in ((COLOURS, "RGB"), (np.repeat(RAMP[..., None], 3, -1), "L")):
        content = pixel_arrays.encode_png(pixels)
        with Image.open(io.BytesIO(content)) as image:
            assert image.mode == mode
        assert np.array_equal(images.read_image(content), pixels)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "It is empty: copy it again"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>404</html>", "It is a web page"),
        (b"\0\0\0\x18ftypheic\0\0\0\0", "HEIC"),
        (b"%PDF-1.7", "PDF"),
        (b"nothing that is known", r"can be read\. Expected one of"),
    ],
)
def test_what_is_taken_for_an_image_is_called_by_its_name(content: bytes, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        images.read_image(content, name="a.jpg")


def test_a_jpeg_file_of_a_rare_kind_is_called_so(tmp_path: Path) -> None:
    deep = imagecodecs.jpeg8_encode(np.zeros((16, 24), np.uint16), bitspersample=12)
    (tmp_path / "a.jpg").write_bytes(deep)
    for read in (images.read_image, images.read_header):
        with pytest.raises(BadInput, match=r"not read \(JPEG of 12 bits in 1 channels, lossy\)"):
            read(tmp_path / "a.jpg")
    lossless = imagecodecs.ljpeg_encode(np.zeros((16, 24), np.uint16), bitspersample=16)
    with pytest.raises(BadInput, match="16 bits in 1 channels, lossless"):
        images.read_image(bytes(lossless))
