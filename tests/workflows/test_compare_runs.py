"""Finished runs on the images that none of them has seen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zoo import InvalidSetting
from zoo.base.registry import Registry
from zoo.base.types import Dataset, Sample
from zoo.cli import main
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats.labelled_logits import LabelledLogits, gather
from zoo.stats.leaderboard import Trial, leaderboard
from zoo.workflows import compare_runs as run_comparison
from zoo.workflows.compare import Comparison, write_comparison
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


def test_the_command_says_what_is_the_best_and_that_nothing_is(
    trained: Run, run_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def area(value: float, low: float | None, high: float | None) -> dict:
        return {"value": value, "low": low, "high": high}

    rates = dict.fromkeys(("accuracy", "sensitivity", "specificity"), area(0.9, 0.8, 0.95))
    entry = {"calibration_error": 0.1, "parameters": None, "seconds": None, **rates}
    result = {
        "entries": [{"name": "a-run", "roc_auc": area(0.5, None, None), **entry}],
        "baselines": [{"name": "file", "title": "file", "roc_auc": area(0.629, 0.56, 0.69)}],
        "pairs": [],
        "notes": [],
        "synthetic": False,
    }
    done = Comparison(result, tmp_path / "page.html")
    monkeypatch.setattr(run_comparison, "compare_runs", lambda *_, **__: done)
    names = ["compare", str(trained.path), str(run_copy)]
    told = CliRunner().invoke(main, names).output
    assert "Highest: a-run with a ROC-AUC of 0.500, which is not shown" in told
    assert "Best:" not in told
    result["entries"][0]["roc_auc"] = area(0.8, 0.75, 0.85)
    assert (
        "Best: a-run with a ROC-AUC of 0.800 (0.750-0.850)."
        in CliRunner().invoke(main, names).output
    )


@pytest.mark.parametrize(
    "given",
    [
        ["--folds", "5"],
        ["--seeds", "1", "--jobs", "2"],
        ["--backend", "dask", "--scheduler", "tcp://nowhere:1"],
        ["--budget", "1m", "--epochs", "1"],
    ],
    ids=" ".join,
)
def test_what_says_how_to_train_is_refused_for_finished_runs(
    trained: Run, run_copy: Path, given: list[str]
) -> None:
    told = CliRunner().invoke(main, ["compare", str(trained.path), str(run_copy), *given])
    assert told.exit_code == 2
    assert f"leave out {', '.join(given[::2])}." in " ".join(told.output.split())


def test_a_run_is_not_compared_with_itself(trained: Run, tmp_path: Path) -> None:
    for chosen in ([trained, trained], []):
        with pytest.raises(InvalidSetting, match="two different runs"):
            compare_runs(chosen, folder=tmp_path)


def test_two_runs_of_one_name_are_not_taken_for_one(
    trained: Run, run_copy: Path, tmp_path: Path
) -> None:
    copy = run_folder.open_run(run_copy)
    twin = run_folder.open_run(shutil.copytree(run_copy, tmp_path / "other" / trained.name))
    with pytest.raises(InvalidSetting, match=r"two runs of the same name.*zoo runs rename"):
        compare_runs([trained, copy, twin], folder=tmp_path)


def test_a_comparison_of_other_images_or_runs_replaces_none(
    trained: Run,
    run_copy: Path,
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def same_for_all(run: Run, dataset: Dataset, samples: Sequence[Sample], _: object) -> Trial:
        return Trial(gather(np.zeros((len(samples), 2)), samples), 1.0, 0.5)

    monkeypatch.setattr(run_comparison, "_trial", same_for_all)
    monkeypatch.setattr(run_comparison, "write_comparison", Comparison)
    copy = run_folder.open_run(run_copy)
    moved = run_folder.open_run(shutil.copytree(run_copy, tmp_path / "other" / "copy"))
    given = {"folder": tmp_path, "registry": tiny_registry}
    pages = [
        compare_runs([trained, copy], **given).page,
        compare_runs([trained, copy], split="validation", **given).page,
        compare_runs([trained, copy], "phantom?images=40&size=64&seed=7", **given).page,
        compare_runs([trained, moved], **given).page,
    ]
    assert len(set(pages)) == len(pages)
    assert compare_runs([copy, trained], **given).page == pages[0]


@pytest.mark.parametrize(
    "halves", [(0, 0), (0, 1)], ids=["one class is left", "a fold has one class alone"]
)
def test_images_of_one_class_have_no_area_in_the_file_and_on_the_page(
    tmp_path: Path, halves: tuple[int, int]
) -> None:
    def trial(fold: int, labels: Sequence[int], seed: int) -> Trial:
        names = np.array([f"{fold}-{place}" for place in range(len(labels))])
        logits = np.random.default_rng(seed).normal(size=(len(labels), 2))
        return Trial(LabelledLogits(logits, np.array(labels), names, names), 1.0, 0.5, fold=fold)

    trials = {
        name: [trial(0, [0] * 20, seed), trial(1, [*halves] * 10, seed)]
        for seed, name in enumerate(("one", "other"))
    }
    result = {
        "kind": "folds",
        "data": {"source": "a", "images": 40, "patients": 40, "folds": 2, "seeds": 1},
        "budget": None,
        "stopped": [],
        "left_out": [],
        "notes": [],
        "command": [],
        "class_names": ["A", "B"],
        "positive": "B",
        "baselines": [],
        "synthetic": False,
        **leaderboard(trials, 1),
    }
    done = write_comparison(result, tmp_path)
    entry = json.loads((tmp_path / "comparison.json").read_text())["entries"][0]
    known = [cell["roc_auc"] is not None for cell in entry["cells"]]
    assert known == [False, halves == (0, 1)]
    assert (entry["roc_auc"]["value"] is None) == (halves == (0, 0))
    assert entry["spread"] is None
    assert "other" in done.page.read_text()
