"""The trainer end to end on the phantom: resumable, alarmed, self-contained."""

from __future__ import annotations

import io
import json
import shutil
import types
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from plugins.architectures.efficientnet import lite
from zoo import Architecture, BadInput, DamagedRun, InvalidSetting, UnknownName, hookimpl
from zoo.base.progress import Silent
from zoo.base.recipe import Recipe
from zoo.base.registry import load_registry
from zoo.base.types import SPLITS
from zoo.cli.train import summary
from zoo.data.verify import positive_index
from zoo.runs import model_file, reference, run_folder
from zoo.runs.answering import operating_point
from zoo.runs.history import read_history
from zoo.stats import labelled_logits
from zoo.stats.alarms import Alarm
from zoo.training import checkpoint, session
from zoo.training.trainer import cross_entropy, is_best_epoch, learning_rate_factor
from zoo.training.tuning import VIEWS
from zoo.workflows import train

SOURCE = "phantom?images=80&size=64"
SHAPE = (48, 48, 3)


def network(input_shape, num_classes, frozen=False):
    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
    if frozen:
        for layer in keras.Model(pixels, x).layers:
            layer.trainable = False
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def frozen_network(input_shape, num_classes):
    return network(input_shape, num_classes, frozen=True)


def divided_network(input_shape, num_classes):
    """The notorious mistake: pixels divided by 255 before a network that scales them itself."""
    pixels = keras.Input(input_shape)
    rgb = layers.Rescaling(1 / 255)(pixels)
    feature_map = lite.backbone(rgb, pixels, "lite0", weights="")["middle"]
    for layer in keras.Model(pixels, feature_map).layers:
        layer.trainable = False
    x = layers.GlobalAveragePooling2D()(feature_map)
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def leaning_network(input_shape, num_classes, seen=1 / 255):
    """Tells bright pictures from dark ones, but is far surer of the first class always."""
    pixels = keras.Input(input_shape)
    x = layers.GlobalAveragePooling2D()(layers.Rescaling(seen)(pixels))
    bright, leaning = (keras.initializers.Constant(v) for v in ([[0.0, 1.0]] * 3, [5.0, 0.0]))
    dense = layers.Dense(num_classes, kernel_initializer=bright, bias_initializer=leaning)
    return keras.Model(pixels, dense(x))


def blind_network(input_shape, num_classes):
    return leaning_network(input_shape, num_classes, seen=0.0)


@pytest.fixture(scope="module")
def registry():
    plugin = types.ModuleType("small")
    plugin.zoo_architectures = hookimpl(
        lambda: [
            Architecture(name=name, summary="s", build=build, parameters=1, input_shape=SHAPE)
            for name, build in (
                ("whole", network),
                ("frozen", frozen_network),
                ("divided", divided_network),
                ("leaning", leaning_network),
                ("blind", blind_network),
            )
        ],
        specname="zoo_architectures",
    )
    return load_registry(plugin)


class Killer(Silent):
    """Stops the training as a killed process would, after so many epochs."""

    def __init__(self, epochs):
        self.left = epochs

    def start(self, title, total):
        if title.startswith(("network", "head", "fine-tune")):
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1


class Listener(Silent):
    """Keeps what a user is warned of."""

    def __init__(self):
        self.warned = []

    def warn(self, message):
        self.warned.append(message)


SHORT = {"epochs": 2, "batch_size": 16, "cases": 10}
CHANGES = {"epochs": 4, "patience": 2, "schedule": "plateau", "batch_size": 16}


def killed_after(epochs, name, folder, **arguments):
    with pytest.raises(KeyboardInterrupt):
        train.train(name, SOURCE, folder=folder, progress=Killer(epochs), **arguments)
    (killed,) = run_folder.listing(folder)
    assert not killed.done
    return killed


@pytest.fixture(scope="module")
def arguments(registry):
    return {"preset": "fast", "changes": SHORT, "registry": registry}


@pytest.fixture(scope="module")
def whole(arguments, tmp_path_factory):
    """A training that nothing disturbs."""
    return train.train("whole", SOURCE, folder=tmp_path_factory.mktemp("whole"), **arguments)


