"""A check, a training and reports by the workers of a cluster are those of this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_workers import local

import zoo
from zoo import InvalidSetting
from zoo.report.cases.index import Entry

pytest.importorskip("distributed")

SOURCE = "phantom?images=60&size=64"


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with local(2, processes=True) as workers:
        yield workers.scheduler_address


def on(scheduler: str) -> dict[str, Any]:
    return {"backend": "dask", "scheduler": scheduler}


def rounded(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out what depends on the machine: the seconds, and the last digits."""
    text = json.dumps({**result, "seconds": 0})
    return json.loads(text, parse_float=lambda number: round(float(number), 3))


@pytest.mark.parametrize("wrong", [{"backend": "dask"}, {"scheduler": "tcp://127.0.0.1:1"}])
def test_a_backend_without_its_address_is_refused_before_anything(wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidSetting, match="together"):
        zoo.check("nothing", **wrong)
    with pytest.raises(InvalidSetting, match="together"):
        zoo.train("nothing", "nothing", **wrong)
    with pytest.raises(InvalidSetting, match="together"):
        zoo.resume("nothing", **wrong)


@pytest.mark.slow
def test_a_check_finds_the_same(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "here"))
    here = zoo.check(SOURCE).result
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "shared"))
    there = zoo.check(SOURCE, **on(scheduler)).result
    assert list((tmp_path / "shared").rglob("*.rows.npy"))
    assert rounded(there) == rounded(here)


@pytest.mark.slow
def test_a_training_on_features_of_workers_gives_the_same_scores(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = []
    for place, asked in {"here": {}, "there": on(scheduler)}.items():
        monkeypatch.setenv("ZOO_CACHE", str(tmp_path / place))
        run = zoo.train(
            "efficientnet",
            SOURCE,
            changes={"epochs": 2, "views": 1, "frame": "whole"},
            input_shape=(64, 64, 3),
            folder=tmp_path / "runs" / place,
            **asked,
        )
        runs.append(run)
    ours, theirs = (np.load(run.path / "test.npz")["logits"] for run in runs)
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_folder_is_explained_by_workers(
    scheduler: str, trained: Any, picture: Any, tmp_path: Path
) -> None:
    for number in range(10):
        picture(f"images/{number}.png", seed=number)
    made = zoo.explain(
        [tmp_path / "images"],
        trained,
        methods=["gradcam"],
        trust=False,
        formats=["json"],
        output=tmp_path / "out",
        **on(scheduler),
    )
    names = sorted(Path(entry.path).name for entry in made if isinstance(entry, Entry))
    assert names == [f"{number}.png" for number in range(10)]
    assert len(list((tmp_path / "out").iterdir())) >= 10
