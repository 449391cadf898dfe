"""Finished runs on the images that none of them has seen."""

from __future__ import annotations

from pathlib import Path

import pytest

from zoo import InvalidSetting
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.workflows.compare_runs import compare_runs


def test_a_run_and_its_copy_do_not_differ(
    trained: Run, run_copy: Path, tiny_registry: Registry, tmp_path: Path
) -> None:
    copy = run_folder.open_run(run_copy)
    done = compare_runs([trained, copy], folder=tmp_path, registry=tiny_registry)
    assert done.result["kind"] == "runs"
    assert done.result["data"]["images"] == trained.record["splits"]["test"]["images"]
    assert {entry["name"] for entry in done.result["entries"]} == {trained.name, copy.name}
    (pair,) = done.result["pairs"]
    assert pair["difference"]["value"] == 0
    assert pair["p_auc"] == pair["p_accuracy"] == 1
    measured = trained.metrics()["test"]["metrics"]["roc_auc"]["value"]
    assert done.result["entries"][0]["roc_auc"]["value"] == pytest.approx(measured, abs=1e-4)
    assert done.page.is_file()


def test_a_run_is_not_compared_with_itself(trained: Run, tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="two different runs"):
        compare_runs([trained, trained], folder=tmp_path)
