"""Runs that are told to MLflow and come back whole, from a database and from a server."""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo import DamagedRun, InvalidSetting, UnknownName, Unreachable
from zoo.base.progress import SILENT
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.runs import run_folder
from zoo.runs.mlflow_store import Store
from zoo.workflows import track_runs
from zoo.workflows.compare import compare
from zoo.workflows.predict import predict
from zoo.workflows.track_runs import fetch_run, track_run
from zoo.workflows.train import resume, train

SOURCE = "phantom?images=80&size=64"
ID = "0123456789abcdef" * 2
needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None or importlib.util.find_spec("sqlalchemy") is None,
    reason="MLflow is not installed: pip install 'xray-zoo[mlflow]'",
)


class Given:
    """A store with the files of one folder."""

    address = "http://tracker"

    def __init__(self, folder: Path, name: str) -> None:
        self._folder, self._name = folder, name

    def __call__(self, root: Path) -> Given:
        return self

    def name_of(self, run_id: str) -> str:
        return self._name

    def fetch(self, run_id: str, folder: Path) -> None:
        for path in self._folder.iterdir():
            if path.is_file():
                (folder / path.name).write_bytes(path.read_bytes())


def test_a_run_comes_back_under_its_name_or_another(
    run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track_runs, "Store", Given(run_copy, "copy"))
    there = tmp_path / "elsewhere"
    fetched = fetch_run(f"mlflow:{ID}", folder=there)
    assert fetched.path == there / "copy"
    assert fetched.record == run_folder.open_run("copy", there).record
    with pytest.raises(InvalidSetting, match="is taken"):
        fetch_run(f"mlflow:{ID}", folder=there)
    assert fetch_run(f"mlflow:{ID}", "second", folder=there).path == there / "second"
    assert sorted(path.name for path in there.iterdir()) == ["copy", "second"]