@pytest.fixture(scope="module")
def killed(arguments, tmp_path_factory):
    """The same one, killed after its first epoch."""
    return killed_after(1, "whole", tmp_path_factory.mktemp("killed"), **arguments)


def test_a_killed_training_resumes_to_the_same_result(registry, whole, killed, tmp_path):
    copy = shutil.copytree(killed.path, tmp_path / "killed")
    check_same(whole, train.resume(copy, registry=registry))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes", "epochs"),
    [
        ("whole", CHANGES, 2),
        ("whole", {**CHANGES, "monitor": "accuracy", "patience": 4}, 3),
        ("frozen", {**CHANGES, "fine_tune_epochs": 2}, 1),
        ("frozen", {**CHANGES, "epochs": 2, "fine_tune_epochs": 3}, 3),
        ("whole", {**CHANGES, "averaging": 0.5, "warm_up": 0.5, "fewest_steps": 6}, 2),
    ],
)
def test_of_any_schedule_a_killed_training_resumes_to_the_same_result(
    registry, tmp_path, name, changes, epochs
):
    arguments = {"changes": changes, "registry": registry}
    whole = train.train(name, SOURCE, folder=tmp_path / "a", **arguments)
    killed = killed_after(epochs, name, tmp_path / "b", **arguments)
    check_same(whole, train.resume(killed.path, registry=registry))


def check_same(whole, resumed):
    assert resumed.done
    for part in ("train", "validation", "test"):
        expected = json.dumps(whole.metrics()[part], sort_keys=True)
        assert json.dumps(resumed.metrics()[part], sort_keys=True) == expected
    for a, b in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def weights(run):
    return model_file.load_classifier(run).model.get_weights()


def test_a_run_folder_is_complete(whole):
    names = {path.name for path in whole.path.iterdir()}
    assert names == {
        "run.json",
        "model.keras",
        "metrics.json",
        "history.csv",
        "curves.png",
        "reference.npz",
        "validation.npz",
        "stressed.npz",
        "test.npz",
        "baselines.npz",
        "model_card.html",
        "logs",
    }
    with zipfile.ZipFile(whole.path / "model.keras") as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
    assert "optimizer" not in weights  # it would triple the file
    record = json.loads((whole.path / "run.json").read_text())
    members = [set(record["splits"][part]["members"]) for part in ("train", "validation", "test")]
    assert len(set.union(*members)) == sum(map(len, members)) == 80
    assert record["data"]["synthetic"] is True
    assert list((whole.path / "logs").glob("events.out.tfevents.*"))
    cases = run_folder.load_reference(whole)
    assert len(cases.labels) == len(cases.thumbnails) == 10
    assert all(picture.startswith(b"\xff\xd8") for picture in cases.thumbnails)
    opened = run_folder.open_run(None, whole.path.parent)
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE), np.uint8)
    probabilities = model_file.load_classifier(opened).probabilities(pixels)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_a_backbone_that_is_trained_keeps_the_statistics_of_its_normalisation(registry, tmp_path):
    run = train.train(
        "frozen",
        SOURCE,
        folder=tmp_path,
        changes={"epochs": 1, "backbone": "trained", "fewest_steps": 5},
        registry=registry,
    )
    assert [row["phase"] for row in read_history(run.path / run_folder.HISTORY)] == ["network"]
    keras.utils.set_random_seed(run.record["seed"])
    first = frozen_network(SHAPE, 2)
    trained = model_file.load_classifier(run).model
    assert run.record["parameters"]["trainable"] < run.record["parameters"]["total"]
    for before, after in zip(first.layers, trained.layers, strict=True):
        changed = [
            not np.allclose(a, b)
            for a, b in zip(before.get_weights(), after.get_weights(), strict=True)
        ]
        if isinstance(before, layers.BatchNormalization):
            assert not any(changed)
        elif changed:
            assert all(changed), before.name


def test_a_run_says_what_its_network_sees_and_how_it_was_tuned(whole):
    record = whole.record
    assert (record["preset"], record["frame"], record["localiser"]) == ("fast", "whole", None)
    assert record["input_shape"] == record["sees"] == list(SHAPE)
    point = record["operating_point"]
    clean, stressed = (
        labelled_logits.load(whole.path / name)
        for name in (run_folder.VALIDATION, run_folder.STRESSED)
    )
    assert list(stressed.names) == list(clean.names) * VIEWS
    assert point["images"] == 2 * VIEWS * len(clean.labels)
    assert min(point["clean"], point["stressed"]) >= 0
    asked = operating_point(whole, 0.9)
    assert asked["images"] == point["images"]
    assert run_folder.STRESSED in record["files"]


