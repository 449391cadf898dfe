"""Runs that are joined to one, which is then used like any other."""

from __future__ import annotations

import json
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from starlette.testclient import TestClient

from plugins.readers.phantom.cohort import Cohort
from zoo import Architecture, InvalidSetting, hookimpl
from zoo.base.registry import Registry, load_registry
from zoo.cli import main
from zoo.data.resampling import cut
from zoo.interpret.interpreter import Interpreter
from zoo.network import frame
from zoo.network.ensemble import SHIFTED
from zoo.runs import model_file, run_folder
from zoo.runs.diagnosis import diagnose
from zoo.runs.run_folder import Run
from zoo.web.app.site import create
from zoo.web.service.library import Library
from zoo.workflows import ensemble as module
from zoo.workflows import finished_run, train
from zoo.workflows.compare_runs import compare_runs
from zoo.workflows.ensemble import ensemble
from zoo.workflows.evaluate import evaluate
from zoo.workflows.explain import explain
from zoo.workflows.predict import predict

pytestmark = pytest.mark.slow

SMALL, LARGE, READ = (70, 70, 3), (84, 84, 3), (120, 120, 3)
SOURCE = "phantom?images=60&size=100"
COHORT = Cohort(seed=7, size=100, prevalence=0.5, difficulty=0.3, extent=1.0)


