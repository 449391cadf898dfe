"""What a training promises when something else happens at the same time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from zoo import InvalidSetting, NotWritten
from zoo.base import locks
from zoo.base.progress import Silent
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.report.pages.card import model_card
from zoo.runs import model_file, run_folder
from zoo.runs.diagnosis import diagnose, untold
from zoo.runs.run_folder import Run
from zoo.training import checkpoint
from zoo.workflows import train

TINY_SOURCE = "phantom?images=80&size=64"

SMALL = {"changes": {"epochs": 1, "frame": "whole"}}


class Meddling(Silent):
    """Changes an image after the first epoch, and keeps the warnings."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warnings: list[str] = []

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        shutil.copy(self.folder / "NORMAL" / "normal1.png", self.folder / "NORMAL" / "normal2.png")

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def test_data_that_change_meanwhile_are_told_and_kept_in_the_run(
    class_folders: Path, tiny_registry: Registry, tmp_path: Path
) -> None:
    progress = Meddling(class_folders)
    run = train.train(
        "tiny",
        f"{class_folders}?patients=none",
        folder=tmp_path / "runs",
        registry=tiny_registry,
        progress=progress,
        allow_findings=True,
        **SMALL,
    )
    said = "1 of 20 images were changed or removed while the network was trained"
    assert any(said in warning for warning in progress.warnings)
    assert "data changed" in {alarm.kind for alarm in run.alarms}
    assert "data changed" in {alarm.kind for alarm in untold(run.alarms, diagnose(run))}
    assert said in model_card(run)
    told = CliRunner().invoke(main, ["diagnose", str(run.path)])
    assert (told.exit_code, told.output.count(said)) == (0, 1)
    kept = json.loads(CliRunner().invoke(main, ["diagnose", str(run.path), "--json"]).stdout)
    assert [alarm["kind"] for alarm in kept["alarms"]].count("data changed") == 1


@pytest.mark.slow
def test_a_run_is_done_last_and_gets_its_card_when_it_goes_on(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> str:
        raise KeyboardInterrupt

    source = "phantom?images=80&size=64"
    with monkeypatch.context() as patch:
        patch.setattr(train, "model_card", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train("tiny", source, folder=tmp_path, registry=tiny_registry, **SMALL)
    (path,) = tmp_path.iterdir()
    assert not run_folder.read(path).done
    with locks.holding(path, wait=False) as held:
        assert held
        with pytest.raises(InvalidSetting, match="is being trained by another process"):
            train.resume(path, registry=tiny_registry)
    run = train.resume(path, registry=tiny_registry)
    assert run.done
    assert (path / run_folder.CARD).is_file()
    assert not (path / run_folder.CHECKPOINT).exists()
    assert json.loads((path / run_folder.RECORD).read_text())["files"].keys() >= {"test.npz"}


def test_a_run_whose_record_cannot_be_written_leaves_nothing(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise NotWritten("'run.json' cannot be written: No space left on device.")

    monkeypatch.setattr(run_folder, "write_record", full)
    with pytest.raises(NotWritten):
        train.train("tiny", "phantom?images=80&size=64", folder=tmp_path, registry=tiny_registry)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_resumed_training_computes_as_it_was_recorded_and_keeps_a_network_in_float32(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> Run:
        raise KeyboardInterrupt

    changes = {"epochs": 1, "frame": "whole", "precision": "mixed_bfloat16", "accumulate": 2}
    with monkeypatch.context() as patch:
        patch.setattr(train, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            train.train(
                "tiny", TINY_SOURCE, changes=changes, folder=tmp_path, registry=tiny_registry
            )
    (path,) = tmp_path.iterdir()
    record = json.loads((path / run_folder.RECORD).read_text())
    assert record["execution"] == {
        "precision": "mixed_bfloat16",
        "xla": False,
        "accumulate": 2,
        "devices": ["CPU:0"],
        "images_per_second": {},
    }
    assert checkpoint.load(path / run_folder.CHECKPOINT).state.execution == record["execution"]
    record["recipe"]["precision"] = "auto"  # another machine might choose otherwise
    (path / run_folder.RECORD).write_text(json.dumps(record))
    run = train.resume(path, registry=tiny_registry)
    assert run.record["execution"] == record["execution"]
    kept = model_file.load_classifier(run).model
    assert {layer.dtype_policy.name for layer in kept.layers} == {"float32"}


@pytest.mark.parametrize(("devices", "told"), [("9", "there is 1: CPU:0"), ("few", "expected how")])
def test_devices_that_are_not_there_cost_no_time(devices: str, told: str, tmp_path: Path) -> None:
    arguments = ["train", "mnist", "--data", "phantom", "--runs", str(tmp_path / "runs")]
    done = CliRunner().invoke(main, [*arguments, "--devices", devices])
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "runs").exists()
