"""What is sent as a data set stays in its folder, is no larger than allowed, and is no trap."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.errors import BadInput
from zoo.data import intake
from zoo.data.intake import bytes_below, safe_path, store, unpack

ROOM = 1_000_000


def packed(path: Path, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../a.png",
        "a/../../b.png",
        "/etc/a.png",
        "\\a.png",
        "C:/a.png",
        "a\x00.png",
        "a\n.png",
        "/".join("abcdefghijk") + ".png",
        "x" * 200 + ".png",
        "d/" * 3 + "x" * 151,
    ],
)
def test_names_that_lead_out_or_are_too_long_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        safe_path(name)


@pytest.mark.parametrize(
    "name", [".DS_Store", "__MACOSX/a.png", "a/.git/b.png", "notes.txt", "run.exe", "a.png.sh", ""]
)
def test_hidden_files_and_other_kinds_are_left_aside(name: str) -> None:
    assert safe_path(name) is None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("A/b.png", "A/b.png"),
        ("A\\b.JPG", "A/b.JPG"),
        ("./x.csv", "x.csv"),
        ("a//b.dcm", "a/b.dcm"),
    ],
)
def test_images_and_tables_are_taken(name: str, place: str) -> None:
    assert safe_path(name) == PurePosixPath(place)


@given(st.text(max_size=60), st.sampled_from([".png", "/a.jpg", "\\b.dcm", ".csv"]))
def test_whatever_is_taken_lies_inside(name: str, ending: str) -> None:
    try:
        place = safe_path(name + ending)
    except BadInput:
        return
    if place is not None:
        assert Path("/sets/one", place).resolve().is_relative_to("/sets/one")
        assert not any(part.startswith(".") for part in place.parts)


def test_a_file_is_stored_once_and_within_the_room(tmp_path: Path) -> None:
    assert store(tmp_path, "A/b.png", b"12345", 5).bytes == 5
    with pytest.raises(BadInput, match="there twice"):
        store(tmp_path, "A/b.png", b"1", 5)
    with pytest.raises(BadInput, match="there twice"):
        store(tmp_path, "A/b.png/c.png", b"1", 5)
    with pytest.raises(BadInput, match="left for data sets"):
        store(tmp_path, "A/c.png", b"123456", 5)
    assert store(tmp_path, "notes.txt", b"x", 5) == intake.Taken(0, 0, 1)
    assert bytes_below(tmp_path) == 5
    assert (tmp_path / "A" / "b.png").read_bytes() == b"12345"


def test_a_zip_file_is_unpacked_below_the_folder(tmp_path: Path) -> None:
    archive = packed(
        tmp_path / "a.zip", ("A/1.png", b"one"), ("B/2.png", b"two"), ("readme.txt", b"-")
    )
    taken = unpack(archive, tmp_path / "set", ROOM)
    assert taken == intake.Taken(2, 6, 1)
    assert (tmp_path / "set" / "B" / "2.png").read_bytes() == b"two"


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("A/link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("../out.png", b"x")], "leads out"),
        ([("/etc/out.png", b"x")], "leads out"),
        ([(link(), b"/etc/passwd")], "is a link"),
        ([("A/bomb.png", bytes(50_000_000))], "left for data sets"),
        ([("A/1.png", b"a"), ("A/1.PNG", b"b"), ("A/1.png/2.png", b"c")], "there twice"),
    ],
)
def test_traps_are_refused(
    tmp_path: Path, files: list[tuple[str | zipfile.ZipInfo, bytes]], sentence: str
) -> None:
    archive = packed(tmp_path / "a.zip", *files)
    with pytest.raises(BadInput, match=sentence):
        unpack(archive, tmp_path / "set", ROOM)
    assert not (tmp_path / "out.png").exists()


def test_a_file_that_is_packed_too_densely_is_refused(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("A/bomb.png", bytes(50_000_000)))
    with pytest.raises(BadInput, match="times as large as it is packed"):
        unpack(archive, tmp_path / "set", 10**9)
    assert bytes_below(tmp_path / "set") == 0


def test_a_zip_file_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("A/1.png", bytes(range(256)) * 4))
    content = archive.read_bytes()
    size = (1024).to_bytes(4, "little")
    assert content.count(size) == 2
    archive.write_bytes(content.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(BadInput):
        unpack(archive, tmp_path / "set", ROOM)
    assert bytes_below(tmp_path / "set") <= 10


@given(st.binary(max_size=300))
def test_what_is_no_zip_file_is_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    (folder / "a.zip").write_bytes(content)
    with pytest.raises(BadInput, match="cannot be unpacked"):
        unpack(folder / "a.zip", folder / "set", ROOM)


def test_a_damaged_zip_file_leaves_no_half_file(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.zip", ("A/1.png", bytes(range(256)) * 40))
    content = bytearray(archive.read_bytes())
    content[60] ^= 255
    archive.write_bytes(bytes(content))
    with pytest.raises(BadInput):
        unpack(archive, tmp_path / "set", ROOM)
    assert bytes_below(tmp_path / "set") == 0


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "MOST_FILES", 2)
    archive = packed(tmp_path / "a.zip", *((f"{n}.png", b"x") for n in range(3)))
    with pytest.raises(BadInput, match="It has 3 files"):
        unpack(archive, tmp_path / "set", ROOM)


def test_what_is_no_file_counts_nothing() -> None:
    assert bytes_below(Path("/nowhere")) == 0