@pytest.mark.slow
def test_reference_embeddings_are_the_classifiers(registry, tmp_path):
    for name in ("whole", "frozen"):
        run = train.train(name, SOURCE, folder=tmp_path, changes={"epochs": 1}, registry=registry)
        cases, classifier = run_folder.load_reference(run), model_file.load_classifier(run)
        dataset = registry.dataset(SOURCE)
        sample = next(s for s in dataset.samples if s.name == cases.names[0])
        pixels = dataset.read(sample, SHAPE[:2])[None]
        np.testing.assert_allclose(
            classifier.embeddings(pixels)[0], cases.embeddings[0], rtol=1e-3, atol=1e-4
        )


@pytest.mark.slow
def test_scaling_twice_before_a_frozen_backbone_raises_the_alarm(registry, tmp_path):
    right, wrong = (
        train.train(
            name,
            SOURCE,
            folder=tmp_path,
            preset="fast",
            changes={"epochs": 4, "views": 1},
            input_shape=(96, 96, 3),
            registry=registry,
        )
        for name in ("efficientnet", "divided")
    )
    kinds = [{a["kind"] for a in run.record["alarms"]} for run in (right, wrong)]
    assert "constant features" not in kinds[0]
    assert "constant features" in kinds[1]
    best, worst = (run.metrics()["train"]["roc_auc"] for run in (right, wrong))
    assert best > worst


@pytest.mark.parametrize(
    ("name", "raised"), [("leaning", False), pytest.param("blind", True, marks=pytest.mark.slow)]
)
def test_a_collapse_is_one_of_what_is_decided(registry, tmp_path, name, raised):
    told, random = Listener(), np.random.default_rng(0)
    for label, folder in enumerate(("NORMAL", "PNEUMONIA")):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 60, (48, 48, 3)) + 100 * label
            path = tmp_path / "data" / folder / f"{folder}{number}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(path)
    run = train.train(
        name,
        f"{tmp_path / 'data'}?patients=none",
        folder=tmp_path / "runs",
        changes={"epochs": 3, "learning_rate": 1e-9, "class_weights": False},
        registry=registry,
        progress=told,
    )
    probable = np.load(run.path / run_folder.TESTED)["logits"].argmax(axis=1)
    assert not probable.any(), "the most probable class is NORMAL for every image"
    called = np.array(run.metrics()["test"]["confusion"]).sum(axis=0)
    assert bool(called.all()) is not raised
    alarms = [alarm for alarm in run.alarms if alarm.kind == "collapse"]
    assert bool(alarms) is raised
    assert any("whatever they show" in line for line in told.warned) is raised
    for alarm in alarms:
        assert "of the test images are called PNEUMONIA" in alarm.message
        assert "turn class_weights on" in alarm.remedy


def test_resume_refuses_changed_data_and_finished_runs(registry, whole, killed, tmp_path):
    copy = Path(shutil.copytree(killed.path, tmp_path / "killed"))
    record = dict(killed.record, data=dict(killed.record["data"], source="phantom?images=90"))
    run_folder.write_record(copy, record)
    with pytest.raises(BadInput, match="changed"):
        train.resume(copy, registry=registry)
    with pytest.raises(InvalidSetting, match="finished"):
        train.resume(whole.path, registry=registry)


