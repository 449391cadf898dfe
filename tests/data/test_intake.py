"""Of what is sent as a data set images and tables are kept, and no more than allowed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from zoo.base.errors import BadInput
from zoo.data import intake
from zoo.data.archives import Taken
from zoo.data.intake import bytes_below, store, unpack

ROOM = 1_000_000


def packed(path: Path, *files: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def test_a_file_is_stored_once_and_within_the_room(tmp_path: Path) -> None:
    assert store(tmp_path, "A/b.png", b"12345", 5).bytes == 5
    with pytest.raises(BadInput, match="there twice"):
        store(tmp_path, "A/b.png", b"1", 5)
    with pytest.raises(BadInput, match="there twice"):
        store(tmp_path, "A/b.png/c.png", b"1", 5)
    with pytest.raises(BadInput, match="left for data sets"):
        store(tmp_path, "A/c.png", b"123456", 5)
    assert store(tmp_path, "notes.txt", b"x", 5) == Taken(0, 0, 1)
    assert bytes_below(tmp_path) == 5
    assert (tmp_path / "A" / "b.png").read_bytes() == b"12345"


@pytest.mark.parametrize(
    "name", [".DS_Store", "__MACOSX/a.png", "notes.txt", "run.exe", "a.png.sh"]
)
def test_hidden_files_and_other_kinds_are_left_aside(name: str, tmp_path: Path) -> None:
    assert store(tmp_path, name, b"x", 5) == Taken(0, 0, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'\.\./a\.png' leads out of .* Rename it\."):
        store(tmp_path / "set", "../a.png", b"x", 5)
    assert list(tmp_path.iterdir()) == []


def test_images_and_tables_of_a_zip_file_are_kept(tmp_path: Path) -> None:
    files = [("A/1.PNG", b"one"), ("B/2.png", b"two"), ("x.csv", b"a,b"), ("readme.txt", b"-")]
    archive = packed(tmp_path / "a.zip", *files)
    assert unpack(archive, tmp_path / "set", ROOM) == Taken(3, 9, 1)
    assert (tmp_path / "set" / "B" / "2.png").read_bytes() == b"two"


def test_more_than_there_is_room_for_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = packed(tmp_path / "a.zip", *((f"{n}.png", b"x") for n in range(3)))
    with pytest.raises(BadInput, match="left for data sets"):
        unpack(archive, tmp_path / "set", 2)
    monkeypatch.setattr(intake, "MOST_FILES", 2)
    with pytest.raises(BadInput, match=r"It has 3 files; expected at most 2\. Pack"):
        unpack(archive, tmp_path / "set", ROOM)


def test_what_is_no_file_counts_nothing() -> None:
    assert bytes_below(Path("/nowhere")) == 0
