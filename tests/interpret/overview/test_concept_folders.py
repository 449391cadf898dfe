"""Concepts of a user's own images, and what cannot be one."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from zoo import BadInput, InvalidSetting
from zoo.interpret.overview.concept_folders import check_folders, named_folders, read_folder


def filled(picture: Callable[..., Path], count: int) -> Path:
    for row in range(count):
        written = picture(f"drains/{row}.png", seed=row)
    return written.parent


@pytest.mark.parametrize(
    "text", ["drain", "=folder", "drain=", " = ", "a\nb=folder", f"{41 * 'a'}=f"]
)
def test_what_is_no_name_and_folder_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match="cannot be"):
        named_folders([text])


@pytest.mark.parametrize("texts", [["marker=x"], ["drain=x", "drain=y"]])
def test_a_name_that_is_taken_is_refused(texts: list[str]) -> None:
    with pytest.raises(InvalidSetting, match="two concepts called"):
        named_folders(texts)


def test_a_path_may_have_an_equals_sign() -> None:
    assert named_folders(["drain = a=b"]) == {"drain": Path("a=b")}


def test_a_folder_that_is_none_or_too_small_is_refused_at_once(
    picture: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=r"'drain' names .*which is no folder"):
        check_folders({"drain": tmp_path / "none"})
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="has no images"):
        check_folders({"drain": tmp_path / "empty"})
    with pytest.raises(BadInput, match=r"'drain' has 1 images in .* Expected at least 10"):
        check_folders({"drain": filled(picture, 1)})


def test_broken_files_and_copies_do_not_count(picture: Callable[..., Path]) -> None:
    folder = filled(picture, 12)
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    shutil.copy(folder / "0.png", folder / "copy.png")
    files = check_folders({"drain": folder})["drain"]
    pixels, broken = read_folder("drain", files, (32, 32, 1), 100)
    assert (pixels.shape, broken) == ((12, 32, 32, 1), 1)
    assert read_folder("drain", files, (32, 32, 3), 11)[0].shape[1:] == (32, 32, 3)
    for row in range(1, 4):
        shutil.copy(folder / "0.png", folder / f"{row}.png")
    with pytest.raises(BadInput, match=r"'drain' has 9 different images"):
        read_folder("drain", check_folders({"drain": folder})["drain"][:-1], (32, 32, 1), 100)
