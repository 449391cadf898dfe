"""A training gives the same network whether its pictures were kept or are decoded each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zoo.base.progress import Silent
from zoo.base.registry import Registry
from zoo.base.types import SPLITS
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run
from zoo.workflows import train


class Killer(Silent):
    """Stops a training when its second epoch begins, as a killed process would."""

    def start(self, title: str, total: int) -> None:
        if title.startswith("network 2"):
            raise KeyboardInterrupt


def results(run: Run) -> list[Any]:
    metrics = run.metrics()
    weights = model_file.load_classifier(run).model.get_weights()
    return [*(metrics[part] for part in SPLITS), *(values.tobytes() for values in weights)]


@pytest.mark.slow
def test_a_training_is_the_same_to_the_bit_and_so_is_one_that_was_resumed(
    class_folders: Path,
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "cache"))
    given = {"registry": tiny_registry, "allow_findings": True, "changes": {"frame": "whole"}}

    def trained(name: str) -> Run:
        return train.train("tiny", str(class_folders), folder=tmp_path / name, **given)

    monkeypatch.setenv("ZOO_PIXELS", "0")
    decoded = results(trained("decoded"))
    assert not (tmp_path / "cache" / "pixels").exists()
    monkeypatch.delenv("ZOO_PIXELS")
    assert results(trained("first")) == decoded
    assert (tmp_path / "cache" / "pixels").is_dir()
    assert results(trained("kept")) == decoded
    with pytest.raises(KeyboardInterrupt):
        train.train(
            "tiny", str(class_folders), folder=tmp_path / "killed", progress=Killer(), **given
        )
    (killed,) = run_folder.listing(tmp_path / "killed")
    assert results(train.resume(killed.path, registry=tiny_registry)) == decoded