@pytest.mark.parametrize("name", ["../out", ".hidden", "experiments", ""])
def test_a_name_from_the_tracker_leads_nowhere_else(
    run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(track_runs, "Store", Given(run_copy, name))
    with pytest.raises(InvalidSetting, match="cannot be the name"):
        fetch_run(f"mlflow:{ID}", folder=tmp_path / "there")
    assert not (tmp_path / "there").exists()


@pytest.mark.parametrize("damage", ["altered", "missing", "no run"])
def test_what_is_no_whole_run_is_not_kept(
    run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    if damage == "altered":
        (run_copy / "model.keras").write_bytes(b"something else")
    else:
        (run_copy / {"missing": "validation.npz", "no run": "run.json"}[damage]).unlink()
    monkeypatch.setattr(track_runs, "Store", Given(run_copy, "copy"))
    with pytest.raises(DamagedRun, match=f"mlflow:{ID}"):
        fetch_run(f"mlflow:{ID}", folder=tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("source", ["mlflow:", "mlflow:ABC", f"wandb:{ID}", ID, f"mlflow:{ID}/.."])
def test_other_sources_are_refused(source: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="Expected mlflow:RUN_ID"):
        fetch_run(source, folder=tmp_path)


def test_an_unknown_run_is_not_tracked(tmp_path: Path) -> None:
    with pytest.raises(UnknownName):
        track_run("nothing", folder=tmp_path)


def test_the_database_lies_beside_a_run_that_is_named_by_its_path(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(
        track_runs.tracking, "chosen", lambda track, root, progress: asked.append(root)
    )
    with pytest.raises(InvalidSetting):
        track_run(run_copy, progress=SILENT)
    assert asked == [run_copy.parent]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not try for long what cannot be reached, nor use a server of the user's."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")


@needs_mlflow
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_training_is_in_the_database_beside_the_runs_and_comes_back(
    tiny_registry: Registry, tmp_path: Path, picture: Callable[..., Path]
) -> None:
    runs = tmp_path / "runs"
    given: dict[str, Any] = {"folder": runs, "registry": tiny_registry, "progress": SILENT}
    run = train("tiny", SOURCE, track="mlflow", **given)
    run_id = track_runs.tracking.recorded(run.path)["run_id"]
    there = Store(runs)
    with there._asked() as client:
        kept = client.get_run(run_id)
        losses = client.get_metric_history(run_id, "val_loss")
    assert (kept.info.status, kept.info.run_name) == ("FINISHED", run.name)
    assert [one.step for one in losses] == [1, 2]
    assert kept.data.params["architecture"] == "tiny"
    area = run.metrics()["test"]["metrics"]["roc_auc"]["value"]
    assert kept.data.metrics["test.roc_auc"] == pytest.approx(area)
    assert run_folder.listing(runs) == [run_folder.read(run.path)]  # the database is no run

    fetched = fetch_run(f"mlflow:{run_id}", "back", folder=runs)
    image = picture("one.png")
    answers = [next(iter(predict([image], one))).probabilities for one in (run, fetched)]
    np.testing.assert_array_equal(*(list(one.values()) for one in answers))
    with pytest.raises(Unreachable):
        fetch_run(f"mlflow:{ID}", folder=runs)

    sent = track_run(fetched.name, folder=runs, progress=SILENT)
    assert sent == run_id  # where it came from


@needs_mlflow
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_the_trainings_of_a_comparison_are_runs_below_one(
    tiny_registry: Registry, tmp_path: Path
) -> None:
    small: dict[str, Any] = {
        "changes": {"epochs": 1},
        "input_shape": (32, 32, 3),
        "folder": tmp_path,
        "registry": tiny_registry,
        "progress": SILENT,
    }
    for _ in range(2):  # the second one finds everything there
        done = compare(["tiny"], SOURCE, folds=2, track="mlflow", **small)
    with Store(tmp_path)._asked() as client:
        found = client.search_runs([client.get_experiment_by_name("xray-zoo").experiment_id])
    inner = [run for run in found if "mlflow.parentRunId" in run.data.tags]
    (above,) = [run for run in found if run not in inner]
    assert len(inner) == 2
    assert {run.data.tags["mlflow.parentRunId"] for run in inner} == {above.info.run_id}
    assert {run.info.status for run in found} == {"FINISHED"}
    area = done.result["entries"][0]["roc_auc"]["value"]
    assert above.data.metrics["tiny.roc_auc"] == pytest.approx(area)


@needs_mlflow
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_server_that_is_down_costs_a_training_nothing(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:  # nobody listens there
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{taken.getsockname()[1]}")
        run = train(
            "tiny",
            SOURCE,
            track="mlflow",
            folder=tmp_path,
            registry=tiny_registry,
            progress=SILENT,
        )
        assert run_folder.open_run(run.path).done
        with pytest.raises(Unreachable, match="does not answer"):
            track_run(run.path, progress=SILENT)


@pytest.fixture
def server(tmp_path: Path, until: Callable[..., Any]) -> Iterator[str]:
    """Serve MLflow, which needs the whole package, on a free port; give its address."""
    for package in ("flask_cors", "mlflow"):
        pytest.importorskip(package)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/there.db"]
    command += ["--artifacts-destination", str(tmp_path / "there")]
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with subprocess.Popen(  # noqa: S603
        command, cwd=tmp_path, env=quiet, start_new_session=True
    ) as process:

        def healthy() -> bool:
            assert process.poll() is None
            try:
                with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:  # noqa: S310
                    return bool(answer.status == 200)
            except OSError:
                return False

        try:
            until(healthy)
            yield address
        finally:
            os.killpg(process.pid, 15)


@needs_mlflow
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_a_training_that_was_killed_goes_on_at_a_server(
    server: str,
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    runs = tmp_path / "runs"
    given: dict[str, Any] = {"folder": runs, "registry": tiny_registry, "progress": SILENT}

    class Stopping(type(SILENT)):  # type: ignore[misc]
        def epoch(self, row: Any, epochs: int) -> None:
            if row["epoch"] == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train("tiny", SOURCE, track="mlflow", **{**given, "progress": Stopping()})
    (path,) = [path.parent for path in runs.glob("*/run.json")]
    store = Store(runs)
    run_id = track_runs.tracking.recorded(path)["run_id"]
    with store._asked() as client:
        assert client.get_run(run_id).info.status == "KILLED"
    run = resume(path.name, **given)
    with store._asked() as client:
        assert client.get_run(run_id).info.status == "FINISHED"
        assert [one.step for one in client.get_metric_history(run_id, "loss")] == [1, 2]
    assert fetch_run(f"mlflow:{run_id}", "back", folder=runs).record == run_folder.read(path).record
    assert run.done
    assert capsys.readouterr().out == "", "what --json prints stays JSON"


def test_the_command_says_how_to_bring_it_back(
    run_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    monkeypatch.setattr(track_runs, "track_run", lambda *_, **__: ID)
    told = CliRunner().invoke(main, ["runs", "track", "copy", "--runs", str(run_copy.parent)])
    assert told.output.endswith(f"zoo runs fetch mlflow:{ID}\n")
    wrong = CliRunner().invoke(main, ["runs", "fetch", "mlflow:1"])
    assert wrong.exit_code == 2
    assert "Expected mlflow:RUN_ID" in wrong.output
