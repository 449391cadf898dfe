"""Settings searched: what is tried, pruned, resumed and told, with trainings made up and real."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest

from zoo import InvalidSetting, ZooError
from zoo.base import locks
from zoo.base.progress import Silent
from zoo.base.registry import Registry
from zoo.stats.labelled_logits import LabelledLogits
from zoo.training import cells
from zoo.training.cells import Cell, CellResult
from zoo.workflows import experiments
from zoo.workflows.tune import STUDY, Tuning, tune
from zoo.workflows.tuning_gain import gain_sentences

pytest.importorskip("optuna")

SOURCE = "phantom?images=40&size=64"
SEARCH = ["learning_rate=1e-4..1e-1", "dropout=0.0..0.5"]
FIXED = {"weight_decay": "0", "label_smoothing": "0", "augmentation": "none"}


def key_of(cell: Cell, *_: Any) -> str:
    return f"{crc32(repr(cell.settings).encode()):08x}"


class Trainings:
    """Trainings made up: how well a cell tells the classes apart follows from its settings."""

    def __init__(self, strength: Callable[[dict[str, Any]], float]):
        self.strength, self.trained, self.fail_at = strength, list[Cell](), ""

    def train_all(self, plan: Any, folder: Path, **how: Any) -> None:
        for cell in plan:
            if self.fail_at and self.fail_at in dict(cell.settings):
                how["failed"][cell.name] = "The loss became inf."
            self.trained.append(cell)

    def is_done(self, cell: Cell, folder: Path) -> bool:
        return cell in self.trained

    def read_cell(self, cell: Cell, folder: Path) -> CellResult:
        labels = np.arange(80) % 2
        noise = np.random.default_rng([cell.fold, *cell.key.encode()]).normal(size=(80, 2))
        common = np.random.default_rng(cell.fold).normal(size=(80, 2))
        strength = self.strength(dict(cell.settings))
        logits = (0.3 * noise + common + strength * np.eye(2)[labels]).astype(np.float32)
        names = np.array([f"{cell.fold}-{i}" for i in range(80)])
        part = LabelledLogits(logits, labels, names, names)
        return CellResult(cell, part, part, {"temperature": 1.0, "seconds": 1.0})


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Trainings]:
    def put(strength: Callable[[dict[str, Any]], float]) -> Trainings:
        trainings = Trainings(strength)
        monkeypatch.setattr(experiments, "train_all", trainings.train_all)
        monkeypatch.setattr(cells, "is_done", trainings.is_done)
        monkeypatch.setattr(cells, "read_cell", trainings.read_cell)
        monkeypatch.setattr(
            cells, "key_of", lambda cell, *_: f"{crc32(repr(cell.settings).encode()):08x}"
        )
        return trainings

    return put


def tuned(folder: Path, registry: Registry, trials: int = 6, **more: Any) -> Tuning:
    arguments: dict[str, Any] = {"search": SEARCH, "changes": FIXED, "folds": 2, **more}
    return tune("tiny", SOURCE, trials=trials, folder=folder, registry=registry, **arguments)


class Notes(Silent):
    """What a person is told."""

    def __init__(self) -> None:
        self.notes = list[str]()

    def note(self, message: str) -> None:
        self.notes.append(message)


def alike(settings: dict[str, Any]) -> float:
    return 0.8


def by_rate(settings: dict[str, Any]) -> float:
    """Tell best at a rate of 0.001; the settings as they are (0.01) do worse."""
    return 2.5 - 1.2 * abs(np.log10(float(settings.get("learning_rate", 0.01))) + 3)


def test_the_first_trial_has_the_settings_as_they_are_and_the_others_differ(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    trainings = made_up(alike)
    result = tuned(tmp_path, tiny_registry).result
    assert [trial["number"] for trial in result["trials"]] == list(range(6))
    assert result["trials"][0]["settings"] == {}
    assert result["default"]["trial"] == 0
    for trial in result["trials"][1:]:
        assert 1e-4 <= trial["settings"]["learning_rate"] <= 1e-1
        assert 0 <= trial["settings"]["dropout"] <= 0.5
    assert {cell.fold for cell in trainings.trained} == {0, 1}
    assert {cell.seed for cell in trainings.trained} == {0}, "the same division for all"
    assert result["data"] == {"source": "phantom", "images": 160, "patients": 160, "folds": 2}


def test_a_true_gain_is_found_and_said(tmp_path: Path, tiny_registry: Registry, made_up) -> None:
    made_up(by_rate)
    done = tuned(tmp_path, tiny_registry, trials=15)
    result = done.result
    assert 3e-4 < result["best"]["settings"]["learning_rate"] < 3e-3
    assert result["gain"]["corrected"]["low"] > 0
    assert "Tuning gained more than chance" in result["sentences"][1]
    corrected, best = result["corrected"], result["best"]["roc_auc"]
    assert corrected["roc_auc"]["value"] == pytest.approx(best["value"] - corrected["optimism"])
    assert corrected["roc_auc"]["low"] < corrected["roc_auc"]["value"]
    written = shlex.split(done.command)
    assert written[:5] == ["zoo", "train", "tiny", "--data", SOURCE]
    assert f"learning_rate={result['best']['settings']['learning_rate']}" in written
    assert "weight_decay=0" in written
    page = done.page.read_text("utf-8")
    assert "Not a medical device" in page
    assert "gained more than chance" in page
    assert json.loads((done.page.parent / "tuning.json").read_text()) == result


def test_of_settings_that_are_all_alike_no_gain_is_claimed(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    made_up(alike)
    result = tuned(tmp_path, tiny_registry, trials=10).result
    gain = result["gain"]
    assert gain is None or gain["corrected"]["value"] < gain["measured"]["value"]
    assert "Tuning gained more than chance" not in result["sentences"][1]


def test_the_same_call_goes_on_and_more_trials_are_added(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    trainings = made_up(by_rate)
    train_all, asked = trainings.train_all, list[int]()

    def dies(*given: Any, **how: Any) -> None:
        asked.append(1)
        if len(asked) == 4:
            raise KeyboardInterrupt
        train_all(*given, **how)

    experiments.train_all = dies
    with pytest.raises(KeyboardInterrupt):
        tuned(tmp_path, tiny_registry, trials=3)
    assert len(trainings.trained) == 3
    (study,) = tmp_path.rglob(STUDY)
    result = tuned(tmp_path, tiny_registry, trials=3).result
    assert len(result["trials"]) == 3
    keys = [(cell.key, cell.fold) for cell in trainings.trained]
    assert len(set(keys)) == 6, "the trial that was cut short went on with the same settings"
    before = len(trainings.trained)
    more = tuned(tmp_path, tiny_registry, trials=4).result
    assert more["trials"][:3] == result["trials"]
    assert len(more["trials"]) == 4
    assert len(trainings.trained) == before + 2, "nothing was trained again"
    assert list(tmp_path.rglob(STUDY)) == [study]
    tuned(tmp_path, tiny_registry, trials=2, search=["dropout=0.1..0.2"])
    assert len(list(tmp_path.rglob(STUDY))) == 2, "another search is another study"


def test_trials_that_fall_behind_are_given_up(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    made_up(by_rate)
    result = tuned(tmp_path, tiny_registry, trials=20, folds=3).result
    given_up = [trial for trial in result["trials"] if trial["state"] == "pruned"]
    assert given_up
    assert all(1 <= trial["folds"] < 3 for trial in given_up)
    assert result["trials"][0]["state"] == "complete"
    assert result["best"]["trial"] not in [trial["number"] for trial in given_up]
    whole = sum(trial["state"] == "complete" for trial in result["trials"])
    assert result["corrected"]["among"] == whole


def test_settings_that_fail_cost_their_trial_alone(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    trainings = made_up(alike)
    trainings.fail_at = "learning_rate"  # of every trial but the first
    result = tuned(tmp_path, tiny_registry, trials=4).result
    assert [trial["state"] for trial in result["trials"]] == ["complete", *["failed"] * 3]
    assert result["trials"][1]["reason"] == "The loss became inf."
    assert result["best"]["trial"] == 0
    assert result["gain"] is None
    assert "tuning gained nothing" in result["sentences"][1]


def test_where_the_settings_as_they_are_fail_nothing_is_searched(
    tmp_path: Path, tiny_registry: Registry, made_up
) -> None:
    trainings = made_up(alike)
    trainings.fail_at = "weight_decay"  # which is set for all
    with pytest.raises(ZooError, match="With the settings as they are the training failed"):
        tuned(tmp_path, tiny_registry)
    assert len(trainings.trained) == 1
    trainings.fail_at = ""
    assert len(tuned(tmp_path, tiny_registry).result["trials"]) == 6, "mended, it goes on"


def test_trials_side_by_side_are_all_told(tmp_path: Path, tiny_registry: Registry, made_up) -> None:
    made_up(by_rate)
    result = tuned(tmp_path, tiny_registry, trials=7, jobs=3).result
    assert [trial["number"] for trial in result["trials"]] == list(range(7))
    rates = [trial["settings"].get("learning_rate") for trial in result["trials"]]
    assert len(set(rates)) == 7
    alone = tuned(tmp_path / "alone", tiny_registry, trials=7).result
    drawn = [[trial["settings"] for trial in one["trials"]] for one in (alone, result)]
    assert drawn[0] == drawn[1], "jobs make no difference to random settings"


def test_the_trials_that_run_are_told(tmp_path: Path, tiny_registry: Registry, made_up) -> None:
    made_up(by_rate)
    told = Notes()
    tuned(tmp_path, tiny_registry, trials=3, jobs=2, progress=told)
    assert "Trials 1 to 2 of 3, fold 2 of 2" in told.notes
    assert "Trial 3 of 3, fold 1 of 2" in told.notes
    again = Notes()
    tuned(tmp_path, tiny_registry, trials=4, progress=again)
    assert "Done before: 3 of 4 trials." in again.notes
    assert "Trial 4 of 4, fold 1 of 2" in again.notes


def test_one_process_at_a_time_tunes(
    tmp_path: Path, tiny_registry: Registry, made_up, monkeypatch: pytest.MonkeyPatch
) -> None:
    from contextlib import nullcontext

    from zoo.workflows import tune as module

    made_up(alike)
    assert module.holding is locks.holding
    monkeypatch.setattr(module, "holding", lambda *_, **__: nullcontext(False))
    with pytest.raises(InvalidSetting, match="Another process tunes the same"):
        tuned(tmp_path, tiny_registry)


@pytest.mark.parametrize(
    "wrong",
    [
        {"trials": 1},
        {"folds": 1},
        {"budget": 0},
        {"search": ["learning_rate=nothing"]},
        {"changes": {**FIXED, "seed": "3"}},
        {"jobs": 0},
    ],
)
def test_what_cannot_work_is_refused_before_anything(
    wrong: dict[str, Any], tmp_path: Path, tiny_registry: Registry
) -> None:
    with pytest.raises(InvalidSetting):
        tuned(tmp_path, tiny_registry, **{"trials": 3, **wrong})
    assert not list(tmp_path.iterdir())


def test_without_an_interval_the_gain_is_open() -> None:
    area = {"value": 0.9, "low": 0.8, "high": 0.95}
    found = {
        "best": {"trial": 1, "roc_auc": area},
        "corrected": {"roc_auc": area, "among": 2},
        "gain": {"corrected": {"value": 0.1, "low": None, "high": None}},
    }
    assert "cannot be told (+0.100)" in gain_sentences(found, 2, 0)[1]


@pytest.mark.slow
def test_the_command_is_killed_and_goes_on(tmp_path: Path) -> None:
    """The first training is on the disk when the command is killed, and is not trained again."""
    command = [sys.executable, "-m", "zoo", "tune", "scratch", "--trials", "3", "--folds", "2"]
    command += ["--data", "phantom?images=60&size=64", "--epochs", "1", "--input", "32"]
    command += ["--search", "learning_rate=1e-4..1e-2", "--runs", str(tmp_path), "--json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as killed:  # noqa: S603
        assert killed.stderr is not None
        for line in killed.stderr:
            if "Training 1 of 1" in line and list(tmp_path.rglob(cells.SUMMARY)):
                killed.kill()
                break
    done = list(tmp_path.rglob(cells.SUMMARY))
    assert done
    assert not list(tmp_path.rglob("tuning.json"))
    when = {path: path.stat().st_mtime_ns for path in done}
    again = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert again.returncode == 0, again.stderr
    result = json.loads(again.stdout)
    assert [trial["state"] for trial in result["trials"]] == ["complete"] * 3
    assert all(path.stat().st_mtime_ns == when[path] for path in done)
    assert len(list(tmp_path.rglob(cells.SUMMARY))) == 6
    assert result["train"][:3] == ["zoo", "train", "scratch"]
