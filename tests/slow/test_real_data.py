"""The main job on real X-rays, where they are present; a small sample, so that it is quick."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from zoo import Examples
from zoo.base.pictures import images
from zoo.base.registry import load_registry
from zoo.workflows import evaluate, explain, predict, train

DATA = Path(__file__).parents[3] / "shared" / "data"
EACH_CLASS = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real,
    pytest.mark.skipif(not DATA.is_dir(), reason="the real X-rays are not beside the project"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chest")
    for name in ("NORMAL", "PNEUMONIA"):
        (folder / "data" / name).mkdir(parents=True)
        files = sorted((DATA / "chest_xray" / "train" / name).iterdir())
        for file in files[:: len(files) // EACH_CLASS][:EACH_CLASS]:
            (folder / "data" / name / file.name).symlink_to(file)
    return train.train(
        "efficientnet",
        str(folder / "data"),
        preset="fast",
        changes={"epochs": 25},
        folder=folder / "runs",
    )


def test_a_frozen_backbone_learns_from_a_hundred_images(run):
    scores = run.metrics()["validation"]["metrics"]
    assert scores["roc_auc"]["value"] > 0.85
    assert "constant features" not in {alarm["kind"] for alarm in run.record["alarms"]}


def test_the_lungs_are_found_in_nearly_all_images(run):
    assert run.record["frame"] == "lungs"
    files = sorted((DATA / "chest_xray" / "train" / "NORMAL").iterdir())[7::80]
    boxes = [found.box for found in predict.predict(files, run)]
    assert sum(box is None for box in boxes) <= 1


def test_other_data_are_scored_whole(run):
    scored = evaluate.evaluate(run, str(DATA / "chest_xray"), split="validation")
    assert scored.result["images"] == 16
    assert (scored.folder / "report.html").stat().st_size > 10_000


def test_original_files_are_read_like_their_small_copies():
    """The copies were scaled and compressed by others: a few gray levels remain, no more."""
    originals = sorted((DATA / "originals").rglob("*.jpeg"))
    differences = []
    for path in originals:
        copy = next((DATA / "chest_xray" / "train").rglob(path.name))
        large, small = (images.read_image(p, (224, 224)).astype(int) for p in (path, copy))
        differences.append(np.abs(large - small).mean())
    assert max(differences) < 4
    assert np.mean(differences) < 2


def test_similar_cases_are_never_of_the_same_patient(run):
    registry = load_registry()
    files = sorted((DATA / "chest_xray" / "train" / "PNEUMONIA").iterdir())[::400]
    for case in explain.explain(files, run, methods=["examples"], registry=registry):
        (examples,) = case.explanations
        assert isinstance(examples, Examples)
        own = case.name.split("_")
        for neighbour in (shown for group in examples.groups for shown in group.cases):
            patient = case.reference.patients[neighbour.index]
            assert patient != f"{own[1]}-{own[0].removeprefix('person')}"
