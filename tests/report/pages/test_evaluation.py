from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.base.number_text import percent
from zoo.report.drawing import Drawing
from zoo.report.figures import training
from zoo.report.pages import evaluation as module
from zoo.report.pages.belief import beside_baselines, statements
from zoo.report.pages.evaluation import evaluation_page
from zoo.report.style import new_figure
from zoo.stats import operating
from zoo.stats.metrics import classification_metrics
from zoo.stats.trade_offs import coverage_curve, decision_curve

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&.jpeg"
OPTIONAL = (
    "operating_threshold",
    "calibration",
    "coverage",
    "decision_curve",
    "baselines",
    "refusals",
    "difference",
    "prevalence",
)


def area(value: float, half: float = 0.02) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    generator = np.random.default_rng(3)
    labels = np.arange(120) % 2
    chance = np.clip(labels * 0.35 + 0.65 * generator.random(120), 0, 1)
    people = np.array([str(place // 2) for place in range(120)])
    probabilities = np.stack([1 - chance, chance], axis=1)
    point = operating.choose_threshold(labels == 1, chance, people, resamples=60)
    scores = classification_metrics(
        labels,
        probabilities,
        people,
        ("NORMAL", "PNEUMONIA"),
        1,
        threshold=point["threshold"],
        resamples=60,
    )
    part = {"ece_mass": 0.034, "ece_width": 0.04, "brier": 0.1}
    part["bins"] = [{"confidence": 0.6, "accuracy": 0.5, "images": 60}]  # type: ignore[assignment]
    return {
        **scores,
        "operating_threshold": point,
        "calibration": {"temperature": 1.2, "before": part, "after": part},
        "coverage": coverage_curve(np.abs(chance - 0.5), (chance > 0.5) == labels),
        "decision_curve": decision_curve(labels == 1, chance),
        "baselines": [
            {"name": "file", "title": "file: width, height", "roc_auc": area(0.55)},
            {"name": "border", "title": "border: the outer rim", "roc_auc": area(0.63)},
            {"name": "lungs", "title": "lungs: inside the masks", "roc_auc": area(0.8)},
        ],
        "refusals": {
            "unknown": 0.021,
            "uncertain": 0.083,
            "accuracy_kept": area(0.961),
            "images": 624,
        },
        "difference": {
            "prior": {
                "run": {"NORMAL": 0.27, "PNEUMONIA": 0.73},
                "data": {"NORMAL": 0.38, "PNEUMONIA": 0.62},
            },
            "shift_auc": area(0.97),
            "sentence": "These images come from elsewhere.",
        },
        "prevalence": {
            "stated": 0.05,
            "validation": 0.74,
            "sensitivity": 0.95,
            "specificity": 0.93,
            "ppv": 0.417,
            "npv": area(0.9972, 0.001),
        },
    }


@pytest.fixture(scope="module")
def whole_page(result: dict[str, Any]) -> str:
    return evaluation_page(result, title="a run", history=[{"epoch": 1, "loss": 0.5}])


def test_what_to_believe_stands_above_the_figures(whole_page: str, shown: Shown) -> None:
    words = shown(whole_page)
    said = words.partition("What to believe")[2].partition("How well it does")[0]
    for expected in (
        "the threshold with the greatest Youden index",
        (
            "The best baseline that never sees the lungs (border: the outer rim) reaches a ROC-AUC "
            "of 0.630 (0.610-0.650)"
        ),
        (
            "Of 624 images, 2.1 % would be refused as unlike the training images and 8.3 % as too "
            "close to call. Accuracy on the rest: 0.961 (0.941-0.981)."
        ),
        (
            "Where 5 % of the patients have PNEUMONIA, a call of PNEUMONIA is right in 41.7 %, an "
            "all-clear is right in 99.7 %."
        ),
        "lie 3.4 percentage points apart on average",
        "right probabilities would show up to 0.133",
        "These images come from elsewhere.",
    ):
        assert expected in said, expected


def test_every_addition_is_shown_with_its_numbers(
    result: dict[str, Any], whole_page: str, shown: Shown
) -> None:
    words = shown(whole_page)
    at = result["coverage"]["at"]["0.8"]
    for expected in (
        "this run",
        "file: width, height 0.550 0.530-0.570",
        f"{at:.3f} with 80 % answered",
        "Decision curve",
        "ROC-AUC of telling the two apart 0.970 (0.950-0.990)",
        "Share of NORMAL 27 % in the run's data, 38 % here",
        "(positive predictive value) 41.7 %",
        "(negative predictive value) 99.7 %",
    ):
        assert expected in words, expected
    assert whole_page.count("<svg ") == 6


@pytest.mark.parametrize("how", ["missing", "none"])
@pytest.mark.parametrize("name", [*OPTIONAL, "all"])
def test_each_addition_may_be_missing(
    result: dict[str, Any], name: str, how: str, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    for drawn in ("roc_curve", "pr_curve"):
        monkeypatch.setattr(training, drawn, lambda result: None)
    empty = Drawing(new_figure(1))
    for drawn in ("reliability_diagram", "coverage_figure", "decision_figure"):
        monkeypatch.setattr(module, drawn, lambda given, *more: empty if given else 1 / 0)
    gone = set(OPTIONAL) if name == "all" else {name}
    kept = {key: value for key, value in result.items() if key not in gone}
    partial = kept if how == "missing" else kept | dict.fromkeys(gone)
    words = shown(evaluation_page(partial, title="a run"))
    assert ("What to believe" in words) == (name != "all")
    assert ("Beside baselines" in words) == (not gone & {"baselines"})


def test_worst_answers_stand_beside_their_maps(result: dict[str, Any], shown: Shown) -> None:
    bare = {key: value for key, value in result.items() if key not in OPTIONAL} | {"curves": []}
    losses = [
        {
            "name": name,
            "label": "NORMAL",
            "predicted": "PNEUMONIA",
            "probability": 0.9997,
            "loss": 4.61,
            "picture": b"picture",
            "map": drawn,
        }
        for name, drawn in (("train/a.png", b"map"), (EVIL, None))
    ]
    text = evaluation_page(bare, title="a run", top_losses=losses)
    words = shown(text)
    assert "a.png is NORMAL, called PNEUMONIA (&gt; 99 %), loss 4.61" in words
    assert text.count("data:image/jpeg") == 3
    assert "--reference none" not in words
    assert "Where it was most wrong" not in evaluation_page(bare, title="a run")
    none = [entry | {"picture": None, "map": None} for entry in losses]
    text = evaluation_page(bare, title="a run", top_losses=none)
    assert "image/jpeg" not in text
    assert "trained with --reference none" in shown(text)
    assert "a.png is NORMAL" in shown(text)


def test_names_from_outside_are_escaped(result: dict[str, Any], shown: Shown) -> None:
    evil = result | {
        "class_names": ["NORMAL", EVIL],
        "baselines": [{"name": EVIL, "title": EVIL, "roc_auc": area(0.6)}],
        "difference": {"prior": {"run": {EVIL: 1.0}, "data": {}}, "sentence": EVIL},
        "curves": [],
    }
    shown(evaluation_page(evil, title=EVIL))


@pytest.mark.parametrize(
    ("model", "baseline", "expected"),
    [
        (area(0.97), area(0.8), "well above it."),
        (area(0.82), area(0.8), "the intervals overlap"),
        (area(0.7), area(0.8), "no better"),
        ({"value": 0.97, "low": None, "high": None}, area(0.8), "Without an interval"),
        (area(0.97), {"value": 0.8, "low": None, "high": None}, "Without an interval"),
    ],
)
def test_model_beside_the_best_baseline(
    model: dict[str, Any], baseline: dict[str, Any], expected: str
) -> None:
    lungs = {"name": "lungs", "title": "lungs", "roc_auc": area(0.99, 0.005)}
    weak = {"name": "border", "title": "border", "roc_auc": area(0.55)}
    best = {"name": "file", "title": "file", "roc_auc": baseline}
    assert expected in beside_baselines(model, [weak, best, lungs])
    assert beside_baselines(model, [lungs]) == ""


def test_nothing_is_said_of_what_is_not_known(result: dict[str, Any]) -> None:
    known = {key: value for key, value in result.items() if key not in OPTIONAL}
    assert statements(known) == []
    unkept = {"unknown": 1.0, "uncertain": 0.0, "accuracy_kept": None, "images": 5}
    [(_, sentence)] = statements(known | {"refusals": unkept})
    assert "100 %" in sentence
    assert "Accuracy" not in sentence


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0 %"), (0.0004, "< 0.1 %"), (0.05, "5 %"), (0.9994, "99.9 %"), (0.9996, "> 99.9 %")],
)
def test_shares_are_never_rounded_to_none_or_all(share: float, text: str) -> None:
    assert percent(share) == text


def test_nobody_is_kept_out(whole_page: str, accessible: Callable[[str], None]) -> None:
    accessible(whole_page)


def test_what_was_drawn_for_files_is_shown_and_not_drawn_again(
    result: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    history = [{"epoch": 1, "loss": 0.5}]
    drawn = module.figures(result, history)
    made: list[Drawing] = []
    shown: list[Drawing] = []
    svg = Drawing.svg
    monkeypatch.setattr(Drawing, "__init__", lambda one, *_: made.append(one))
    monkeypatch.setattr(Drawing, "svg", lambda one, alt: shown.append(one) or svg(one, alt))
    text = evaluation_page(result, title="a run", drawn=drawn, history=history)
    assert made == []
    assert shown == [picture for name, picture in drawn.items() if name != "confusion_matrix"]
    assert text.count("<svg ") == len(shown) == 6
