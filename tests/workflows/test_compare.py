"""Architectures on the same folds: resumed, in parallel, on a cluster, and the leaderboard."""

from __future__ import annotations

import json
import shutil
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_workers import local

from zoo import (
    Architecture,
    BadInput,
    InvalidSetting,
    MissingWeights,
    Option,
    UnknownName,
    hookimpl,
)
from zoo.base import registry
from zoo.base.progress import Silent
from zoo.base.registry import Registry
from zoo.data import baselines
from zoo.runs import run_folder
from zoo.runs.history import read_history
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training import cells, many_cells
from zoo.training.cells import Cell, CellResult
from zoo.workflows.compare import SCHEMA, compare
from zoo.workflows.evaluate import evaluate
from zoo.workflows.experiments import Experiment, Setup
from zoo.workflows.learning_curve import learning_curve
from zoo.workflows.train import train

SOURCE = "phantom?images=80&size=64"
SMALL = {"epochs": 1, "batch_size": 16}
INPUT = (32, 32, 3)


class Tinier:
    """A second network, so that there is something to compare with."""

    @hookimpl
    def zoo_architectures(self) -> list[Architecture]:
        return [
            Architecture(name="tinier", summary="One layer.", build=build_tinier, parameters=98)
        ]


def build_tinier(input_shape, num_classes):
    import keras

    pixels = keras.Input(input_shape)
    x = keras.layers.AveragePooling2D(8)(keras.layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, keras.layers.Dense(num_classes)(keras.layers.Flatten()(x)))


@pytest.fixture(scope="module")
def two_registry(tiny_registry: Registry) -> Registry:
    both = {**tiny_registry.architectures, **registry.load_registry(Tinier()).architectures}
    return replace(tiny_registry, architectures=both)


def compare_two(folder: Path, registry: Registry):
    return compare(
        ["tiny", "tinier"],
        SOURCE,
        folds=2,
        seeds=1,
        changes=SMALL,
        input_shape=INPUT,
        folder=folder,
        registry=registry,
        command=["zoo", "compare"],
    )


@pytest.fixture(scope="module")
def compared(two_registry: Registry, tmp_path_factory: pytest.TempPathFactory):
    return compare_two(tmp_path_factory.mktemp("runs"), two_registry)


def test_every_architecture_is_tested_on_every_image_once_a_seed(compared) -> None:
    result = compared.result
    assert {entry["name"] for entry in result["entries"]} == {"tiny", "tinier"}
    assert result["schema"] == SCHEMA
    assert result["data"]["images"] == 80
    for entry in result["entries"]:
        assert [(c["seed"], c["fold"]) for c in entry["cells"]] == [(0, 0), (0, 1)]
        mean = np.mean([c["roc_auc"] for c in entry["cells"]])
        assert entry["roc_auc"]["value"] == pytest.approx(mean)
        assert entry["roc_auc"]["low"] <= mean <= entry["roc_auc"]["high"]
        assert entry["spread"] == pytest.approx(
            np.std([c["roc_auc"] for c in entry["cells"]], ddof=1)
        )
    assert len(result["pairs"]) == 1


def test_the_baselines_stand_beside_the_networks(compared) -> None:
    rows = compared.result["baselines"]
    assert [row["name"] for row in rows] == ["file", "border"]
    assert all(0 <= row["roc_auc"]["low"] <= row["roc_auc"]["high"] <= 1 for row in rows)


@pytest.mark.slow
def test_baselines_of_three_classes_are_measured_as_the_networks_are(
    tiny_registry: Registry, tmp_path: Path, picture
) -> None:
    """The file's size gives away the class looked for, and A and B not at all."""
    for label, name in enumerate(("A", "B", "C")):
        for number in range(12):
            picture(
                f"data/{name}/{name}{number}.png",
                100 * label + number,
                (64 + 16 * (label == 2), 64),
            )
    data = str(tmp_path / "data?patients=none")
    arguments = {"changes": SMALL, "input_shape": INPUT, "registry": tiny_registry}
    compared = compare(["tiny"], data, folds=2, folder=tmp_path / "runs", **arguments)
    run = train("tiny", data, folder=tmp_path / "runs", **arguments)
    for result in (compared.result, run.metrics()["test"], evaluate(run).result):
        (file,) = (row for row in result["baselines"] if row["name"] == "file")
        assert 0.6 < file["roc_auc"]["value"] < 0.98, "C against the rest would be 1"
    fitted = baselines.load(run.path / run_folder.BASELINES)
    assert {baseline.coefficients.shape[0] for baseline in fitted.values()} == {3}


