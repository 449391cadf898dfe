from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.base.recipe import Recipe
from zoo.report.pages.card import model_card
from zoo.report.pages.claim import ITEMS, checklist
from zoo.runs.run_folder import Run
from zoo.stats.metrics import classification_metrics

Shown = Callable[[str], str]
BINS = [{"confidence": 0.9, "accuracy": 0.6, "images": 100}]
CALIBRATION = {
    when: {"ece_mass": 0.3, "ece_width": 0.2, "brier": 0.4, "bins": BINS}
    for when in ("before", "after")
} | {"temperature": 1.3}
EVIL = "<script>alert(1)</script>\"'&"


def record(**changes: Any) -> dict[str, Any]:
    part = {"images": 100, "patients": 80, "classes": [40, 60], "members": []}
    known = {
        "schema": 2,
        "status": "done",
        "architecture": "efficientnet",
        "pretrained": "ImageNet",
        "options": {"dropout": 0.2},
        "recipe": asdict(Recipe())
        | {
            "epochs": 15,
            "batch_size": 32,
            "learning_rate": 0.001,
            "schedule": "cosine",
            "augmentation": "chest",
            "monitor": "pr_auc",
            "class_weights": True,
        },
        "seed": 7,
        "class_names": ["NORMAL", "PNEUMONIA"],
        "positive": 1,
        "input_shape": [224, 224, 3],
        "parameters": {"total": 3413026, "trainable": 2562},
        "data": {
            "source": "/somewhere/xrays?patients=kermany",
            "fingerprint": "f00d",
            "images": 5232,
            "patients": 3669,
            "patient_rule": "kermany",
            "synthetic": False,
            "broken": 2,
            "notes": ["A test part was split off."],
        },
        "splits": {"train": part | {"images": 3348}, "validation": part, "test": part},
        "versions": {"python": "3.12.1", "xray-zoo": "0.1.0", "keras": "3.15"},
        "created": "2026-01-02T03:04:05+00:00",
        "command": ["zoo", "train", "efficientnet"],
        "training": {"epochs": 15, "best_epoch": 12, "seconds": 75.2, "peak_memory_mb": 1300},
        "calibration": {"temperature": 1.3, "fitted on": "validation"},
        "operating_point": None,
        "alarms": [{"kind": "shift", "message": "It fell.", "remedy": "Look."}],
        "files": {},
    }
    return known | changes


@pytest.fixture
def run(tmp_path: Path) -> Run:
    labels = np.arange(60) % 2
    chance = 0.2 * labels + 0.8 * np.random.default_rng(0).random(60)
    scores = classification_metrics(
        labels,
        np.stack([1 - chance, chance], 1),
        [str(i) for i in range(60)],
        ("NORMAL", "PNEUMONIA"),
        1,
        resamples=40,
    )
    test = scores | {"baselines": [], "operating_threshold": None, "calibration": CALIBRATION}
    whole = {"schema": 2, "train": {"roc_auc": 0.7}, "validation": scores, "test": test}
    (tmp_path / "metrics.json").write_text(json.dumps(whole))
    (tmp_path / "history.csv").write_text("epoch,phase\n1,network\n")
    return Run(tmp_path, record())


def test_card_tells_what_the_run_knows(run: Run, shown: Shown) -> None:
    card = model_card(run)
    words = shown(card)
    assert "<img" not in card
    area = run.metrics()["test"]["metrics"]["roc_auc"]
    for expected in (
        "It is not a medical device",
        "efficientnet, trained to tell NORMAL and PNEUMONIA on 3,348 images.",
        f"ROC-AUC {area['value']:.3f} {area['low']:.3f}-{area['high']:.3f}",
        "Source xrays Images 5,232 Patients 3,669 Patient rule kermany",
        "A test part was split off.",
        "train 40 60",
        "Weights 3,413,026, of which 2,562 are trained",
        "Options dropout 0.2",
        "Best epoch 12 of 15",
        "learning rate 0.001",
        "It fell. Look.",
        "It was never scored on data from elsewhere.",
        "keras 3.15",
        "zoo train efficientnet",
    ):
        assert expected in words, expected
    assert "/somewhere" not in words, "no folder of the machine it was trained on"


def test_what_holds_the_run_back_stands_first(run: Run, shown: Shown) -> None:
    words = shown(model_card(run))
    said = words.partition("What holds it back")[2].partition("What it is for")[0]
    assert "Calibration. Expected calibration error 0.300 on the test part." in said
    assert "Do not read its probabilities as such." in said
    assert "Not known: overfitting, other data, stress, shortcut, threshold." in said


def test_the_rates_of_the_test_part_stand_beside_those_of_validation(
    trained: Run, shown: Shown
) -> None:
    words = shown(model_card(trained))
    rate = trained.metrics()["test"]["metrics"]["specificity"]["value"]
    said = words.partition("What to believe")[2].partition("How well it does")[0]
    assert "on the validation part, where sensitivity is" in said
    assert "On the test part sensitivity is" in said
    assert f"specificity is {rate:.3f}" in said


