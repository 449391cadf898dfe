"""A run is asked of the same images as they are and changed, and what it does not bear is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from whole_pictures import WholePictures

from zoo import BadInput, InvalidSetting
from zoo.base.registry import Registry
from zoo.data.stresses import LEVELS, STRESSES
from zoo.runs import model_file, run_folder
from zoo.runs.causes import FINE, HOLDS_BACK
from zoo.runs.diagnosis import diagnose
from zoo.runs.run_folder import Run
from zoo.workflows.evaluate import evaluate
from zoo.workflows.stress import stress
from zoo.workflows.train import train

SIZE = (64, 64, 3)


@pytest.fixture
def run(run_copy: Path) -> Run:
    return run_folder.read(run_copy)


class Brightness(WholePictures):
    """Calls an image positive when its mean is above 125, and is the surer the farther it is."""

    input_shape, positive, temperature, differentiable = SIZE, 1, 1.0, False

    def __init__(self, features: int) -> None:
        self.features = features

    def outputs(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        above = (pixels.mean(axis=(1, 2, 3)) - 125) / 10
        logits = np.stack([-above, above], axis=1).astype(np.float32)
        return logits, np.zeros((len(pixels), self.features), np.float32)


@pytest.fixture
def by_brightness(run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run whose network looks at brightness alone, with the threshold in the middle."""
    features = run_folder.load_reference(run).embeddings.shape[1]
    monkeypatch.setattr(model_file, "load_classifier", lambda _: Brightness(features))
    record = json.loads((run.path / run_folder.RECORD).read_text())
    record["operating_point"]["threshold"] = 0.5
    (run.path / run_folder.RECORD).write_text(json.dumps(record))
    return run_folder.read(run.path)


@pytest.fixture
def gray_folders(tmp_path: Path) -> str:
    """Twelve pictures a class: NORMAL has a mean of 110, PNEUMONIA one of 140."""
    for name, level in (("NORMAL", 110), ("PNEUMONIA", 140)):
        (tmp_path / "gray" / name).mkdir(parents=True)
        for number in range(12):
            noise = np.random.default_rng(number).normal(level, 4, SIZE)
            picture = Image.fromarray(np.clip(noise, 0, 255).astype(np.uint8))
            picture.save(tmp_path / "gray" / name / f"{name}{number}.png")
    return str(tmp_path / "gray")


def test_what_matters_to_the_network_is_not_borne_and_what_does_not_is(
    by_brightness: Run, gray_folders: str
) -> None:
    done = stress(by_brightness, gray_folders)
    rows = {(row["stress"], row["level"]): row for row in done.result["rows"]}
    accuracy = {key: row["metrics"]["balanced_accuracy"]["value"] for key, row in rows.items()}
    assert done.result["clean"]["metrics"]["balanced_accuracy"]["value"] == 1
    for harmless in ("noise", "blur", "JPEG", "rotation", "resolution", "wider", "marker"):
        assert accuracy[harmless, "strong"] == 1
    assert accuracy["brighter", "mild"] == 1
    assert accuracy["brighter", "strong"] == accuracy["darker", "strong"] == 0.5
    assert rows["brighter", "strong"]["fall"]["specificity"]["value"] == 1
    assert rows["darker", "strong"]["fall"]["sensitivity"]["value"] == 1
    assert rows["darker", "strong"]["fall"]["roc_auc"]["value"] == 0
    assert done.cause.verdict == HOLDS_BACK
    assert "The ranking survives" in done.cause.remedy
    found = next(c for c in diagnose(by_brightness) if c.kind == "stress")
    assert found == done.cause


