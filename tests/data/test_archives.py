"""One set of rules for zip files, whether they were dropped in a browser or fetched by name."""

from __future__ import annotations

import contextlib
import io
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.errors import BadInput
from zoo.base.progress import SILENT, Silent
from zoo.data import archives, intake
from zoo.data.archives import Taken, TooLarge, safe_path
from zoo.data.intake import bytes_below
from zoo.workflows import fetch_data

Files = list[tuple[str | zipfile.ZipInfo, bytes]]
ROOM, MOST = 10**9, 1000
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def packed(files: Files, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files:
            archive.writestr(name, content, method)
    return buffer.getvalue()


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def taken_of(archive: Path, folder: Path) -> Taken:
    return archives.unpack(archive, folder, room=ROOM, most_files=MOST)


def sent(archive: Path, folder: Path) -> None:
    """Unpack what was dropped in a browser."""
    intake.unpack(archive, folder, ROOM)


def fetched(archive: Path, folder: Path) -> None:
    """Unpack what was fetched by name."""
    fetch_data.unpack(archive, folder, SILENT)


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("A/link.png")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


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
        "d/" * 3 + "x" * 201,
    ],
)
def test_names_that_lead_out_or_are_too_long_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        safe_path(name)


@pytest.mark.parametrize("name", [".DS_Store", "__MACOSX/a.png", "a/.git/b.png", "", "a/./.x"])
def test_hidden_files_have_no_place(name: str) -> None:
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
def test_names_are_written_in_one_way(name: str, place: str) -> None:
    assert safe_path(name) == PurePosixPath(place)


@given(st.text(max_size=60), st.sampled_from(["", ".png", "/a.jpg", "\\b.dcm", ".csv"]))
def test_whatever_has_a_place_lies_inside(name: str, ending: str) -> None:
    try:
        place = safe_path(name + ending)
    except BadInput:
        return
    if place is not None:
        assert Path("/sets/one", place).resolve().is_relative_to("/sets/one")
        assert not any(part.startswith(".") for part in place.parts)


def test_files_are_unpacked_below_the_folder(tmp_path: Path) -> None:
    files: Files = [("A/1.png", b"one"), ("B/", b""), ("B/2.txt", b"two"), ("__MACOSX/1", b"-")]
    archive = written(tmp_path / "a.zip", packed(files))
    assert taken_of(archive, tmp_path / "set") == Taken(2, 6, 1)
    assert (tmp_path / "set" / "B" / "2.txt").read_bytes() == b"two"
    with pytest.raises(BadInput, match=r"'A/1\.png' is there twice"):
        taken_of(archive, tmp_path / "set")


@pytest.mark.parametrize("flag", [0, archives.UTF_8])
def test_names_in_utf_8_are_read_as_such(tmp_path: Path, flag: int) -> None:
    content = packed([("ä/ü.png", b"x")])
    for place in (6, content.index(b"PK\1\2") + 8):  # where the file says how names are coded
        content = content[:place] + flag.to_bytes(2, "little") + content[place + 2 :]
    archives.unpack(written(tmp_path / "a.zip", content), tmp_path, room=ROOM, most_files=MOST)
    assert (tmp_path / "ä" / "ü.png").read_bytes() == b"x"


def test_a_file_without_a_name_is_left_aside(tmp_path: Path) -> None:
    content = bytearray(packed([("x.png", b"one"), ("y.png", b"two")]))
    content[content.rindex(b"x.png")] = 0
    archive = written(tmp_path / "a.zip", bytes(content))
    assert taken_of(archive, tmp_path / "set") == Taken(1, 3, 1)