def test_checklist_has_the_numbers_of_the_2024_update(run: Run, shown: Shown) -> None:
    items = {i.number: i for i in checklist(run.record, run.metrics()["test"], {})}
    assert list(items) == list(range(1, 45))
    assert sum(len(words) for _, words in ITEMS) == 44
    for number, words in (
        (7, "come from"),
        (11, "De-identification"),
        (14, "truth"),
        (20, "disjoint"),
        (21, "Sample size"),
        (27, "Ensembles"),
        (33, "external"),
        (34, "Registration"),
        (39, "Failures"),
        (40, "Limitations"),
        (44, "Funding"),
    ):
        assert words in items[number].words, number
    assert items[20].answer.startswith("Patient (rule: kermany)")
    assert items[12].answer == "2 unreadable images were left out."
    assert items[24].answer == "Weights learned on ImageNet (seed 7)."
    assert "pr_auc" in items[26].answer
    unknown = {number for number, item in items.items() if not item.answer}
    assert {4, 5, 8, 10, 11, 13, 14, 15, 16, 17, 18, 21, 30, 33, 34, 39, 44} <= unknown
    assert shown(model_card(run)).count("not reported") >= len(unknown)


def test_scores_from_elsewhere_are_found(run: Run, shown: Shown) -> None:
    metrics = {"roc_auc": {"value": 0.493, "low": 0.429, "high": 0.56}}
    for name, content in (
        ("nih-test", json.dumps({"own": False, "metrics": metrics})),
        ("test", json.dumps({"own": True, "metrics": metrics})),
        ("half", "{"),
        ("list", "[]"),
    ):
        folder = run.path / "evaluation" / name
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(content)
    assert list(run.scored_elsewhere()) == ["nih-test"]
    words = shown(model_card(run))
    assert "nih-test ROC-AUC 0.493 (0.429-0.560)" in words
    assert "33 Testing on external data nih-test: ROC-AUC 0.493" in words
    assert "never scored on data from elsewhere" not in words


def test_changed_images_that_it_does_not_bear_are_told(run: Run, shown: Shown) -> None:
    assert "another machine makes was not measured" in shown(model_card(run))
    part = {"value": 0.9, "low": 0.85, "high": 0.93}
    fall = {"value": 0.4, "low": 0.3, "high": 0.5, "p": 0.0}
    row = {
        "stress": "noise",
        "level": "strong",
        "text": "16 gray levels",
        "refused": {"unknown": 20, "uncertain": 3},
        "metrics": {"balanced_accuracy": {"value": 0.5, "low": 0.45, "high": 0.55}},
        "fall": {"balanced_accuracy": fall, "roc_auc": fall},
    }
    tested = {"images": 200, "clean": {"metrics": {"balanced_accuracy": part}}, "rows": [row]}
    (run.path / "stress" / "nih-test").mkdir(parents=True)
    (run.path / "stress" / "nih-test" / "stress.json").write_text(json.dumps(tested))
    words = shown(model_card(run))
    assert "On changed images of nih-test" in words
    assert "as it is 0.900 0.850-0.930" in words
    assert "noise (strong, 16 gray levels) 0.500 0.450-0.550" in words
    assert "Stress. Balanced accuracy 0.900 (0.850-0.930) on the images of nih-test" in words
    assert "another machine makes was not measured" not in words


def test_patients_that_are_not_known_are_a_limit(run: Run, shown: Shown) -> None:
    data = run.record["data"] | {"patient_rule": "none"}
    named = Run(run.path, record(data=data))
    alone = Run(run.path, record(data=data | {"patients": data["images"], "synthetic": True}))
    assert "Patients are not known" not in shown(model_card(named))
    words = shown(model_card(alone))
    assert "Patients are not known" in words
    assert "20 Level at which parts are disjoint Image: patients are not known." in words
    assert "knows nothing of real ones" in words
    assert "synthetic data" in words


def test_what_the_record_does_not_say_is_left_out(run: Run, shown: Shown) -> None:
    known = record(alarms=[], pretrained="", options={})
    for name in ("parameters", "training", "command", "created", "operating_point"):
        del known[name]
    del known["data"]["notes"]
    words = shown(model_card(Run(run.path, known)))
    assert "Pretrained on nothing (from scratch)" in words
    for heading in ("Alarms", "The command", "Best epoch", "Beside baselines"):
        assert heading not in words


def test_names_are_escaped(run: Run, shown: Shown) -> None:
    data = run.record["data"] | {"source": EVIL, "notes": [EVIL], "patient_rule": EVIL}
    evil = record(data=data, architecture=EVIL, class_names=["NORMAL", EVIL], command=[EVIL, "b"])
    shown(model_card(Run(run.path, evil)))


def test_a_trained_run_has_a_card(trained: Run, shown: Shown) -> None:
    words = shown(model_card(trained))
    assert "Beside baselines that never see the lungs" in words
    assert "Threshold PNEUMONIA is called from a probability" in words
    assert f"Model card of {trained.name}" in words


def test_nobody_is_kept_out(run: Run, accessible: Callable[[str], None]) -> None:
    accessible(model_card(run))