def build_across(input_shape, num_classes):
    """Build a network whose answer to an image depends on the others of its batch."""
    import keras

    pixels = keras.Input(input_shape)
    x = keras.layers.GlobalAveragePooling2D()(pixels / 255)
    x = x - keras.ops.mean(x, axis=0, keepdims=True)
    return keras.Model(pixels, keras.layers.Dense(num_classes)(x))


def test_an_architecture_that_could_not_be_used_is_refused_before_any_is_trained(
    two_registry: Registry, tmp_path: Path
) -> None:
    across = Architecture(name="across", summary="", build=build_across, parameters=1)
    known = replace(two_registry, architectures={**two_registry.architectures, "across": across})
    small = {"changes": SMALL, "input_shape": INPUT, "folder": tmp_path, "registry": known}
    with pytest.raises(InvalidSetting, match=r"'across' could be trained, but not used.*its batch"):
        compare(["tiny", "across"], SOURCE, folds=2, **small)
    with pytest.raises(InvalidSetting, match="'across' could be trained, but not used"):
        learning_curve("across", SOURCE, shares=(0.25, 0.5, 1), seeds=1, **small)
    assert list(tmp_path.iterdir()) == []


def test_what_is_trained_already_is_not_tried_again(
    compared, two_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_cells, "tried", lambda *_, **__: pytest.fail("it was tried"))
    again = compare_two(compared.page.parents[3], two_registry)
    assert again.result == compared.result