def test_resume_refuses_data_that_are_divided_otherwise(registry, killed, tmp_path):
    copy = Path(shutil.copytree(killed.path, tmp_path / "killed"))
    recipe = dict(killed.record["recipe"], split_seed=1)
    run_folder.write_record(copy, dict(killed.record, recipe=recipe))
    with pytest.raises(BadInput, match="divided otherwise than when it was started"):
        train.resume(copy, registry=registry)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"recipe": {"new_setting": 1}}, "settings .* 'new_setting'.* go on with that version"),
        ({"recipe": {"epochs": "many"}}, "settings of"),
        ({"execution": {"x": 1}}, "'execution.precision'"),
    ],
)
def test_resume_refuses_a_record_of_another_version(registry, killed, tmp_path, changed, told):
    copy = Path(shutil.copytree(killed.path, tmp_path / "killed"))
    record = {key: {**killed.record[key], **more} for key, more in changed.items()}
    if "execution" in changed:
        record = changed
    run_folder.write_record(copy, {**killed.record, **record})
    with pytest.raises(DamagedRun, match=told):
        train.resume(copy, registry=registry)


def test_alarms_raised_before_a_training_was_killed_are_kept(registry, tmp_path, monkeypatch):
    seen = Alarm("constant features", "All features are alike.", "Look at the scaling.")
    monkeypatch.setattr(session, "constant_features", lambda _: [seen])
    arguments = {"changes": {**SHORT, "epochs": 1, "fine_tune_epochs": 2}, "registry": registry}
    killed = killed_after(2, "frozen", tmp_path, preset="fast", **arguments)
    monkeypatch.undo()
    assert [alarm.kind for alarm in train.resume(killed.path, registry=registry).alarms] == [
        "constant features"
    ]


def test_nothing_is_written_when_a_setting_is_wrong(registry, tmp_path):
    for shape in ((64, 64), (64, 64, 2), (8, 64, 3), (64, 64, 3.0)):
        with pytest.raises(InvalidSetting, match=r"from Python \(height, width, channels\)"):
            train.train("whole", SOURCE, folder=tmp_path, input_shape=shape, registry=registry)
    for changes in ({"monitor": "val_auc"}, {"epochs": "many"}, {"epoch": 3}):
        with pytest.raises((InvalidSetting, UnknownName)):
            train.train("whole", SOURCE, folder=tmp_path, changes=changes, registry=registry)
    with pytest.raises(UnknownName, match="class"):
        train.train("whole", SOURCE, folder=tmp_path, positive="FLU", registry=registry)
    assert not list(tmp_path.iterdir())


def test_early_stopping_counts_from_the_best_epoch():
    recipe = Recipe(monitor="pr_auc", schedule="plateau")
    state = checkpoint.TrainingState()
    values = [0.5, 0.7, 0.6, 0.65]
    best = judged(state, recipe, [(value, 1.0) for value in values])
    assert best == [True, True, False, False]
    assert (state.best_epoch, state.waited, state.rate_factor) == (2, 2, 0.5)


def judged(state, recipe, epochs):
    """Judge epochs of a PR-AUC and a loss each, and return which were the best so far."""
    return [
        is_best_epoch(state, {"epoch": number, "val_pr_auc": value, "val_loss": loss}, recipe)
        for number, (value, loss) in enumerate(epochs, 1)
    ]


def test_an_epoch_without_a_value_is_never_better_than_one_with():
    state, undefined = checkpoint.TrainingState(), float("nan")
    epochs = [(undefined, 0.5), (0.2, 0.6), (undefined, 0.1), (0.3, undefined), (0.3, 0.4)]
    assert judged(state, Recipe(), epochs) == [True, True, False, True, True]
    assert state.best_epoch == 5


def test_equal_epochs_are_told_apart_by_their_loss_and_patience_counts_from_the_better():
    state = checkpoint.TrainingState()
    epochs = [(0.9, 0.4), (1.0, 0.297), (1.0, 0.25), (1.0, 0.25), (1.0, 0.203), (1.0, 0.21)]
    assert judged(state, Recipe(), epochs) == [True, True, True, False, True, False]
    assert (state.best_epoch, state.waited) == (5, 1)


@pytest.mark.slow
def test_a_phase_that_changed_nothing_is_told(registry, tmp_path):
    changes = {"epochs": 3, "fine_tune_epochs": 1, "fine_tune_learning_rate": 5.0}
    told = Listener()
    run = train.train(
        "frozen", SOURCE, folder=tmp_path, changes=changes, registry=registry, progress=told
    )
    trained = run.record["training"]
    assert (trained["epochs"], trained["unused_phases"]) == (4, ["fine-tune"])
    assert any("fine-tune changed nothing" in message for message in told.warned)
    assert "of 4 (fine-tune changed nothing)" in summary(run)
    assert "of 4 (fine-tune changed nothing)" in (run.path / run_folder.CARD).read_text()


