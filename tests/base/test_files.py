from __future__ import annotations

import errno
import json
import math
import os
import stat
from pathlib import Path

import pytest

from zoo import NotWritten
from zoo.base.files import replacing, write_bytes, write_json, write_text


def write_half(path: Path) -> None:
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_a_file_appears_whole_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "scores.npz"
    with replacing(path) as temporary:
        assert temporary.suffix == ".npz"
        assert temporary.parent == path.parent
        temporary.write_bytes(b"whole")
        assert not path.exists()
    assert path.read_bytes() == b"whole"
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_half(tmp_path / "new.txt")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "old.txt"
    write_text(path, "old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_json_cannot_say_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    write_json(path, {"class": "Lungenentzündung"})
    for value in (math.nan, math.inf, object()):
        with pytest.raises((ValueError, TypeError)):
            write_json(path, {"value": value})
    assert json.loads(path.read_text("utf-8")) == {"class": "Lungenentzündung"}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_of_any_new_file(tmp_path: Path, mask: int, mode: int) -> None:
    before = os.umask(mask)
    try:
        write_bytes(tmp_path / "a.bin", b"\x00")
    finally:
        os.umask(before)
    assert (tmp_path / "a.bin").stat().st_mode & 0o777 == mode


def test_the_name_is_on_the_disk_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bool] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text(tmp_path / "a.txt", "a")
    assert synced == [False, True]


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "No space left on device. Make room"),
        (errno.EROFS, "Read-only file system. Name a place that may be written"),
        (errno.EIO, "Input/output error. Check the disk"),
    ],
)
def test_a_disk_that_takes_no_more_is_told_in_one_sentence(
    tmp_path: Path, number: int, said: str
) -> None:
    path = tmp_path / "old.txt"
    write_text(path, "old")

    def write() -> None:
        with replacing(path):
            raise OSError(number, os.strerror(number))

    with pytest.raises(NotWritten) as told:
        write()
    assert str(told.value).startswith(f"'{path}' cannot be written: {said}")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_of_a_library_without_number_is_told_too(tmp_path: Path) -> None:
    def write() -> None:
        with replacing(tmp_path / "a.npy"):
            raise OSError("1024 requested and 512 written")

    with pytest.raises(NotWritten, match=r"a\.npy' cannot be written: 1024 requested"):
        write()


def test_cleaning_up_does_not_hide_the_first_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    def write() -> None:
        with replacing(tmp_path / "a.txt"):
            monkeypatch.setattr(Path, "unlink", refused)
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(NotWritten, match="No space left"):
        write()


def test_a_folder_where_a_file_stands_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match=r"Not a directory|File exists"):
        write_text(tmp_path / "file" / "a.txt", "a")


@pytest.mark.parametrize("path", [Path("/dev/null"), None])
def test_devices_pipes_and_folders_are_never_replaced(path: Path | None, tmp_path: Path) -> None:
    if path is None:
        path = tmp_path / "pipe"
        os.mkfifo(path)
    before = path.stat()
    with pytest.raises(NotWritten, match="it is a pipe or a device"):
        write_text(path, "a")
    assert path.stat().st_mode == before.st_mode
    with pytest.raises(NotWritten, match="it is a folder"):
        write_text(tmp_path, "a")


def test_text_with_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    name = os.fsdecode(b"scan-\xff.png")
    with pytest.raises(NotWritten, match=r"scan-\\udcff\.png.*is not UTF-8"):
        write_json(tmp_path / "a.json", {"source": name})
    with pytest.raises(NotWritten, match=r"\\udcff"):
        write_text(tmp_path / name / "a.txt", name)
    assert list(tmp_path.iterdir()) == []
