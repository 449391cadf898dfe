"""A run behind an address is used as one in a folder, once its files were found to be whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import zoo
from zoo import DamagedRun, InvalidSetting, Unreachable
from zoo.runs.run_folder import Run

fsspec = pytest.importorskip("fsspec")


@pytest.fixture
def bucket(trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    system = fsspec.filesystem("memory")
    for path in trained.path.rglob("*"):
        if path.is_file():
            system.pipe(f"/runs/mine/{path.relative_to(trained.path)}", path.read_bytes())
    yield system
    system.store.clear()
    system.pseudo_dirs[:] = [""]


def test_it_answers_as_the_run_does(bucket: Any, trained: Run, picture: Any) -> None:
    image = picture("one.png")
    (theirs,) = zoo.predict([image], zoo.open_run("memory://runs/mine"))
    (ours,) = zoo.predict([image], trained)
    assert theirs.probabilities == ours.probabilities


def test_a_file_that_was_altered_there_is_refused(bucket: Any) -> None:
    zoo.open_run("memory://runs/mine")
    bucket.pipe("/runs/mine/model.keras", b"another")
    with pytest.raises(DamagedRun, match=r"model\.keras"):
        zoo.open_run("memory://runs/mine")


def test_one_that_is_not_there_is_said_and_none_is_trained_there(bucket: Any) -> None:
    with pytest.raises(Unreachable, match="nothing at"):
        zoo.open_run("memory://runs/yours")
    with pytest.raises(InvalidSetting, match="Fetch the run first"):
        zoo.resume("memory://runs/mine")
