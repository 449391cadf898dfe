"""What is sent is checked by its content, named harmlessly and decoded for the run."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo import BadInput
from zoo.runs.run_folder import Run
from zoo.web.service.limits import Limits, TooLarge
from zoo.web.service.uploads import NAME_LENGTH, accept, as_images, display_name


def png(width: int = 64, height: int = 64, seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("chest.png", "chest.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\Müller.dcm", "Müller.dcm"),
        ("a\x00b\nc\u202egnp.exe", "abcgnp.exe"),
        ("", "image"),
        ("..", "image"),
        ("///", "image"),
        ("\u200b", "image"),
    ],
)
def test_display_name(sent: str, shown: str) -> None:
    assert display_name(sent) == shown


@given(st.text())
def test_a_display_name_is_short_and_has_no_folder(name: str) -> None:
    shown = display_name(name)
    assert 0 < len(shown) <= NAME_LENGTH
    assert not set(shown) & set("/\\\n\r\x00")
    assert shown not in (".", "..")


def test_a_long_name_keeps_its_ending() -> None:
    assert display_name("x" * 500 + ".png").endswith("x.png")


def test_accept_refuses_by_content_and_size() -> None:
    with pytest.raises(BadInput, match="is empty"):
        accept(b"", "a.png", Limits())
    with pytest.raises(TooLarge, match=r"2 MB; the limit is 1 MB"):
        accept(bytes(2_000_000), "a.png", Limits(file_bytes=1_000_000))
    with pytest.raises(TooLarge, match="pixels, the limit"):
        accept(png(), "a.png", Limits(pixels=64 * 64 - 1))
    assert accept(png(), "a.png", Limits(pixels=64 * 64)).name == "a.png"


def test_decoding_follows_the_run(trained: Run) -> None:
    uploads = [accept(png(seed=s), f"{s}.png", Limits()) for s in (1, 2)]
    images = as_images(uploads, trained)
    assert images.pixels.shape == (2, 64, 64, 3)
    assert images.digests == tuple(own.digest for own in uploads)
    assert images.digests[0] != images.digests[1]
    assert as_images([accept(png(90, 60), "a.png", Limits())], trained).shapes == ((60, 90),)
    with pytest.raises(BadInput, match=r"cut\.png"):
        as_images([*uploads, accept(png()[:-200], "cut.png", Limits())], trained)