@pytest.mark.parametrize("unpack", [sent, fetched])
@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("in.png", b"x"), ("../out.png", b"x")], "leads out"),
        ([("a/../../out.png", b"x")], "leads out"),
        ([("/etc/out.png", b"x")], "leads out"),
        ([(link(), b"/etc/passwd")], "is a link"),
        ([("A/bomb.png", bytes(3_000_000))], "times its own size"),
        ([("A/1.png", b"a"), ("A\\1.png", b"b")], "there twice"),
        ([("A/1.png", b"a"), ("A/1.png/2.png", b"c")], "there twice"),
        ([("d/" * 11 + "a.png", b"x")], "too long or too deep"),
    ],
)
def test_traps_are_refused_whoever_made_them(
    tmp_path: Path, unpack: Callable[[Path, Path], None], files: Files, sentence: str
) -> None:
    archive = written(tmp_path / "a.zip", packed(files))
    with pytest.raises(BadInput, match=rf"cannot be unpacked\. .*{sentence}.*\. "):
        unpack(archive, tmp_path / "inside" / "set")
    assert not (tmp_path / "out.png").exists()
    assert not (tmp_path / "inside" / "out.png").exists()
    assert unpack is sent or not (tmp_path / "inside" / "set").exists()


@pytest.mark.parametrize("unpack", [sent, fetched])
def test_encrypted_files_are_refused(tmp_path: Path, unpack: Callable[[Path, Path], None]) -> None:
    content = bytearray(packed([("A/1.png", b"one")]))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1  # as the directory says it
    with pytest.raises(BadInput, match=r"'A/1\.png' is encrypted"):
        unpack(written(tmp_path / "a.zip", bytes(content)), tmp_path / "set")


def test_too_many_files_or_bytes_are_refused(tmp_path: Path) -> None:
    archive = written(tmp_path / "a.zip", packed([(f"{n}.png", b"xyz") for n in range(3)]))
    with pytest.raises(BadInput, match="It has 3 files; expected at most 2"):
        archives.unpack(archive, tmp_path / "set", room=ROOM, most_files=2)
    with pytest.raises(TooLarge, match="would unpack to 9 bytes; expected at most 8"):
        archives.unpack(archive, tmp_path / "set", room=8, most_files=3)
    assert not (tmp_path / "set").exists()


def test_an_archive_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    content = packed([("A/1.png", bytes(range(256)) * 4)])
    size = (1024).to_bytes(4, "little")
    assert content.count(size) == 2
    archive = written(tmp_path / "a.zip", content.replace(size, (10).to_bytes(4, "little")))
    with pytest.raises(BadInput):
        taken_of(archive, tmp_path / "set")
    assert bytes_below(tmp_path / "set") == 0


@given(st.binary(max_size=300))
def test_what_is_no_zip_file_is_told(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    archive = written(folder / "a.zip", content)
    for unpack in (sent, fetched):
        with pytest.raises(BadInput, match="cannot be unpacked"):
            unpack(archive, folder / "set")
    assert not (folder / "set").exists()


@given(st.sampled_from(METHODS), st.data())
def test_a_damaged_archive_is_told_and_leaves_no_half_file(
    tmp_path_factory: pytest.TempPathFactory, method: int, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    whole = {"A/1.png": bytes(range(256)) * 4, "B/ä.png": b"two"}
    content = bytearray(packed(list(whole.items()), method))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(BadInput):
        taken_of(written(folder / "a.zip", bytes(content)), folder / "set")
    for path in (folder / "set").rglob("*"):
        assert path.is_dir() or path.read_bytes() in whole.values()
    assert sorted(one.name for one in folder.iterdir()) in (["a.zip"], ["a.zip", "set"])


def test_what_is_sent_is_there_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    class Ended(Silent):
        def advance(self, steps: int = 1) -> None:
            raise KeyboardInterrupt

    archive = written(tmp_path / "a.zip", packed([("A/1.png", b"1"), ("B/2.png", b"2")]))
    folder = tmp_path / "set" / "images"
    with pytest.raises(KeyboardInterrupt):
        intake.unpack(archive, folder, ROOM, Ended())
    damaged = written(tmp_path / "b.zip", packed([("A/1.png", b"1"), ("../2.png", b"2")]))
    with pytest.raises(BadInput):
        intake.unpack(damaged, folder, ROOM)
    assert not list(folder.parent.rglob("*"))
    assert intake.unpack(archive, folder, ROOM).files == 2
    with pytest.raises(BadInput, match="sent already"):
        intake.unpack(archive, folder, ROOM)
    assert sorted(path.name for path in folder.rglob("*.png")) == ["1.png", "2.png"]
