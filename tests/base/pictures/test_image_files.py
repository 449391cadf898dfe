from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput
from zoo.base.pictures.image_files import walk

DICOM = b"\0" * 128 + b"DICM" + b"\0" * 400


def picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(buffer, kind)
    return buffer.getvalue()


def tree(root: Path, **files: bytes) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_an_image_is_known_by_its_content(tmp_path: Path, kind: str) -> None:
    tree(tmp_path, **{"a/1.2.840.10": picture(kind), "b.jfif": picture(kind), "c": b"BMP or not"})
    found = walk(tmp_path)
    assert found.names == ("a/1.2.840.10", "b.jfif")
    assert found.left_out.sentence() == "Left out: 1 files that are not images (no ending)."


def test_dicom_without_an_ending_is_found_and_its_index_is_not(tmp_path: Path) -> None:
    tree(tmp_path, **{"IM000001": DICOM, "DICOMDIR": DICOM, "x/1.3.12.2.1107": DICOM, "a.txt": b""})
    assert walk(tmp_path).names == ("IM000001", "x/1.3.12.2.1107")


def test_unfinished_files_are_no_images(tmp_path: Path) -> None:
    tree(tmp_path, **{"a.jpg.part": picture("JPEG"), "b.jpg~": picture("JPEG"), "c.bak": DICOM})
    assert walk(tmp_path).names == ()


def test_links_are_followed_and_each_folder_is_read_once(tmp_path: Path) -> None:
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    tree(tmp_path, **{"data/a/1.png": b"", "data/b/2.png": b"", "elsewhere/3.png": b""})
    (data / "a" / "up").symlink_to(data, target_is_directory=True)
    (data / "a" / "b").symlink_to(data / "b", target_is_directory=True)
    (data / "c").symlink_to(elsewhere, target_is_directory=True)
    (data / "b" / "4.png").symlink_to(elsewhere / "3.png")
    (data / "b" / "5.png").symlink_to(tmp_path / "gone.png")
    (data / "b" / "6.png").symlink_to("6.png")
    found = walk(data)
    assert found.names == ("a/1.png", "b/2.png", "b/4.png", "c/3.png")
    assert sorted(found.left_out.links) == ["a/b", "a/up"]
    assert found.left_out.nowhere == ["b/5.png", "b/6.png"]
    assert "2 links to folders read in another place (a/b, a/up)" in found.left_out.sentence()
    assert [path.exists() for path in found.paths] == [True] * 4


@pytest.mark.skipif(sys.platform == "win32", reason="pipes are no files there")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    assert walk(tmp_path).names == ()


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="here everybody may list every folder"
)
def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(BadInput, match="closed' cannot be listed"):
        walk(tmp_path)
    closed.chmod(0o700)


def test_what_was_left_out_is_said_in_one_line(tmp_path: Path) -> None:
    tree(
        tmp_path,
        **{f"x{n}.{kind}": b"" for n, kind in enumerate(["txt", "txt", "csv", "md", "log", "svg"])},
        **{".DS_Store": b"", "__MACOSX/._a.png": b"", "Thumbs.db": b""},
    )
    said = walk(tmp_path).left_out.sentence()
    assert said.startswith("Left out: 6 files that are not images (.txt, ")
    assert ", …); 3 hidden or of the system (" in said
    assert "\n" not in said
    (tmp_path / "a").mkdir()
    assert walk(tmp_path / "a").left_out.sentence() == ""
