"""A network that was trained elsewhere becomes a run like any other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import BadInput, InvalidSetting
from zoo.base.registry import load_registry
from zoo.cli import main
from zoo.interpret.case import Case
from zoo.runs import model_file, run_folder
from zoo.runs.diagnosis import diagnose
from zoo.runs.run_folder import Run
from zoo.workflows.evaluate import evaluate
from zoo.workflows.explain import explain
from zoo.workflows.export import export
from zoo.workflows.import_network import guessing_loss, import_network
from zoo.workflows.predict import Prediction, predict

SIDE = 64
LEARNED = f"phantom?images=120&size={SIDE}&difficulty=0.1&seed=3"
MEASURED = f"phantom?images=80&size={SIDE}&difficulty=0.1&seed=4"
CLASSES = ("NORMAL", "PNEUMONIA")
PICTURES = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def pixels() -> tuple[np.ndarray, np.ndarray]:
    dataset = load_registry().dataset(LEARNED)
    read = [dataset.read(sample, (SIDE, SIDE)) for sample in dataset.samples]
    return np.stack(read).astype(np.float32), np.array([s.label for s in dataset.samples])


@pytest.fixture(scope="module")
def file(pixels: tuple[np.ndarray, np.ndarray], tmp_path_factory: Any) -> Path:
    """A small network with one sigmoid output, trained on 0 to 1."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    given = x = keras.Input((SIDE, SIDE, 3))
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, strides=2, activation="relu", padding="same")(x)
    x = layers.Dense(1, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(given, x)
    model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    model.fit(pixels[0] / 255, pixels[1], epochs=12, batch_size=16, verbose=0)
    path = tmp_path_factory.mktemp("elsewhere") / "own.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def run(file: Path, tmp_path_factory: Any) -> Run:
    folder = tmp_path_factory.mktemp("runs")
    return import_network(file, MEASURED, classes=CLASSES, folder=folder)


def test_what_it_was_fed_is_found(run: Run) -> None:
    options = run.record["options"]
    assert options["input_range"] == "0-1"
    assert options["ending"] == "sigmoid"
    assert min(options["log_loss"], key=options["log_loss"].get) == "0-1"


def test_a_range_has_to_fit_better_than_guessing() -> None:
    assert guessing_loss(np.array([0, 1, 1, 0])) == pytest.approx(np.log(2))
    assert guessing_loss(np.array([2, 0, 0, 0])) == pytest.approx(0.5623, abs=1e-4)
    assert guessing_loss(np.array([1, 1])) == 0


def test_it_answers_as_the_file_does(run: Run, file: Path, pixels: Any) -> None:
    import keras

    model = keras.models.load_model(file, compile=False)
    meant = np.asarray(model(pixels[0][:8] / 255))[:, 0]
    classifier = model_file.load_classifier(run_folder.open_run(run.path))
    logits = classifier.logits(pixels[0][:8].astype(np.uint8))
    assert np.allclose(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), meant, atol=1e-5)


def test_its_scores_are_called_unproven_unless_it_is_known(run: Run, file: Path) -> None:
    assert [a.kind for a in run.alarms if a.kind == "not held out"]
    assert "whether it has seen the images" in (run.path / run_folder.CARD).read_text("utf-8")
    known = import_network(
        file,
        MEASURED,
        classes=CLASSES,
        input_range="0-1",
        unseen=True,
        folder=run.path.parent / "known",
    )
    assert not [a for a in known.alarms if a.kind == "not held out"]
    assert list(known.record["options"]["log_loss"]) == ["0-1"]


@pytest.mark.slow
def test_the_wrong_range_raises_the_alarm(file: Path, tmp_path: Path) -> None:
    given = import_network(
        file, MEASURED, classes=CLASSES, input_range="imagenet", folder=tmp_path / "a"
    )
    right = import_network(
        file, MEASURED, classes=CLASSES, input_range="0-1", folder=tmp_path / "b"
    )
    loss = [one.record["options"]["log_loss"] for one in (given, right)]
    assert loss[0]["imagenet"] > loss[1]["0-1"]


def test_the_classes_are_numbered_as_its_outputs(file: Path, run: Run, tmp_path: Path) -> None:
    turned = import_network(
        file,
        MEASURED,
        classes=CLASSES[::-1],
        positive="PNEUMONIA",
        input_range="0-1",
        folder=tmp_path,
    )
    assert turned.class_names == CLASSES[::-1]
    straight, other = (model_file.load_classifier(one).logits(PICTURES) for one in (run, turned))
    assert np.allclose(straight, other)  # its outputs stay where they are, their names are turned
    members = [one.record["splits"]["test"]["classes"] for one in (run, turned)]
    assert members[0] == members[1][::-1]


def test_the_run_is_used_like_any_other(run: Run, pixels: Any, tmp_path: Path) -> None:
    image = tmp_path / "image.png"
    Image.fromarray(pixels[0][0].astype(np.uint8)).save(image)
    (answer,) = predict([image], run)
    (case,) = explain([image], run, methods=["gradcam", "examples"], trust=False)
    assert isinstance(case, Case)
    assert {one.method for one in case.explanations} == {"gradcam", "examples"}
    assert isinstance(answer, Prediction)
    assert set(answer.probabilities) == set(CLASSES)
    evaluation = evaluate(run)
    assert evaluation.result["metrics"]["roc_auc"]["value"] > 0.5
    assert {cause.kind for cause in diagnose(run)}
    assert export(run, "savedmodel", tmp_path / "exported")


def test_wrong_words_cost_no_folder(file: Path, tmp_path: Path) -> None:
    for given, kind, told in (
        ({"classes": ("A", "B")}, BadInput, "Name the same ones"),
        ({"classes": ("A",)}, InvalidSetting, "Name each output once"),
        ({"classes": CLASSES, "input_range": "0..1"}, InvalidSetting, "no range of inputs"),
    ):
        with pytest.raises(kind, match=told):
            import_network(file, MEASURED, folder=tmp_path / "runs", **given)  # type: ignore[arg-type]
    assert not (tmp_path / "runs").exists()


def test_the_command_says_what_came_out(file: Path, tmp_path: Path) -> None:
    words = ["import", file, "--classes", ",".join(CLASSES), "--data", MEASURED, "--runs", tmp_path]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    assert "it was trained elsewhere" in result.output
    assert "SYNTHETIC DATA" in result.output


def test_a_network_is_no_image(file: Path, run: Run) -> None:
    result = CliRunner().invoke(main, ["predict", str(file), "--runs", str(run.path.parent)])
    assert result.exit_code == 2
    assert "zoo import" in result.stderr
    assert "NORMAL" not in result.stdout