def test_a_pattern_within_a_budget_finds_what_is_trained(
    compared, two_registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(compared.page.parents[3], tmp_path / "runs")
    again = compare(
        ["ti*", "tiny"],
        SOURCE,
        folds=2,
        budget=60,
        changes=SMALL,
        input_shape=INPUT,
        folder=folder,
        registry=two_registry,
    ).result
    assert "'ti*' matches 2 architectures: tinier, tiny." in capsys.readouterr().err
    ranked = {entry["name"]: entry for entry in again["entries"]}
    assert sorted([*ranked, *(one["name"] for one in again["stopped"])]) == ["tinier", "tiny"]
    whole = {entry["name"]: entry for entry in compared.result["entries"]}
    assert all(entry["roc_auc"] == whole[name]["roc_auc"] for name, entry in ranked.items())
    assert again["budget"]["trainings"] == 2
    assert again["budget"]["spent"] < 60


def build_weightless(input_shape, num_classes):
    raise MissingWeights("Its weights are not\non this machine.")


@pytest.fixture(scope="module")
def with_weightless(two_registry: Registry) -> Registry:
    given = {"summary": "", "build": build_weightless, "parameters": 1}
    absent = {name: Architecture(name=name, **given) for name in ("tin", "void")}
    return replace(two_registry, architectures={**absent, **two_registry.architectures})


@pytest.mark.parametrize("budget", [None, 60])
def test_what_a_pattern_stands_for_and_cannot_be_built_is_left_out_with_its_reason(
    compared, with_weightless: Registry, tmp_path: Path, capsys, monkeypatch, budget
) -> None:
    folder = shutil.copytree(compared.page.parents[3], tmp_path / "runs")
    given = {"changes": SMALL, "input_shape": INPUT, "folder": folder, "registry": with_weightless}
    monkeypatch.setattr(cells, "_train", lambda *_: pytest.fail("it was trained again"))
    done = compare(["t*"], SOURCE, folds=2, budget=budget, **given)
    said = capsys.readouterr().err
    assert "Left out: tin: Its weights are not on this machine.\n2 architectures, 2 trai" in said
    assert done.result["left_out"] == [
        {"name": "tin", "reason": "Its weights are not on this machine."}
    ]
    ranked = [entry["name"] for entry in done.result["entries"]]
    stopped = [one["name"] for one in done.result["stopped"]]
    assert sorted([*ranked, *stopped]) == ["tinier", "tiny"]
    page, data = done.page.read_text(), done.page.with_name("comparison.json")
    assert "Its weights are not on this machine." in page
    assert json.loads(data.read_text()) == done.result


def test_one_host_that_cannot_be_reached_is_waited_for_once(
    compared, two_registry: Registry, tmp_path: Path, capsys
) -> None:
    tried: list[str] = []

    def fetching(name: str, error: Exception) -> Architecture:
        def build(input_shape, num_classes):
            tried.append(name)
            try:
                raise error
            except OSError as cause:
                raise MissingWeights(f"The weights of {name} are not here.") from cause

        return Architecture(name=name, summary="", build=build, parameters=1, offline=False)

    away, gone = socket.gaierror(-2, "Name or service not known"), FileNotFoundError("404")
    absent = {
        "t0": fetching("t0", gone),
        **{name: fetching(name, away) for name in ("t1", "t2", "t3", "t4")},
    }
    origins = {**dict.fromkeys(absent, "one"), "t4": "another"}
    registry = replace(
        two_registry,
        architectures={**absent, **two_registry.architectures},
        origins={**two_registry.origins, **origins},
    )
    folder = shutil.copytree(compared.page.parents[3], tmp_path / "runs")
    given = {"changes": SMALL, "input_shape": INPUT, "folder": folder, "registry": registry}
    done = compare(["t*"], SOURCE, folds=2, **given)
    assert tried == ["t0", "t1", "t4"]
    reasons = {one["name"]: one["reason"] for one in done.result["left_out"]}
    assert list(reasons) == ["t0", "t1", "t2", "t3", "t4"]
    assert reasons["t2"] == reasons["t3"]
    assert "those of t1, by the same plugin" in reasons["t2"]
    assert capsys.readouterr().err.count("cannot be reached") == 1
    tried.clear()
    with pytest.raises(MissingWeights, match="weights of t3"):  # asked for by its own name
        compare(["t*", "t3"], SOURCE, folds=2, **given)
    assert tried == ["t0", "t1", "t3"]


@pytest.mark.parametrize(
    ("names", "error", "sentence"),
    [
        (["tiny", "tin"], MissingWeights, "^Its weights"),
        (["t*", "tin"], MissingWeights, "^Its weights"),
        (
            ["vo*"],
            InvalidSetting,
            r"^No architecture that vo\* stands for can be .* void: Its",
        ),
    ],
    ids=["exact", "both", "none left"],
)
def test_an_exact_name_that_cannot_be_built_stops_it_and_so_does_a_pattern_without_any_left(
    with_weightless: Registry, tmp_path: Path, names, error, sentence
) -> None:
    with pytest.raises(error, match=sentence):
        compare(
            names, SOURCE, folds=2, input_shape=INPUT, folder=tmp_path, registry=with_weightless
        )
    assert not list(tmp_path.iterdir())


def test_a_budget_in_which_no_training_was_begun_is_told(
    two_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_cells, "tried", lambda *_, **__: None)
    monkeypatch.setattr(many_cells, "refuse_misfits", lambda *_: None)
    small = {"changes": SMALL, "input_shape": INPUT, "folder": tmp_path}
    with pytest.raises(InvalidSetting, match="was over before a training was begun"):
        compare(["tinier"], SOURCE, folds=2, budget=1e-9, registry=two_registry, **small)


def test_a_comparison_of_fewer_leaves_that_of_more(
    compared, two_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "_train", lambda *_: pytest.fail("it was trained again"))
    folder = shutil.copytree(compared.page.parents[3], tmp_path / "runs")
    given = {"changes": SMALL, "input_shape": INPUT, "folder": folder, "registry": two_registry}
    alone = compare(["tiny"], SOURCE, folds=2, **given)
    first = folder / compared.page.relative_to(compared.page.parents[3])
    both = json.loads(first.with_name("comparison.json").read_text())
    assert [len(one["entries"]) for one in (alone.result, both)] == [1, 2]
    assert alone.page.parent.parent == first.parent.parent
    assert compare(["tinier", "tiny"], SOURCE, folds=2, **given).page == first


def test_data_and_page_are_written(compared) -> None:
    folder = compared.page.parent
    assert json.loads((folder / "comparison.json").read_text()) == compared.result
    assert "tinier" in compared.page.read_text()


def test_a_comparison_that_was_stopped_goes_on(
    compared, two_registry: Registry, tmp_path: Path
) -> None:
    folder = shutil.copytree(compared.page.parents[3], tmp_path / "runs")
    summaries = sorted(folder.glob(f"*/*/trainings/*/{cells.SUMMARY}"))
    assert len(summaries) == 4
    when = {path: path.stat().st_mtime_ns for path in summaries}
    removed = summaries[0]
    removed.unlink()
    again = compare(
        ["tiny", "tinier"],
        SOURCE,
        folds=2,
        seeds=1,
        changes=SMALL,
        input_shape=INPUT,
        folder=folder,
        registry=two_registry,
        command=["zoo", "compare"],
    )
    assert removed.is_file()
    assert all(path.stat().st_mtime_ns == when[path] for path in summaries if path != removed)
    for before, after in zip(compared.result["entries"], again.result["entries"], strict=True):
        assert before["name"] == after["name"]
        assert before["roc_auc"] == after["roc_auc"]


@pytest.mark.slow
def test_a_killed_training_goes_on_after_its_last_epoch(
    tiny_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.base.progress import SILENT
    from zoo.data.verify import verify
    from zoo.training import trainer

    cell = Cell(
        architecture="tiny", source=SOURCE, settings=(("epochs", 3),), input_shape=INPUT, folds=2
    )
    whole_set = verify(tiny_registry.dataset(SOURCE), skip_broken=False, progress=SILENT)
    ready = (tiny_registry, whole_set)
    cells.train_cell(cell, tmp_path / "whole", opened=ready)
    judge, seen = trainer.is_best_epoch, []

    def dies(*arguments):
        seen.append(arguments)
        if len(seen) == 3:
            raise KeyboardInterrupt
        return judge(*arguments)

    monkeypatch.setattr(trainer, "is_best_epoch", dies)
    with pytest.raises(KeyboardInterrupt):
        cells.train_cell(cell, tmp_path / "killed", opened=ready)
    monkeypatch.setattr(trainer, "is_best_epoch", judge)
    cells.train_cell(cell, tmp_path / "killed", opened=ready)
    whole = cells.read_cell(cell, tmp_path / "whole")
    killed = cells.read_cell(cell, tmp_path / "killed")
    np.testing.assert_array_equal(whole.test.logits, killed.test.logits)
    assert killed.summary["epochs"] == 3


@pytest.mark.slow
def test_a_worker_gives_what_this_process_gives(tmp_path: Path) -> None:
    together = compare(
        ["scratch"],
        SOURCE,
        folds=2,
        changes=SMALL,
        input_shape=INPUT,
        jobs=2,
        folder=tmp_path / "runs",
    ).result
    cell = Cell(
        architecture="scratch",
        source=SOURCE,
        settings=tuple(sorted(SMALL.items())),
        input_shape=INPUT,
        folds=2,
    )
    cells.train_cell(cell, tmp_path)
    alone = cells.read_cell(cell, tmp_path).test
    area = training_metrics(alone.labels, softmax(alone.logits), positive=1)["roc_auc"]
    (first, _) = together["entries"][0]["cells"]
    assert first["roc_auc"] == pytest.approx(area, abs=0.02)  # threads add in another order


@pytest.mark.slow
def test_a_changed_recipe_is_trained_again_and_not_mixed_with_the_old_one(
    compared, two_registry: Registry
) -> None:
    trainings = compared.page.parents[1] / "trainings"
    before = {path: path.stat().st_mtime_ns for path in trainings.glob(f"*/{cells.SUMMARY}")}
    tiny = two_registry.architecture("tiny")
    wild = replace(tiny, recipe={**tiny.recipe, "learning_rate": 9.0})
    changed = replace(two_registry, architectures={**two_registry.architectures, "tiny": wild})
    again = compare_two(compared.page.parents[3], changed)
    assert again.page == compared.page
    after = {path: path.stat().st_mtime_ns for path in trainings.glob(f"*/{cells.SUMMARY}")}
    assert before.items() <= after.items()
    assert [path.parent.name[:9] for path in sorted(after.keys() - before)] == ["tiny-seed"] * 2
    old, new = ({e["name"]: e for e in c.result["entries"]} for c in (compared, again))
    assert old["tinier"]["roc_auc"] == new["tinier"]["roc_auc"]
    assert old["tiny"]["brier"] != new["tiny"]["brier"]


@pytest.mark.parametrize(
    "other",
    [
        {"recipe": {"epochs": 2, "learning_rate": 0.02}},
        {"recipe": {"epochs": 2, "learning_rate": 0.01, "fine_tune_epochs": 1}},
        {"options": {"dropout": Option(0.2, "Share of features left out.")}},
        {"origin": "tiny_plugin 2.0"},
        {"trainable": False},
        {"strides": (1, 1)},
    ],
    ids=["rate", "phases", "option", "version", "frozen", "layers"],
)
def test_the_key_of_a_training_holds_what_decides_it(other, tiny_registry: Registry) -> None:
    tiny = tiny_registry.architecture("tiny")
    cell = Cell(architecture="tiny", source=SOURCE)

    def key(architecture: Architecture) -> str:
        known = replace(tiny_registry, architectures={"tiny": architecture})
        return cells.key_of(cell, known, classes=2)

    def build(*shape, **options):
        model = tiny.build(*shape, **options)
        for name, value in other.items():
            setattr(model.layers[2], name, value)
        return model

    changed = {"build": build} if other.keys() & {"trainable", "strides"} else other
    assert key(tiny) == key(replace(tiny, summary="Otherwise described."))
    assert key(replace(tiny, **changed)) != key(tiny)


def test_other_programs_are_another_training(
    tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    cell = Cell(architecture="tiny", source=SOURCE)
    key = cells.key_of(cell, tiny_registry, classes=2)
    monkeypatch.setattr(cells, "versions", lambda: {"keras": "4.0"})
    assert cells.key_of(cell, tiny_registry, classes=2) != key


def test_a_worker_refuses_data_that_have_changed(tmp_path: Path) -> None:
    cell = Cell(architecture="scratch", source=SOURCE, data="those of yesterday")
    with pytest.raises(BadInput, match="not those that the command was given for"):
        cells.train_cell(cell, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_dask_cluster_of_two_workers_trains_the_folds(tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    given: dict[str, Any] = {"folds": 2, "changes": SMALL, "input_shape": INPUT}
    with local(2, processes=True) as cluster:
        compare(
            ["scratch"],
            SOURCE,
            backend="dask",
            scheduler=cluster.scheduler_address,
            folder=tmp_path / "dask",
            **given,
        )
    compare(["scratch"], SOURCE, folder=tmp_path / "here", **given)
    losses = [
        {path.parent.name: read_history(path)[0]["loss"] for path in place.rglob("history.csv")}
        for place in (tmp_path / "dask", tmp_path / "here")
    ]
    assert len(losses[0]) == 2
    assert losses[0] == pytest.approx(losses[1]), "a worker trains as this process does"


@pytest.mark.parametrize(
    "wrong",
    [
        {"folds": 1},
        {"budget": 0},
        {"backend": "threads"},
        {"backend": "dask"},
        {"scheduler": "tcp://127.0.0.1:1"},
        {"changes": {"seed": 3}},
        {"jobs": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(
    wrong, tiny_registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(InvalidSetting):
        compare(["tiny"], SOURCE, folder=tmp_path, registry=tiny_registry, **wrong)


def test_an_option_goes_to_those_that_have_it_and_one_of_nobody_is_refused(
    two_registry: Registry, tmp_path: Path
) -> None:
    wide = replace(two_registry.architecture("tinier"), options={"width": Option(1, "cells")})
    wide = replace(wide, build=lambda shape, classes, width: build_tinier(shape, classes))
    mixed = replace(two_registry, architectures={**two_registry.architectures, "tinier": wide})
    said: list[str] = []

    class Noted(Silent):
        def note(self, text: str) -> None:
            said.append(text)

    setup = {"source": SOURCE, "folder": tmp_path, "registry": mixed}
    changes = {"width": 3, "epochs": 1}
    with Setup(**setup, changes=changes, progress=Noted()).opened(["tiny", "tinier"]) as opened:
        planned = opened.plan({"architecture": name} for name in ("tiny", "tinier"))
    assert [dict(cell.settings) for cell in planned] == [{"epochs": 1}, changes]
    assert "'width' is no setting of tiny; the others are trained with it." in said
    with pytest.raises(UnknownName, match="Did you mean 'width'"):
        compare(["tiny", "tinier"], SOURCE, changes={"widht": 3}, folder=tmp_path, registry=mixed)


def test_phases_that_changed_nothing_are_counted() -> None:
    unused = ([], ["fine-tune"], ["fine-tune"])
    outcomes = tuple(
        CellResult(Cell(architecture="a", source=SOURCE), None, None, {"unused_phases": phases})
        for phases in unused
    )
    notes = Experiment(None, 1, outcomes, None).notes
    assert notes == ["The phase fine-tune of a changed nothing in 2 of 3 trainings."]


def test_an_unknown_architecture_is_named_before_anything_is_trained(
    tiny_registry: Registry, tmp_path: Path
) -> None:
    for name in ("tinny", "tinn*"):
        with pytest.raises(UnknownName, match="tiny"):
            compare([name], SOURCE, folder=tmp_path, registry=tiny_registry)
    assert not list(tmp_path.iterdir())
