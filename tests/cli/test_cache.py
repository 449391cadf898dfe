from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from zoo.base.progress import SILENT
from zoo.base.shards import Shards
from zoo.cli import main


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with pictures, features and a localiser, and a file that is none of these."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    pictures = np.zeros((2, 100, 100, 1), np.uint8)
    Shards(tmp_path / "pixels" / "3-100x100" / "gray", SILENT, np.uint8).append("ab", pictures)
    Shards(tmp_path / "features" / "key", SILENT).append("ab", np.zeros((2, 5), np.float32))
    (tmp_path / "localisers").mkdir()
    (tmp_path / "localisers" / "one.npz").write_bytes(b"1234")
    (tmp_path / "mine.txt").write_text("mine")
    return tmp_path


def run(*given: str) -> Result:
    return CliRunner().invoke(main, ["cache", *given])


def listed() -> dict[str, tuple[int, int]]:
    kinds = json.loads(run("--json").output)["kinds"]
    return {one["kind"]: (one["files"], one["bytes"]) for one in kinds}


def test_what_is_kept_is_listed_by_kind(folder):
    kinds = listed()
    assert kinds["localisers"] == (1, 4)
    assert kinds["archives"] == (0, 0)
    assert kinds["pixels"][0] == 2
    assert kinds["pixels"][1] > 20_000 > kinds["features"][1] > 0
    shown = run().output
    assert str(folder) in shown.replace("\n", "")
    assert "pictures" in shown


def test_one_kind_is_removed_or_all_but_never_what_is_not_its_own(folder):
    assert run("clear", "pixels").exit_code == 0
    assert listed()["pixels"] == (0, 0)
    assert listed()["features"][0] == 2
    assert run("clear").exit_code == 0
    assert all(files == 0 for files, _ in listed().values())
    assert (folder / "mine.txt").read_text() == "mine"


def test_a_limit_removes_until_it_is_met(folder, monkeypatch):
    monkeypatch.setattr("zoo.base.shards._in_use", set())  # as in another process
    assert run("--limit", "1GB").exit_code == 0
    assert listed()["pixels"][0] == 2
    assert run("--limit", "10KB").exit_code == 0
    kinds = listed()
    assert kinds["pixels"][1] + kinds["features"][1] <= 10_000
    assert kinds["localisers"] == (1, 4)


@pytest.mark.parametrize("given", [("clear", "pictures"), ("--limit", "much"), ("--limit", "-1")])
def test_what_cannot_be_meant_is_told(folder, given):
    before = listed()
    done = run(*given)
    assert done.exit_code == 2
    assert listed() == before