def test_a_phase_with_the_best_epoch_was_of_use():
    rows = [{"phase": "head"}, {"phase": "head"}, {"phase": "fine-tune"}, {"phase": "fine-tune"}]
    unused = [checkpoint.TrainingState(history=rows, best_epoch=n).unused_phases for n in range(5)]
    assert unused == [[], ["fine-tune"], ["fine-tune"], [], []]


def test_without_any_value_the_loss_decides():
    state, undefined = checkpoint.TrainingState(), float("nan")
    epochs = [(undefined, 0.5), (undefined, 0.4), (undefined, 0.6)]
    assert judged(state, Recipe(), epochs) == [True, True, False]


def test_a_loss_is_better_when_smaller():
    state, recipe = checkpoint.TrainingState(), Recipe(monitor="loss")
    assert is_best_epoch(state, {"epoch": 1, "val_loss": 1.0}, recipe)
    assert is_best_epoch(state, {"epoch": 2, "val_loss": 0.5}, recipe)
    assert not is_best_epoch(state, {"epoch": 3, "val_loss": 0.7}, recipe)


def test_the_cosine_schedule_falls_from_one():
    factors = [learning_rate_factor("cosine", epoch, 10) for epoch in range(10)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert learning_rate_factor("constant", 5, 10) == 1


def test_cross_entropy_of_known_logits():
    logits = np.log(np.array([[0.25, 0.75], [0.5, 0.5]]))
    expected = -(np.log(0.75) + np.log(0.5)) / 2
    assert cross_entropy(logits, np.array([1, 0])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (("NORMAL", "PNEUMONIA"), 1),
        (("malignant", "normal"), 0),
        (("a", "b", "c"), 2),
        (("Nodule", "No_Finding"), 0),
        (("case", "Control"), 0),
    ],
)
def test_the_positive_class_is_the_last_unhealthy_one(names, index):
    assert positive_index(names, None) == index


def test_reference_cases_keep_the_classes_in_proportion():
    dataset = load_registry().dataset("phantom?images=100&prevalence=0.2&size=64")
    chosen = reference.choose_cases(dataset.samples, 20, seed=0)
    share = np.mean([dataset.samples[i].label for i in chosen])
    assert len(chosen) == 20
    assert share == pytest.approx(np.mean([s.label for s in dataset.samples]), abs=0.05)


def leaking_table(folder, picture):
    """A table whose test part has a patient of the training part."""
    lines = ["path,label,patient,split"]
    for number in range(60):
        picture(f"{number}.png", seed=number)
        split = "train" if number < 40 else "test"
        lines.append(f"{number}.png,{'ab'[number % 2]},p{number // 2 % 25},{split}")
    table = folder / "leak.csv"
    table.write_text("\n".join(lines))
    return table


def test_a_patient_in_two_parts_stops_a_training_unless_it_is_allowed(registry, tmp_path, picture):
    table, folder = str(leaking_table(tmp_path, picture)), tmp_path / "runs"
    arguments = {"folder": folder, "changes": {"epochs": 1, "cases": 10}, "registry": registry}
    with pytest.raises(BadInput, match=r"(?s)patient.*--allow-findings"):
        train.train("whole", table, **arguments)
    assert not folder.exists()
    run = train.train("whole", table, allow_findings=True, **arguments)
    assert any(finding["level"] == "error" for finding in run.record["findings"])


@pytest.mark.parametrize(("changes", "same"), [({"seed": 5}, True), ({"split_seed": 5}, False)])
def test_the_division_follows_of_the_split_seed_alone(
    changes, same, registry, tmp_path, monkeypatch
):
    divisions = []

    def stop(plan, verified, split, *_, **__):
        divisions.append([[s.name for s in split.part(part)] for part in SPLITS])
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "Session", stop)
    for given in ({}, changes):
        with pytest.raises(KeyboardInterrupt):
            train.train("whole", SOURCE, folder=tmp_path, changes=given, registry=registry)
    assert (divisions[0] == divisions[1]) is same
    assert list(tmp_path.iterdir()) == []
