"""Data behind an address are those of a folder, fetched when they are read."""

from __future__ import annotations

import gzip
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo import BadInput, InvalidSetting, UnknownName, Unreachable, load_registry
from zoo.base import remote
from zoo.base.progress import SILENT
from zoo.data.changes import changed
from zoo.data.queries import find_images, read_images
from zoo.data.verify import verify

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(remote, "PAUSE_SECONDS", 0)
    return tmp_path / "cache"


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 48), np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


@pytest.fixture
def chests(memory: Any) -> Any:
    for number in range(6):
        memory.pipe(f"/bucket/chests/{('A', 'B')[number % 2]}/{number}.png", picture(number))
    memory.pipe("/bucket/chests/readme.txt", b"of nobody")
    return memory


def filled(cache: Path) -> list[str]:
    return sorted(p.name for p in cache.rglob("*.png") if p.stat().st_size)


def test_a_folder_is_listed_first_and_fetched_as_it_is_read(chests: Any, cache: Path) -> None:
    dataset = load_registry().dataset("memory://bucket/chests?patients=none")
    assert dataset.class_names == ("A", "B")
    assert [s.name for s in dataset.samples] == sorted(
        f"{('A', 'B')[n % 2]}/{n}.png" for n in range(6)
    )
    assert filled(cache) == []
    first = dataset.samples[0]
    np.testing.assert_array_equal(
        dataset.read(first, None)[..., 0],
        np.asarray(Image.open(io.BytesIO(picture(0)))),
    )
    assert filled(cache) == ["0.png"]
    assert dataset.digest(dataset.samples[1]) == dataset.digest(dataset.samples[1])
    assert dataset.header is not None
    assert dataset.header(dataset.samples[2]).width == 48
    assert len(filled(cache)) == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")
def test_nobody_else_of_this_machine_may_look_into_it(chests: Any, cache: Path) -> None:
    load_registry().dataset("memory://bucket/chests?patients=none")
    assert (cache / "remote").stat().st_mode & 0o777 == 0o700
    (cache / "remote").chmod(0o750)  # somebody has opened it to a group
    load_registry().dataset("memory://bucket/chests?patients=none")
    assert (cache / "remote").stat().st_mode & 0o777 == 0o750


def test_the_data_are_those_of_the_same_folder_here(
    chests: Any, tmp_path: Path, cache: Path
) -> None:
    chests.get("/bucket/chests", str(tmp_path / "chests"), recursive=True)
    here = load_registry().dataset(str(tmp_path / "chests"))
    there = load_registry().dataset("memory://bucket/chests")
    ours = verify(here, skip_broken=False, progress=SILENT)
    theirs = verify(there, skip_broken=False, progress=SILENT)
    assert ours.fingerprint == theirs.fingerprint
    assert changed(theirs.dataset, theirs.digests, theirs.stamps) == []