def build(input_shape, num_classes, filters=6):
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = layers.Conv2D(filters, 3, strides=3, padding="same", activation="relu")(x)
    return keras.Model(pixels, layers.Dense(num_classes)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def registry() -> Registry:
    plugin = types.ModuleType("small")
    small = Architecture(name="small", summary="s", build=build, parameters=1, input_shape=SMALL)
    plugin.zoo_architectures = hookimpl(lambda: [small], specname="zoo_architectures")
    return load_registry(plugin)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("ensembles")


@pytest.fixture(scope="module")
def runs(registry, folder) -> list[Run]:
    """Two runs of one division, with another start and another input."""
    return [
        train.train(
            "small",
            SOURCE,
            changes={"epochs": 1, "cases": 10, "learning_rate": 0.01, "seed": seed},
            input_shape=shape,
            folder=folder,
            registry=registry,
        )
        for seed, shape in enumerate((SMALL, LARGE))
    ]


@pytest.fixture(scope="module")
def both(runs, registry, folder) -> Run:
    return ensemble(runs, folder=folder, registry=registry, command=["zoo", "ensemble", "a", "b"])


@pytest.fixture(scope="module")
def picture(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "chest.png"
    Image.fromarray(COHORT.read(COHORT.samples(1)[0], None)).save(path)
    return path


def pixels_of(size) -> np.ndarray:
    return np.stack([COHORT.read(sample, size) for sample in COHORT.samples(4)])


def views_by_hand(classifier, pixels, members, views) -> np.ndarray:
    """Return what a joined network should say of the pictures, from its members' own networks."""
    seen = classifier.seen(pixels)
    said = []
    for run in members:
        own = model_file.load_classifier(run)
        for view in views:
            part = cut(seen, np.tile(np.float32(view), (len(seen), 1)), own.inner.input_shape[1:3])
            said.append(np.asarray(own.inner(part)) / run.temperature)
    return np.mean(said, axis=0)


def test_runs_of_several_seeds_have_the_same_parts(runs):
    one, other = (run.record for run in runs)
    assert (one["seed"], other["seed"]) == (0, 1)
    for part in ("train", "validation", "test"):
        assert set(one["splits"][part]["members"]) == set(other["splits"][part]["members"])


def test_its_logits_are_the_mean_of_the_members_at_their_temperatures(both, runs):
    assert len({run.temperature for run in runs}) == 2
    classifier, pixels = model_file.load_classifier(both), pixels_of(READ[:2])
    wanted = views_by_hand(classifier, pixels, runs, SHIFTED[:1])
    np.testing.assert_allclose(classifier.logits(pixels), wanted, rtol=1e-3, atol=1e-3)


def test_with_shifts_one_run_is_the_mean_over_five_views(runs, registry, tmp_path):
    shifted = ensemble(runs[:1], shifts=True, folder=tmp_path, registry=registry)
    classifier, pixels = model_file.load_classifier(shifted), pixels_of((100, 100))
    wanted = views_by_hand(classifier, pixels, runs[:1], SHIFTED)
    np.testing.assert_allclose(classifier.logits(pixels), wanted, rtol=1e-3, atol=1e-3)
    assert shifted.record["options"] == {"members": [runs[0].name], "shifts": True}
    assert "each image also shifted" in (shifted.path / run_folder.CARD).read_text()


def test_its_record_says_what_it_is_made_of(both, runs):
    record = both.record
    assert record["architecture"] == "ensemble"
    assert record["options"] == {"members": [run.name for run in runs], "shifts": False}
    assert (record["sees"], record["input_shape"]) == (list(LARGE), list(READ))
    assert record["frame"] == record["decision"]["frame"] == "lungs"
    own = sum(run.record["parameters"]["total"] for run in runs)
    assert record["parameters"] == {"total": own, "trainable": 0}
    assert model_file.load_classifier(both).inner.count_params() == own
    assert record["training"]["epochs"] == 2
    assert record["splits"] == runs[0].record["splits"]
    assert not (both.path / run_folder.HISTORY).exists()
    assert run_folder.open_run(both.path).name == both.name
    card = (both.path / run_folder.CARD).read_text()
    assert f"The mean of the logits of {runs[0].name}, {runs[1].name}." in card
    assert f"members {runs[0].name}, {runs[1].name}, shifts no" in card


def test_it_is_measured_evaluated_and_compared_like_any_other(both, runs, registry, folder):
    metrics = both.metrics()
    done = evaluate(both, registry=registry)
    area = done.result["metrics"]["roc_auc"]["value"]
    assert area == pytest.approx(metrics["test"]["metrics"]["roc_auc"]["value"], abs=1e-6)
    assert not (done.folder / "learning_curves.png").exists()
    assert {cause.kind for cause in diagnose(both)} == {cause.kind for cause in diagnose(runs[0])}
    compared = compare_runs([both, runs[1]], folder=folder, registry=registry)
    assert {entry["name"] for entry in compared.result["entries"]} == {both.name, runs[1].name}


def test_it_predicts_and_explains(both, picture, registry):
    (answer,) = predict([picture], both)
    assert answer.box is not None
    (case,) = explain([picture], both, methods=["gradcam", "saliency"], registry=registry)
    assert [one.method for one in case.attributions] == ["gradcam", "saliency"]
    for one in case.attributions:
        assert one.values.shape == READ[:2]
        assert case.trust[one.method].level
    with pytest.raises(InvalidSetting, match="without attention"):
        list(explain([picture], both, methods=["attention-rollout"], registry=registry))


def test_an_audit_of_all_methods_leaves_out_those_that_cannot_explain_it(both, runs, registry):
    able = {one.name for one in Interpreter(both, every=True, registry=registry).explainers}
    every = {one.name for one in Interpreter(runs[0], every=True, registry=registry).explainers}
    assert able == every == set(registry.explainers) - {"attention-rollout"}


def test_the_application_shows_it_without_curves(both, folder, registry):
    app = create(Library(folder, registry=registry))
    client = TestClient(app, base_url="http://127.0.0.1", headers={"accept": "text/html"})
    board = client.get("/runs-of-this-folder").text
    assert "of all members" in board
    page = client.get(f"/runs-of-this-folder/{both.name}")
    assert page.status_code == 200
    assert "Learning curves" not in page.text
    assert "<svg" in page.text.partition("Calibration</h3>")[2]
    assert client.get(f"/runs-of-this-folder/{both.name}/card").status_code == 200


def test_the_command_joins_runs_and_lists_the_result(runs, folder, tmp_path):
    names = [str(run.path) for run in runs]
    told = CliRunner().invoke(main, ["ensemble", *names, "--runs", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert "Test part" in told.stdout
    (listed,) = json.loads(
        CliRunner().invoke(main, ["runs", "--runs", str(tmp_path), "--json"]).stdout
    )
    assert (listed["architecture"], listed["status"]) == ("ensemble", "done")


def changed(run: Run, **record) -> Run:
    return replace(run, path=run.path.with_name("changed"), record={**run.record, **record})


def other_parts(run: Run) -> Run:
    splits = json.loads(json.dumps(run.record["splits"]))
    moved = splits["train"]["members"].pop()
    splits["test"]["members"].append(moved)
    return changed(run, splits=splits)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (lambda run: changed(run, class_names=["A", "B"]), "differ in class names"),
        (lambda run: changed(run, positive=1 - run.record["positive"]), "differ in positive"),
        (lambda run: changed(run, frame="whole"), "differ in frame"),
        (lambda run: changed(run, input_shape=[100, 100, 1]), "number of channels"),
        (other_parts, "same split_seed"),
        (lambda run: run, "given twice"),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(other, told, runs, tmp_path):
    with pytest.raises(InvalidSetting, match=told):
        ensemble([runs[0], other(runs[0])], folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_runs_of_two_localisers_are_refused(runs, tmp_path, monkeypatch):
    keys = iter("ab")
    found = lambda run: types.SimpleNamespace(key=next(keys))  # noqa: E731
    monkeypatch.setattr(module, "_localiser", found)
    with pytest.raises(InvalidSetting, match="two localisers"):
        ensemble(runs, folder=tmp_path)


def test_one_run_alone_and_unfinished_ones_are_refused(runs, tmp_path):
    with pytest.raises(InvalidSetting, match="--shifts"):
        ensemble(runs[:1])
    killed = tmp_path / "killed"
    killed.mkdir()
    record = {**runs[0].record, "status": run_folder.TRAINING}
    (killed / run_folder.RECORD).write_text(json.dumps(record))
    for names in ([str(runs[0].path)], [str(runs[0].path), str(killed)]):
        told = CliRunner().invoke(main, ["ensemble", *names, "--runs", str(tmp_path / "none")])
        assert told.exit_code == 2
        assert "Traceback" not in told.output
    assert not (tmp_path / "none").exists()


def test_one_that_is_stopped_leaves_nothing(runs, registry, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(finished_run, "model_card", stopped)
    with pytest.raises(KeyboardInterrupt):
        ensemble(runs, folder=tmp_path, registry=registry)
    assert list(tmp_path.iterdir()) == []


def test_data_that_have_lost_an_image_are_refused(runs, registry, tmp_path):
    splits = json.loads(json.dumps(runs[0].record["splits"]))
    splits["test"]["members"].append("0" * 16)
    with pytest.raises(module.BadInput, match="1 images of the test part"):
        ensemble([changed(runs[0], splits=splits)], shifts=True, folder=tmp_path, registry=registry)


def test_a_framed_ensemble_finds_its_box_once(both):
    model = model_file.load_classifier(both).model
    assert sum(layer.name == frame.BOX for layer in model.layers) == 1