def test_every_change_has_a_row_and_everything_is_written(
    run: Run, tiny_registry: Registry
) -> None:
    done = stress(run, images=10, registry=tiny_registry)
    assert [(row["stress"], row["level"]) for row in done.result["rows"]] == [
        (name, level) for name in STRESSES for level in LEVELS
    ]
    assert done.folder == run.path / "stress" / "test"
    assert sorted(file.name for file in done.folder.iterdir()) == ["report.html", "stress.json"]
    kept = json.loads((done.folder / "stress.json").read_text())
    assert kept == json.loads(json.dumps(done.result))
    assert kept["images"] == 10 < kept["available"]
    assert kept["rows"][0]["text"] == "4 gray levels"
    again = stress(run, images=10, registry=tiny_registry)
    assert again.result == done.result
    assert "On changed images of test" in (run.path / run_folder.CARD).read_text()


def test_images_as_they_are_score_as_in_an_evaluation(run: Run, tiny_registry: Registry) -> None:
    scored = evaluate(run, split="validation", registry=tiny_registry).result
    done = stress(run, split="validation", registry=tiny_registry).result
    assert done["images"] == done["available"] == scored["images"]
    for name, entry in done["clean"]["metrics"].items():
        assert entry["value"] == pytest.approx(scored["metrics"][name]["value"], abs=1e-6)
        assert entry["low"] == pytest.approx(scored["metrics"][name]["low"], abs=1e-6)
    refused = {reason: count / done["images"] for reason, count in done["clean"]["refused"].items()}
    assert refused == pytest.approx({r: scored["refusals"][r] for r in refused})


def test_a_changed_image_that_is_unlike_the_training_images_is_counted_as_refused(
    run: Run, tiny_registry: Registry
) -> None:
    record = json.loads((run.path / run_folder.RECORD).read_text())
    record["decision"]["gate_limit"] = 0.0
    (run.path / run_folder.RECORD).write_text(json.dumps(record))
    done = stress(run_folder.read(run.path), images=6, registry=tiny_registry)
    assert all(row["refused"] == {"unknown": 6, "uncertain": 0} for row in done.result["rows"])


@pytest.mark.slow
def test_three_classes_are_measured_as_means(
    tiny_registry: Registry, tmp_path: Path, shown: Any
) -> None:
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    pixels = random.normal(80 + 45 * labels[:, None, None, None], 10, (90, 32, 32, 3))
    for number, (label, picture) in enumerate(zip(labels, pixels, strict=True)):
        folder = tmp_path / "three" / f"class{label}"
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
    run = train(
        "tiny",
        str(tmp_path / "three"),
        changes={"epochs": 1},
        folder=tmp_path / "runs",
        registry=tiny_registry,
    )
    done = stress(run, registry=tiny_registry)
    assert done.result["threshold"] is None
    assert all(row["metrics"]["roc_auc"]["value"] is not None for row in done.result["rows"])
    words = shown((done.folder / "report.html").read_text())
    assert "the deepest is chance (0.33)" in words
    assert "Sensitivity, specificity and areas are means over the classes" in words


def test_what_cannot_be_asked_is_told_before_anything_is_written(
    run: Run, tiny_registry: Registry
) -> None:
    with pytest.raises(InvalidSetting, match="0 images were asked for; expected 1 or more"):
        stress(run, images=0, registry=tiny_registry)
    with pytest.raises(InvalidSetting, match="There is no split 'tset'"):
        stress(run, split="tset", registry=tiny_registry)
    with pytest.raises(BadInput):
        stress(run, "no-such-folder", registry=tiny_registry)
    assert not (run.path / run_folder.STRESSES).exists()


def test_a_run_that_bears_everything_is_fine(by_brightness: Run, gray_folders: str) -> None:
    for file in Path(gray_folders).rglob("*.png"):
        pixels = np.full(SIZE, 20 if file.name.startswith("N") else 235, np.uint8)
        pixels[int(file.stem.strip("NORMALPEUI")) + 2] = 128  # no two images are the same
        Image.fromarray(pixels).save(file)
    done = stress(by_brightness, gray_folders, images=8)
    rows = [row for row in done.result["rows"] if row["stress"] == "noise"]
    assert all(row["metrics"]["balanced_accuracy"]["value"] == 1 for row in rows)
    assert done.cause.verdict == FINE