def test_what_was_fetched_is_not_fetched_again_unless_it_changed(
    chests: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digests() -> dict[str, str]:
        dataset = load_registry().dataset("memory://bucket/chests")
        return {s.name: dataset.digest(s) for s in dataset.samples}

    before = digests()
    fetched: list[str] = []
    fetch = remote._fetch
    monkeypatch.setattr(
        remote, "_fetch", lambda address, name, *a: (fetched.append(name), fetch(address, name, *a))
    )
    assert digests() == before
    assert fetched == []
    chests.pipe("/bucket/chests/A/0.png", picture(99))
    chests.rm("/bucket/chests/A/2.png")
    chests.pipe("/bucket/chests/A/7.png", picture(7))
    after = digests()
    assert fetched == ["A/0.png", "A/7.png"]
    assert after["A/0.png"] != before["A/0.png"]
    assert "A/2.png" not in after
    assert after["B/1.png"] == before["B/1.png"]


@pytest.mark.parametrize("ending", [".csv", ".tsv.gz"])
def test_a_table_is_fetched_with_its_images(ending: str, memory: Any) -> None:
    table = b"path,label\na.png,A\nb.png,B\nc.png,A\nd.png,B\n"
    if ending == ".tsv.gz":
        table = gzip.compress(table.replace(b",", b"\t"))
    memory.pipe(f"/t/labels{ending}", table)
    for number, name in enumerate("abcd"):
        memory.pipe(f"/t/{name}.png", picture(number))
    dataset = load_registry().dataset(f"memory://t/labels{ending}?patients=none")
    assert dataset.class_names == ("A", "B")
    assert dataset.read(dataset.samples[0], (8, 8)).shape == (8, 8, 3)


def test_a_single_file_is_fetched(memory: Any) -> None:
    archive = io.BytesIO()
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28), np.uint8)
    labels = np.array([[0], [1], [0], [1]])
    parts = {}
    for part in ("train", "val", "test"):
        parts |= {f"{part}_images": images, f"{part}_labels": labels}
    np.savez(archive, **parts)
    memory.pipe("/m/mine.npz", archive.getvalue())
    dataset = load_registry().dataset("memory://m/mine.npz?classes=A,B")
    assert len(dataset.samples) == 12


