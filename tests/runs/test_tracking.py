"""Trainings that are told to a tracker, which may fail at any time: they never do for that."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from zoo import DISCLAIMER, InvalidSetting, UnknownName, Unreachable
from zoo.base.progress import Silent
from zoo.runs import mlflow_store, tracking
from zoo.runs.history import write_history
from zoo.runs.mlflow_store import Store
from zoo.runs.run_folder import Run
from zoo.runs.tracking import FILE, About, Tracked

ADDRESS = "http://tracker"
ROWS = [{"epoch": n, "phase": "head", "loss": 1 / n, "val_roc_auc": math.nan} for n in (1, 2, 3)]


class Heard(Silent):
    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.notes: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def note(self, message: str) -> None:
        self.notes.append(message)


class Memory:
    """A store that remembers, and answers nothing while it is `down`."""

    address = ADDRESS
    way_to_look = ADDRESS

    def __init__(self) -> None:
        self.down = False
        self.runs: dict[str, dict[str, Any]] = {}

    def _answer(self) -> None:
        if self.down:
            raise Unreachable("MLflow is not there.")

    def start(self, name, parameters, tags) -> str:
        self._answer()
        run_id = f"{len(self.runs):032x}"
        self.runs[run_id] = {"name": name, "parameters": parameters, "tags": tags}
        self.runs[run_id] |= {"figures": [], "files": {}, "status": "RUNNING"}
        return run_id

    def go_on(self, run_id) -> int:
        self._answer()
        self.runs[run_id]["status"] = "RUNNING"
        return max((step for step, _ in self.runs[run_id]["figures"]), default=0)

    def log(self, run_id, figures, step=0) -> None:
        self._answer()
        self.runs[run_id]["figures"].append((step, figures))

    def send(self, run_id, folder, names) -> None:
        self._answer()
        self.runs[run_id]["files"] |= {name: (folder / name).read_bytes() for name in names}

    def end(self, run_id, status) -> None:
        self._answer()
        self.runs[run_id]["status"] = status


@pytest.fixture
def store() -> Memory:
    return Memory()


def tracked(store: Any, folder: Path, heard: Heard | None = None) -> Tracked:
    about = About("one", {"epochs": "3"}, {"a": "b"})
    return Tracked(store, folder, about, heard or Heard(), "zoo runs track one")


def test_each_epoch_is_told_once_and_all_files_at_the_end(store: Memory, tmp_path: Path) -> None:
    with tracked(store, tmp_path) as told:
        for number in range(1, len(ROWS) + 1):
            told.epochs(ROWS[:number])
        (run,) = store.runs.values()
        assert run["status"] == "RUNNING"
        assert [step for step, _ in run["figures"]] == [1, 2, 3]
        (tmp_path / "evaluation").mkdir()
        for name in ("model.keras", "evaluation/report.html", "checkpoint.npz", ".partial-1-x"):
            (tmp_path / name).write_text(name)
        told.finish({"test.roc_auc": 0.5})
    assert run["status"] == "FINISHED"
    assert run["figures"][-1] == (0, {"test.roc_auc": 0.5})
    assert run["figures"][0] == (1, {"loss": 1.0})  # no words, nothing that is no number
    assert sorted(run["files"]) == ["evaluation/report.html", "model.keras"]


def test_a_training_that_goes_on_tells_what_is_new_in_the_same_run(
    store: Memory, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt), tracked(store, tmp_path) as told:
        told.epochs(ROWS[:1])
        raise KeyboardInterrupt
    (run,) = store.runs.values()
    assert run["status"] == "KILLED"
    with tracked(store, tmp_path) as told:
        assert run["status"] == "RUNNING"
        told.epochs(ROWS)
        told.finish({})
    assert len(store.runs) == 1
    assert [step for step, _ in run["figures"] if step] == [1, 2, 3]


def test_a_training_that_fails_is_told_so(store: Memory, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="loss"), tracked(store, tmp_path):
        raise ValueError("loss")
    assert [run["status"] for run in store.runs.values()] == ["FAILED"]


@pytest.mark.parametrize("begun", [False, True])
def test_a_tracker_that_is_down_costs_a_sentence_and_gets_everything_when_it_is_back(
    store: Memory, tmp_path: Path, begun: bool
) -> None:
    heard = Heard()
    store.down = not begun
    with tracked(store, tmp_path, heard) as told:
        told.epochs(ROWS[:1])
        store.down = True
        told.epochs(ROWS[:2])
        told.epochs(ROWS)
        (warning,) = heard.warnings
        assert "zoo runs track one" in warning
        write_history(tmp_path / "history.csv", ROWS)
        store.down = False
        told.finish({"temperature": 1.0})
    (run,) = store.runs.values()
    assert [step for step, _ in run["figures"]] == [1, 2, 3, 0]
    assert (run["status"], len(heard.warnings)) == ("FINISHED", 1)


def test_a_tracker_that_stays_down_changes_nothing(store: Memory, tmp_path: Path) -> None:
    heard, store.down = Heard(), True
    with tracked(store, tmp_path, heard) as told:
        told.epochs(ROWS)
        told.finish({})
    assert len(heard.warnings) == 2  # when it began, and that nothing of it is there
    assert not (tmp_path / FILE).exists()


def test_without_a_tracker_nothing_is_written(tmp_path: Path) -> None:
    with tracked(None, tmp_path) as told:
        told.epochs(ROWS)
        told.finish({})
    assert list(tmp_path.iterdir()) == []


def test_parts_are_told_once_and_no_more_when_one_cannot_be(store: Memory, tmp_path: Path) -> None:
    with tracked(store, tmp_path) as above:
        for name in ("a", "b", "a"):
            (tmp_path / name).mkdir(exist_ok=True)
            above.part(tmp_path / name, About(name, {}), {"loss": 1.0})
        store.down = True
        for name in ("c", "d"):
            (tmp_path / name).mkdir()
            above.part(tmp_path / name, About(name, {}), {})
        assert not above.heard
    parent, *parts = store.runs.items()
    assert [run["name"] for _, run in parts] == ["a", "b"]
    assert {run["tags"]["mlflow.parentRunId"] for _, run in parts} == {parent[0]}


def test_another_address_is_another_run(store: Memory, tmp_path: Path) -> None:
    with tracked(store, tmp_path):
        pass
    store.address = "http://other"
    with tracked(store, tmp_path):
        pass
    assert len(store.runs) == 2
    assert json.loads((tmp_path / FILE).read_text())["address"] == "http://other"


def test_a_damaged_note_of_the_tracker_is_as_none(store: Memory, tmp_path: Path) -> None:
    for content in ("{", "[]", '{"address": "x"}', "null"):
        (tmp_path / FILE).write_text(content)
        assert tracking.recorded(tmp_path) == {}


def test_what_is_told_of_a_run(trained: Run) -> None:
    about = tracking.about_run(trained.name, trained.record)
    parameters = about.parameters
    assert parameters["architecture"] == "tiny"
    assert parameters["option.dropout"] == "0.1"
    assert parameters["recipe.learning_rate"] == "0.01"
    assert DISCLAIMER in about.tags["mlflow.note.content"]
    assert "Synthetic" in about.tags["mlflow.note.content"]
    figures = tracking.figures_of(trained)
    assert figures["test.roc_auc"] == trained.metrics()["test"]["metrics"]["roc_auc"]["value"]
    assert figures["training.best_epoch"] in (1, 2)
    assert all(math.isfinite(value) for value in figures.values())


def test_names_have_the_letters_that_a_tracker_takes() -> None:
    assert tracking.finite({"keras:VGG16.roc_auc é": 1, "x": True}) == {
        "keras_VGG16.roc_auc _": 1.0,
        "x": 1.0,
    }


def test_an_unknown_tracker_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Known: mlflow"):
        tracking.chosen("wandb", tmp_path, Heard())


def test_without_mlflow_the_way_to_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlflow_store.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InvalidSetting, match=r"pip install 'xray-zoo\[mlflow\]'"):
        tracking.chosen("mlflow", tmp_path, Heard())
    (tmp_path / FILE).write_text(json.dumps({"address": ADDRESS, "run_id": "1"}))
    heard = Heard()  # a training that was tracked elsewhere goes on, and says that it is not
    assert tracking.chosen(None, tmp_path, heard, tmp_path) is None
    assert "not installed" in heard.notes[0]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow_store.importlib.util, "find_spec", lambda name: True)


@pytest.mark.usefixtures("installed")
def test_the_address_never_shows_a_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://me:secret@tracker:5000/path")
    assert Store(tmp_path).address == "https://tracker:5000/path"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://tracker:5000")
    assert Store(tmp_path).address == "https://tracker:5000"


@pytest.mark.usefixtures("installed")
def test_no_password_is_in_what_is_said_of_a_server_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "https://me:secret@tracker:5000/path"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    store = Store(tmp_path)

    def refuse() -> None:
        raise ConnectionError(f"no route to {address}/api")

    monkeypatch.setattr(store, "_opened", refuse)
    with pytest.raises(Unreachable, match="no route to https://tracker:5000/path/api") as told:
        store.name_of("1")
    assert "secret" not in str(told.value)


@pytest.mark.usefixtures("installed")
def test_without_a_server_the_database_lies_beside_the_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)
    expected = f"sqlite:///{(tmp_path / 'runs' / '.mlflow' / 'mlflow.db').as_posix()}"
    assert Store(Path("runs")).address == expected
    assert not (tmp_path / "runs").exists()


@pytest.mark.usefixtures("installed")
def test_a_training_that_was_tracked_goes_on_so_at_the_same_address_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", ADDRESS)
    assert tracking.chosen(None, tmp_path, Heard(), tmp_path) is None
    (tmp_path / FILE).write_text(json.dumps({"address": ADDRESS, "run_id": "1"}))
    assert tracking.chosen(None, tmp_path, Heard(), tmp_path) is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://other")
    heard = Heard()
    assert tracking.chosen(None, tmp_path, heard, tmp_path) is None
    assert ADDRESS in heard.notes[0]
