"""What a frozen backbone gives to stressed pictures is kept: only the head is asked again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.data import stresses
from zoo.runs import novelty, run_folder
from zoo.training import frozen, tuning
from zoo.workflows.train import train

SOURCE = "phantom?images=60&size=64"
SMALL = {"epochs": 2, "frame": "whole", "backbone": "frozen"}


def trained(folder: Path, **changes: Any) -> Any:
    given = {"changes": {**SMALL, **changes}, "input_shape": (64, 64, 3)}
    return train("efficientnet", SOURCE, preset="fast", folder=folder, **given)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Every pass of the whole network over stressed pictures, by its title."""
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    passes, real = [], tuning.outputs_of

    def counted(*given: Any, **named: Any) -> Any:
        passes.append(named["title"])
        return real(*given, **named)

    monkeypatch.setattr(tuning, "outputs_of", counted)
    return passes


def stressed_of(run: Any) -> dict[str, np.ndarray]:
    with np.load(run.path / run_folder.STRESSED) as arrays:
        return dict(arrays)


@pytest.mark.slow
def test_a_second_training_asks_the_backbone_no_more_and_has_the_same_numbers(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained(tmp_path / "a")
    assert len(asked) == tuning.VIEWS
    second = trained(tmp_path / "b")
    assert len(asked) == tuning.VIEWS
    for name, values in stressed_of(first).items():
        assert np.array_equal(values, stressed_of(second)[name]), name
    assert first.record["decision"] == second.record["decision"]

    other = trained(tmp_path / "c", seed=1)  # another head on the same features
    assert len(asked) == tuning.VIEWS
    assert not np.array_equal(stressed_of(other)["logits"], stressed_of(first)["logits"])

    monkeypatch.setattr(stresses, "VERSION", stresses.VERSION + 1)
    trained(tmp_path / "d")
    assert len(asked) == 2 * tuning.VIEWS


@pytest.mark.slow
def test_pictures_are_described_once_and_a_damaged_row_anew(
    asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described, real = [], novelty.shapes

    def counted(pixels: np.ndarray) -> np.ndarray:
        described.append(len(pixels))
        return real(pixels)

    monkeypatch.setattr(frozen.novelty, "shapes", counted)
    first = trained(tmp_path / "a")
    once = sum(described)
    second = trained(tmp_path / "b")
    assert sum(described) == once >= 60
    assert first.record["gate"] == second.record["gate"]
    for kept in (tmp_path / "cache").glob("features/shapes-*/*.rows.npy"):
        kept.write_bytes(kept.read_bytes()[:-8] + bytes(8))
    third = trained(tmp_path / "c")
    assert sum(described) == once + 60
    assert first.record["gate"] == third.record["gate"]


@pytest.mark.slow
def test_what_is_kept_is_what_the_whole_network_gives(asked: list[str], tmp_path: Path) -> None:
    run = trained(tmp_path / "a")
    kept = stressed_of(run)["logits"]
    shutil.rmtree(tmp_path / "cache")
    again = trained(tmp_path / "b", fine_tune_epochs=1, fine_tune_learning_rate=1e-12)
    assert len(asked) == 2 * tuning.VIEWS  # all layers were trained, if only a little
    assert np.allclose(kept, stressed_of(again)["logits"], atol=1e-3)
