from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from zoo import hookimpl
from zoo.base.registry import load_registry
from zoo.cli import main
from zoo.workflows import doctor as module
from zoo.workflows.doctor import BROKEN, NOTE, OK, Examined, doctor

Monkey = pytest.MonkeyPatch


def named(name: str, examined: list[Examined]) -> Examined:
    return next(one for one in examined if one.name == name)


def test_here_all_is_well_and_the_smallest_network_is_used_whole(tmp_path: Path) -> None:
    examined = doctor(folder=tmp_path)
    assert [one.name for one in examined if one.status == BROKEN] == []
    assert "saved, loaded and explained by 'gradcam'" in named("self-test", examined).found


def test_a_package_that_is_too_old_is_named_with_what_is_wanted(monkeypatch: Monkey) -> None:
    true = importlib.metadata.version
    old = {"numpy": "1.2.0"}
    monkeypatch.setattr(importlib.metadata, "version", lambda n: old.get(n) or true(n))
    packages = named("packages", doctor(self_test=False))
    assert packages.status == BROKEN
    assert "numpy>=2.0 (there is 1.2.0)" in packages.found
    assert "tensorflow" not in packages.found
    assert "pip install" in packages.remedy


def test_an_extra_that_is_absent_is_a_note_with_its_command(monkeypatch: Monkey) -> None:
    true = importlib.metadata.version

    def version(name: str) -> str:
        if name == "tf2onnx":
            raise importlib.metadata.PackageNotFoundError(name)
        return true(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    extras = named("extras", doctor(self_test=False))
    assert extras.status == NOTE
    assert "export (lacks tf2onnx)" in extras.found
    assert "xray-zoo[export" in extras.remedy
    assert "dask" in extras.found.partition("Absent")[0]


def test_a_broken_plugin_is_told_with_its_reason() -> None:
    @hookimpl
    def zoo_architectures() -> list[object]:
        return [3]

    stranger = SimpleNamespace(__name__="stranger", zoo_architectures=zoo_architectures)
    plugins = named("plugins", doctor(self_test=False, registry=load_registry(stranger)))
    assert plugins.status == BROKEN
    assert "stranger" in plugins.found


def test_a_folder_that_cannot_be_written_to_is_broken(tmp_path: Path, monkeypatch: Monkey) -> None:
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    runs = named("runs", doctor(self_test=False, folder=tmp_path / "runs"))
    assert (runs.status, "ZOO_RUNS" in runs.remedy) == (BROKEN, True)
    assert not (tmp_path / "runs").exists()


def test_little_room_is_a_note(tmp_path: Path, monkeypatch: Monkey) -> None:
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**6))
    assert named("runs", doctor(self_test=False, folder=tmp_path)).status == NOTE


def test_a_network_that_cannot_be_built_is_told_and_ends_with_one(monkeypatch: Monkey) -> None:
    def fails(_registry: object) -> str:
        raise RuntimeError("no such kernel")

    monkeypatch.setattr(module, "_self_test", fails)
    monkeypatch.setattr(module, "_devices", lambda: Examined("tensorflow", OK, "imported"))
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "no such kernel" in result.stdout
    assert "pip install --force-reinstall" in result.stdout


def test_without_the_self_test_nothing_heavy_is_imported() -> None:
    result = CliRunner().invoke(main, ["doctor", "--no-self-test", "--json"])
    assert result.exit_code == 0
    names = {one["name"] for one in json.loads(result.stdout)}
    assert {"python", "runs"} <= names
    assert not names & {"tensorflow", "self-test"}
