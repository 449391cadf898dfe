"""What a run answers to images it should and should not judge."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from zoo import InvalidSetting
from zoo.base.registry import Registry
from zoo.runs import model_file, novelty, run_folder
from zoo.runs.answering import Answerer, operating_point
from zoo.runs.decision import UNKNOWN
from zoo.runs.run_folder import Run
from zoo.workflows.evaluate import at_prevalence, evaluate
from zoo.workflows.predict import predict


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures that are no chest X-ray: noise, stripes and a blank page."""
    folder = tmp_path_factory.mktemp("strange")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    stripes = np.tile(np.arange(64) % 8 // 4 * 255, (64, 1)).astype(np.uint8)
    blank = np.full((64, 64), 250, np.uint8)
    for name, pixels in (("noise", noise), ("stripes", stripes), ("blank", blank)):
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def test_what_is_unlike_the_training_images_is_refused_with_the_reason(
    trained: Run, strange: Path
) -> None:
    for item in predict([strange], trained):
        assert item.refused == UNKNOWN
        assert item.label.endswith("UNLIKE THE TRAINING IMAGES")
        assert f"{item.distance:.3f}" in item.reason
        assert item.leaning in trained.class_names


def test_a_reference_case_is_not_refused_by_the_gate(trained: Run, tiny_registry: Registry) -> None:
    dataset = tiny_registry.dataset(trained.record["data"]["source"])
    cases = run_folder.load_reference(trained)
    own = next(s for s in dataset.samples if s.name == cases.names[0])
    answers = Answerer(trained, model_file.load_classifier(trained), cases).answer(
        dataset.read(own, (64, 64))[None]
    )
    assert answers.verdicts[0].refused != UNKNOWN
    assert answers.distances[0] < trained.record["gate"]["limit"]


def test_a_prevalence_moves_probabilities_and_no_decision(trained: Run, strange: Path) -> None:
    positive = trained.class_names[trained.record["positive"]]
    rare, plain, common = (
        list(predict([strange], trained, prevalence=share)) for share in (0.01, None, 0.99)
    )
    for low, as_is, high in zip(rare, plain, common, strict=True):
        chances = [item.probabilities[positive] for item in (low, as_is, high)]
        assert chances == sorted(chances)
        assert chances[0] < chances[2]
        assert low.leaning == as_is.leaning == high.leaning
        assert low.label == high.label


def test_a_higher_sensitivity_never_raises_the_threshold(trained: Run) -> None:
    points = [operating_point(trained, target) for target in (0.5, 0.9, 1.0)]
    thresholds = [point["threshold"] for point in points]
    assert thresholds == sorted(thresholds, reverse=True)
    assert all(
        point["sensitivity"]["value"] >= target
        for point, target in zip(points, (0.5, 0.9, 1.0), strict=True)
    )
    assert operating_point(trained) == trained.record["operating_point"]


def test_the_stored_threshold_is_what_predict_uses(trained: Run, run_copy: Path) -> None:
    record = json.loads((run_copy / run_folder.RECORD).read_text())
    record["operating_point"]["threshold"] = 0.0
    (run_copy / run_folder.RECORD).write_text(json.dumps(record))
    run = run_folder.open_run(run_copy)
    pixels = np.zeros((1, 64, 64, 3), np.uint8)
    answerer = Answerer(run, model_file.load_classifier(run), run_folder.load_reference(run))
    assert answerer.answer(pixels).verdicts[0].predicted == run.record["positive"]


def test_an_evaluation_says_what_is_refused_and_what_a_prevalence_means(
    run_copy: Path, tiny_registry: Registry
) -> None:
    run = run_folder.open_run(run_copy)
    done = evaluate(run, prevalence=0.1, registry=tiny_registry)
    refusals = done.result["refusals"]
    assert 0 <= refusals["unknown"] + refusals["uncertain"] <= 1
    assert refusals["images"] == done.result["images"]
    assert [row["name"] for row in done.result["baselines"]] == ["file", "border"]
    assert done.result["prevalence"]["stated"] == 0.1
    assert done.result["own"]
    page = (done.folder / "report.html").read_text()
    assert "would be refused" in page


def test_other_data_are_compared_with_the_training_cases(
    run_copy: Path, tiny_registry: Registry
) -> None:
    run = run_folder.open_run(run_copy)
    source = "phantom?images=60&size=64&seed=9&difficulty=0&prevalence=0.2"
    done = evaluate(run, source, registry=tiny_registry)
    assert not done.result["own"]
    prior = done.result["difference"]["prior"]
    assert prior["data"]["PNEUMONIA"] < prior["run"]["PNEUMONIA"]
    area = done.result["difference"]["shift_auc"]
    assert 0 <= area["low"] <= area["value"] <= area["high"] <= 1
    assert done.folder.name in run.scored_elsewhere()
    assert done.result["source"] == source


def test_predictive_values_follow_bayes(trained: Run) -> None:
    result = {"metrics": {"sensitivity": {"value": 0.9}, "specificity": {"value": 0.8}}}
    values = at_prevalence(result, trained, 0.01)
    assert values["ppv"] == pytest.approx(0.009 / (0.009 + 0.198))
    assert values["npv"] == pytest.approx(0.792 / (0.792 + 0.001))
    assert at_prevalence(result, trained, None) is None
    with pytest.raises(InvalidSetting):
        at_prevalence(result, trained, 1.0)


def test_a_description_that_is_known_is_not_made_again(trained: Run) -> None:
    classifier = model_file.load_classifier(trained)
    answerer = Answerer(trained, classifier, run_folder.load_reference(trained))
    pixels = np.random.default_rng(0).integers(0, 256, (2, *classifier.input_shape), np.uint8)
    known = novelty.shapes(pixels)
    plain = answerer.answer(pixels).distances
    assert (answerer.answer(pixels, known).distances == plain).all()
    assert (answerer.answer(pixels, known + 100).distances > plain).all()
