"""Public sets by name: fetched, checked, unpacked, and read by the readers as they are."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import BadInput, UnknownName, ZooError
from zoo.base.progress import SILENT
from zoo.base.registry import load_registry
from zoo.cli import main
from zoo.data import catalogue
from zoo.workflows import fetch_data as module
from zoo.workflows.fetch_data import fetch_data, unpack

Monkey = pytest.MonkeyPatch


def picture(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (32, 32), value).save(buffer, "PNG")
    return buffer.getvalue()


def zipped(names: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def given(monkeypatch: Monkey, content: bytes) -> list[str]:
    """Let every fetch give this content; return the addresses that are asked for."""
    asked: list[str] = []

    def fetch(url: str, path: Path, **_: Any) -> str:
        asked.append(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return hashlib.md5(content, usedforsecurity=False).hexdigest()

    monkeypatch.setattr(module.downloads, "fetch", fetch)
    return asked


def test_every_set_has_an_address_a_licence_and_a_source() -> None:
    known = catalogue.entries()
    assert {"pneumoniamnist", "breastmnist_224", "chestmnist_64", "chest-xray"} <= set(known)
    for name, entry in known.items():
        assert entry.name == name
        assert entry.address.startswith("https://")
        assert entry.file.startswith(("https://", "kaggle:"))
        assert entry.licence.startswith("CC BY")
        assert entry.source
        if "mnist" in name:
            assert len(entry.md5) == 32
            assert entry.file_name == f"{name}.npz"
    assert len({e.md5 for e in known.values() if e.md5}) == 48


def test_an_archive_of_arrays_is_what_data_takes(monkeypatch: Monkey, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    arrays = {
        f"{part}_{kind}": np.zeros((20, 28, 28), np.uint8)
        if kind == "images"
        else np.arange(20)[:, None] % 2
        for part in ("train", "val", "test")
        for kind in ("images", "labels")
    }
    np.savez(buffer, **arrays)
    asked = given(monkeypatch, buffer.getvalue())
    fetched = fetch_data("pneumoniamnist", tmp_path)
    dataset = load_registry().dataset(str(fetched.source))
    assert dataset.class_names == ("normal", "pneumonia")
    assert fetch_data("pneumoniamnist", tmp_path).source == fetched.source
    assert len(asked) == 1


def test_an_archive_of_folders_is_unpacked_once(monkeypatch: Monkey, tmp_path: Path) -> None:
    names = {
        f"chest_xray/train/{label}/{label}-{i}.png": picture(i * 9)
        for label in ("NORMAL", "PNEUMONIA")
        for i in range(4)
    }
    asked = given(monkeypatch, zipped(names))
    fetched = fetch_data("chest-xray", tmp_path)
    assert fetched.source == tmp_path / "chest-xray" / "chest_xray"
    assert load_registry().dataset(str(fetched.source)).class_names == ("NORMAL", "PNEUMONIA")
    fetch_data("chest-xray", tmp_path)
    assert len(asked) == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["chest-xray"]


def test_what_would_fill_the_disk_or_is_damaged_is_refused(
    monkeypatch: Monkey, tmp_path: Path
) -> None:
    content = zipped({"a.png": bytes(5000)})
    (tmp_path / "a.zip").write_bytes(content)
    monkeypatch.setattr(module, "LARGEST", 4999)
    with pytest.raises(
        BadInput, match=r"would unpack to 5,000 bytes; expected at most 4,999\. Remove it"
    ):
        unpack(tmp_path / "a.zip", tmp_path / "folder", SILENT)
    (tmp_path / "a.zip").write_bytes(content[:-40])
    with pytest.raises(BadInput, match="fetch it again"):
        unpack(tmp_path / "a.zip", tmp_path / "folder", SILENT)
    assert not (tmp_path / "folder").exists()


def test_kaggle_is_asked_through_its_own_client(monkeypatch: Monkey, tmp_path: Path) -> None:
    monkeypatch.setattr(module.shutil, "which", lambda _: None)
    with pytest.raises(ZooError, match="pip install kaggle"):
        fetch_data("kaggle:someone/knees", tmp_path)
    asked: list[list[str]] = []

    def run(command: list[str], **_: Any) -> Any:
        asked.append(command)
        (tmp_path / "knees.zip").write_bytes(zipped({"NORMAL/a.png": picture(3)}))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(module.shutil, "which", lambda _: "/bin/kaggle")
    monkeypatch.setattr(module.subprocess, "run", run)
    fetched = fetch_data("kaggle:someone/knees", tmp_path)
    assert asked[0][1:5] == ["datasets", "download", "-d", "someone/knees"]
    assert (fetched.source / "NORMAL" / "a.png").is_file()


def test_a_client_of_kaggles_that_fails_leaves_nothing(monkeypatch: Monkey, tmp_path: Path) -> None:
    def run(command: list[str], **_: Any) -> Any:
        assert Path(command[-1]).is_dir()
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(module.shutil, "which", lambda _: "/bin/kaggle")
    monkeypatch.setattr(module.subprocess, "run", run)
    with pytest.raises(ZooError, match="exit code 1"):
        fetch_data("kaggle:someone/knees", tmp_path / "new" / "data")
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_name_gets_the_closest() -> None:
    with pytest.raises(UnknownName, match="'breastmnist'"):
        fetch_data("brestmnist")


def test_the_commands_list_and_get(monkeypatch: Monkey, tmp_path: Path) -> None:
    listed = json.loads(CliRunner().invoke(main, ["data", "list", "breast*", "--json"]).stdout)
    assert {one["name"] for one in listed} >= {"breastmnist", "breastmnist_64"}
    given(monkeypatch, zipped({"chest_xray/train/NORMAL/a.png": picture(1)}))
    result = CliRunner().invoke(main, ["data", "get", "chest-xray", "--folder", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "names no checksum" in result.stdout
    assert f"--data {tmp_path / 'chest-xray' / 'chest_xray'}" in result.stdout
    assert "CC BY 4.0" in result.stdout
