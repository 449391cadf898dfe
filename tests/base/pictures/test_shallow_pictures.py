"""Pictures of 8 bits are exactly what Pillow makes of them, and a file has one of them."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from zoo import BadInput
from zoo.base.pictures import images, strips

Write = Callable[..., bytes]
PICTURE = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
BLACK = np.zeros((16, 24), np.uint8)
WHITE = np.full((16, 24), 255, np.uint8)


def encoded(image: Image.Image, kind: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def by_pillow(content: bytes, size: tuple[int, int] | None) -> np.ndarray:
    image = Image.open(io.BytesIO(content))
    if size:
        image.draft(None, (2 * max(size),) * 2)
    image = ImageOps.exif_transpose(image)
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image.convert("RGBA"))
    image = image.convert("RGB")
    return np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR) if size else image)


@pytest.mark.parametrize("size", [None, (32, 24), (50, 90)])
@pytest.mark.parametrize("orientation", [1, 3, 6])
@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "JPEG"),
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("1", "PNG"),
        ("L", "PNG"),
        ("LA", "PNG"),
        ("P", "PNG"),
        ("RGB", "PNG"),
        ("RGBA", "PNG"),
        ("L", "TIFF"),
        ("RGB", "TIFF"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("P", "GIF"),
    ],
)
def test_the_pixels_are_those_of_pillow(
    mode: str, kind: str, orientation: int, size: tuple[int, int] | None
) -> None:
    image = Image.fromarray(PICTURE).convert("RGBA")
    image.putalpha(Image.fromarray(PICTURE[..., 0]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    settings = {} if kind in ("BMP", "GIF") else {"exif": exif}
    content = encoded(image.convert(mode), kind, **settings)
    np.testing.assert_array_equal(images.read_image(content, size), by_pillow(content, size))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_picture_is_averaged_first_with_nearly_the_same_result(
    monkeypatch: pytest.MonkeyPatch, mode: str, orientation: int
) -> None:
    smooth = Image.fromarray(PICTURE[:8, :9]).resize((301, 203), Image.Resampling.BICUBIC)
    rgba = smooth.convert("RGBA")
    rgba.putalpha(smooth.convert("L"))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(rgba.convert(mode), "TIFF" if mode == "CMYK" else "PNG", exif=exif)
    exact = images.read_image(content, (20, 16)).astype(int)
    monkeypatch.setattr(strips, "LARGE", 1000)
    np.testing.assert_allclose(images.read_image(content, (20, 16)), exact, atol=4)
    assert images.read_image(content).shape == images.read_image(content, None).shape


def test_a_large_deep_picture_is_averaged_first(
    monkeypatch: pytest.MonkeyPatch, png: Write, tiff: Write
) -> None:
    ramp = np.linspace(0, 65_535, 301).astype(np.uint16)[None, :].repeat(203, axis=0)
    for content in (png(ramp), tiff(np.dstack([ramp, ramp // 2, ramp // 3]), photometric=2)):
        monkeypatch.setattr(strips, "LARGE", 25_000_000)
        exact = images.read_image(content, (20, 16)).astype(int)
        monkeypatch.setattr(strips, "LARGE", 1000)
        np.testing.assert_allclose(images.read_image(content, (20, 16)), exact, atol=1)


FRAMES = [Image.fromarray(values) for values in (BLACK, WHITE)]
SEVERAL = {
    "GIF": encoded(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "APNG": encoded(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
    "WebP": encoded(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]),
    "TIFF": encoded(FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:]),
    "packed TIFF": encoded(
        FRAMES[0], "TIFF", save_all=True, append_images=FRAMES[1:], compression="tiff_lzw"
    ),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_pictures_in_one_file_are_refused(kind: str) -> None:
    with pytest.raises(BadInput, match=r"'a file' has several pictures.*export the one you mean"):
        images.read_image(SEVERAL[kind], name="a file")


def test_several_deep_pages_are_refused(tiff: Write) -> None:
    content = tiff(BLACK.astype(np.uint16), WHITE.astype(np.uint16))
    with pytest.raises(BadInput, match="several pictures"):
        images.read_image(content)


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_a_preview_or_a_mask_is_no_other_picture(tiff: Write, kind: Any) -> None:
    whole, small = (
        WHITE.astype(kind) * (257 if kind == np.uint16 else 1),
        BLACK[:8, :8].astype(kind),
    )
    for content in (
        tiff(small, whole, first_tags=[(254, 4, [1])]),
        tiff(small, whole, first_tags=[(254, 4, [4])]),
    ):
        pixels = images.read_image(content)
        assert pixels.shape == (16, 24, 3)
        assert pixels.min() == 255
        assert images.read_shaped(content, (9, 9))[1] == (16, 24), "not that of the preview"


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_one_picture_saved_as_several_is_read(kind: str) -> None:
    content = encoded(FRAMES[1], kind, save_all=True)
    assert images.read_image(content).min() > 250


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_plain_tiff_file_is_turned_as_others_are(
    tiff: Write, tmp_path: Path, orientation: int
) -> None:
    values, exif = PICTURE[..., 0], Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.tif"  # Pillow maps the pixels of a path
    path.write_bytes(tiff(values, tags=[(274, 3, [orientation])]))
    upright = images.read_image(encoded(Image.fromarray(values), "PNG", exif=exif))
    np.testing.assert_array_equal(images.read_image(path), upright)


def test_a_palette_that_is_written_with_8_bits(tiff: Write) -> None:
    values = PICTURE[..., 0]
    palettes = [[*range(0, 256 * step, step)] * 3 for step in (1, 257)]
    for palette in palettes:
        content = tiff(values, photometric=3, tags=[(320, 3, palette)])
        np.testing.assert_array_equal(images.read_image(content)[..., 0], values)


def test_grays_with_a_transparency_that_they_contain(tiff: Write) -> None:
    values = np.dstack([PICTURE[..., 0], np.full_like(PICTURE[..., 0], 255)])
    content = tiff(values, photometric=1, tags=[(338, 3, [1])])
    np.testing.assert_array_equal(images.read_image(content)[..., 0], values[..., 0])


def test_a_transparency_that_hides_all_was_never_set(png: Write, tiff: Write) -> None:
    for kind, scale in ((np.uint8, 1), (np.uint16, 257)):
        gray = PICTURE[..., :1].astype(kind) * scale
        hidden = np.dstack([gray, gray, gray, np.zeros_like(gray)])
        for content in (
            png(hidden),
            png(np.ascontiguousarray(hidden[..., 2:])),
            tiff(hidden, tags=[(338, 3, [2])]),
        ):
            np.testing.assert_array_equal(images.read_image(content)[..., 0], PICTURE[..., 0])


def test_unusual_pixels_of_a_whole_file_are_told(tiff: Write, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(PICTURE.astype(np.uint16), photometric=6))
    for read in (images.read_image, images.read_header):
        with pytest.raises(BadInput, match=r"Interpretation 6, .* 3 x 16 bits\)\. Expected plain"):
            read(path)


def test_a_preview_is_not_taken_for_the_picture_inside(tiff: Write) -> None:
    content = tiff(BLACK, tags=[(254, 4, [1]), (330, 4, [8])])
    with pytest.raises(BadInput, match="has a preview before the picture itself"):
        images.read_image(content)