def test_images_in_an_archive_are_read_and_asked_about(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for number in range(4):
            archive.writestr(f"chests/{'AB'[number % 2]}/{number}.png", picture(number))
    address = f"zip://chests::{tmp_path}/all.zip"
    dataset = load_registry().dataset(address)
    assert len({dataset.digest(sample) for sample in dataset.samples}) == 4
    files = find_images([address])
    (batch, skipped), *_ = read_images(files, (16, 16, 1), "none", 8)
    assert batch is not None
    assert batch.pixels.shape == (4, 16, 16, 1)
    assert skipped == []


def test_an_image_that_is_empty_there_is_a_broken_image(chests: Any) -> None:
    chests.pipe("/bucket/chests/A/0.png", b"")
    dataset = load_registry().dataset("memory://bucket/chests")
    with pytest.raises(BadInput, match=r"0\.png"):
        dataset.read(dataset.samples[0], None)


def test_a_table_in_an_archive_finds_the_images_beside_it(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("labels.csv", "path,label\na.png,A\nb.png,B\n")
        for number, name in enumerate("ab"):
            archive.writestr(f"{name}.png", picture(number))
    dataset = load_registry().dataset(f"zip://labels.csv::{tmp_path}/all.zip")
    assert dataset.read(dataset.samples[1], (8, 8)).shape == (8, 8, 3)


class Breaking:
    """A file system whose connection breaks after some bytes, a number of times."""

    def __init__(self, system: Any, times: int) -> None:
        self.system, self.left = system, times

    def open(self, path: str, mode: str) -> Any:
        whole = self.system.open(path, mode).read()
        if self.left:
            self.left -= 1
            return io.BytesIO(whole[:50])
        return io.BytesIO(whole)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_connection_that_breaks_is_tried_three_times(
    times: int, chests: Any, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = load_registry().dataset("memory://bucket/chests")
    breaking = Breaking(chests, times)
    monkeypatch.setattr(remote, "_opened", lambda address: (breaking, "/bucket/chests"))
    if times < remote.TRIES:
        assert dataset.read(dataset.samples[0], None).shape == (40, 48, 3)
        return
    with pytest.raises(Unreachable, match=r"A/0\.png of .* ended after 50 of"):
        dataset.read(dataset.samples[0], None)
    assert filled(cache) == [], "nothing half-fetched is taken for the file"
    breaking.left = 1000
    with pytest.raises(Unreachable):  # a broken connection makes no broken image
        verify(dataset, skip_broken=True, progress=SILENT)


@pytest.mark.parametrize(
    ("error", "tries", "told"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), 3, "Check the connection"),
        (TimeoutError("timed out"), 3, "Check the connection"),
        (PermissionError("Access Denied"), 1, "Give credentials"),
    ],
)
@pytest.mark.parametrize("broken", ["open", "read"])
def test_what_breaks_there_is_not_blamed_on_the_disk_here(
    error: OSError,
    tries: int,
    told: str,
    broken: str,
    chests: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dataset = load_registry().dataset("memory://bucket/chests")
    asked = []

    def breaks(*_: Any, **__: Any) -> Any:
        asked.append(1)
        raise error

    of = type(chests) if broken == "open" else type(chests.open("/bucket/chests/A/0.png"))
    monkeypatch.setattr(of, broken, breaks)
    with pytest.raises(Unreachable, match=told):
        dataset.read(dataset.samples[0], None)
    assert len(asked) == tries


@pytest.mark.parametrize("asked_alone", [{}, {"size": None, "ETag": None}])
def test_files_are_fetched_whose_size_a_listing_does_not_tell(
    asked_alone: dict[str, Any], chests: Any, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    """So is the page of a web server that lists its files."""
    find, info = type(chests).find, type(chests).info

    def bare(self: Any, path: str, **options: Any) -> Any:
        return {name: {"name": name, "size": None} for name in find(self, path, **options)}

    monkeypatch.setattr(type(chests), "find", bare)
    monkeypatch.setattr(
        type(chests), "info", lambda self, path, **o: info(self, path, **o) | asked_alone
    )
    dataset = load_registry().dataset("memory://bucket/chests")
    assert dataset.read(dataset.samples[0], None).shape == (40, 48, 3)
    assert filled(cache) == ["0.png"]
    chests.pipe("/bucket/chests/A/0.png", picture(99))
    again = load_registry().dataset("memory://bucket/chests")
    np.testing.assert_array_equal(
        again.read(again.samples[0], None)[..., 0], np.asarray(Image.open(io.BytesIO(picture(99))))
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Access Denied"), "Give credentials"),
        (type("NoCredentialsError", (Exception,), {})("Unable to locate"), "Give credentials"),
        (FileNotFoundError("The specified bucket does not exist"), "check the address"),
        (ConnectionError("reset"), "Check the connection"),
    ],
)
def test_what_an_address_refuses_is_said(
    error: Exception, told: str, memory: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def find(*_: Any, **__: Any) -> Any:
        asked.append(1)
        raise error

    monkeypatch.setattr(type(memory), "find", find)
    with pytest.raises(Unreachable, match=told):
        load_registry().dataset("memory://bucket")
    assert len(asked) == (remote.TRIES if isinstance(error, ConnectionError) else 1)


def test_addresses_that_lead_nowhere_are_refused(memory: Any) -> None:
    with pytest.raises(Unreachable, match="nothing at"):
        load_registry().dataset("memory://bucket/none")
    with pytest.raises(InvalidSetting, match="no address"):
        load_registry().dataset("nonsense://bucket/none")
    with pytest.raises(UnknownName, match="option"):
        memory.pipe("/b/A/1.png", picture(1))
        memory.pipe("/b/B/2.png", picture(2))
        load_registry().dataset("memory://b?patiens=none")


def test_names_that_lead_out_of_the_folder_are_passed_over(
    chests: Any, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    find = type(chests).find

    def wandering(self: Any, path: str, **options: Any) -> Any:
        return find(self, path, **options) | {"/bucket/chests/../../../out.png": {"size": 3}}

    monkeypatch.setattr(type(chests), "find", wandering)
    assert len(load_registry().dataset("memory://bucket/chests").samples) == 6
    assert not list(cache.rglob("out.png"))


@pytest.mark.parametrize("location", ["C:/data", "phantom", "folder/of::images", "./s3://x", "a:b"])
def test_paths_are_no_addresses(location: str) -> None:
    assert not remote.is_address(location)


def test_files_elsewhere_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "remote" / "a" / "b" / "c.png"
    path.parent.mkdir(parents=True)
    path.touch()
    assert remote.present(path) == path
    assert remote.present(tmp_path / "remote" / "none.png").name == "none.png"
