from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zoo.stats.robustness import falls, figures, named, not_borne, scores, worst_first, worst_test

LABELS = np.repeat([0, 1], 40)
PATIENTS = np.array([f"p{n // 2}" for n in range(80)])


def answered(wrong: int) -> Any:
    """Return the figures when the first `wrong` negative images are called positive."""
    sure = np.where(LABELS == 1, 0.9, 0.1)
    sure[:wrong] = 0.95
    probabilities = np.stack([1 - sure, sure], axis=1)
    return figures(LABELS, probabilities, probabilities.argmax(axis=1), 1, PATIENTS)


def row(name: str, value: float | None, low: float | None, area: float = 0.0) -> dict[str, Any]:
    fall = {"value": value, "low": low, "high": None, "p": None}
    return {
        "stress": name,
        "level": "strong",
        "strength": 16,
        "text": "16 gray levels",
        "fall": {"balanced_accuracy": fall, "roc_auc": {**fall, "value": area}},
        "metrics": {"balanced_accuracy": {"value": 0.5, "low": None, "high": None}},
    }


def test_a_fall_is_clean_less_changed_with_the_interval_of_a_pair() -> None:
    before, after = answered(4), answered(14)
    told = falls(before, after, PATIENTS)
    assert told["specificity"]["value"] == pytest.approx(10 / 40)
    assert told["balanced_accuracy"]["value"] == pytest.approx(5 / 40)
    assert 0 < told["balanced_accuracy"]["low"] < 5 / 40 < told["balanced_accuracy"]["high"]
    assert told["sensitivity"]["value"] == 0
    assert told["roc_auc"]["value"] > 0
    alone = [scores(each, PATIENTS)["specificity"] for each in (before, after)]
    assert [entry["value"] for entry in alone] == pytest.approx([36 / 40, 26 / 40])
    paired = told["specificity"]["high"] - told["specificity"]["low"]
    assert paired < np.hypot(*(entry["high"] - entry["low"] for entry in alone))


def test_what_did_not_change_did_not_fall() -> None:
    told = falls(answered(4), answered(4), PATIENTS)
    assert {entry["value"] for entry in told.values()} == {0}


def test_one_class_has_no_balanced_accuracy_to_fall() -> None:
    one = figures(LABELS[:40], np.full((40, 2), 0.5), np.zeros(40, int), 1, PATIENTS[:40])
    told = falls(one, one, PATIENTS[:40])
    assert told["balanced_accuracy"] == {"value": None, "low": None, "high": None, "p": None}
    assert told["specificity"]["value"] == 0


def test_more_than_two_classes_are_means_over_them() -> None:
    labels = np.arange(60) % 3
    patients = np.arange(60).astype(str)
    right = np.eye(3)[labels] * 0.8 + 0.05
    told = falls(
        figures(labels, right, labels, 2, patients),
        figures(labels, right, np.zeros(60, int), 2, patients),
        patients,
    )
    assert told["balanced_accuracy"]["value"] == pytest.approx(2 / 3)
    assert told["roc_auc"]["value"] == 0


def test_only_falls_above_a_tenth_and_beyond_chance_are_not_borne() -> None:
    rows = [
        row("small", 0.09, 0.05),
        row("noise", 0.2, 0.1),
        row("chance", 0.3, -0.01),
        row("everything", 0.5, None),
        row("unknown", None, None),
    ]
    assert [r["stress"] for r in worst_first(rows)] == ["everything", "chance", "noise", "small"]
    assert [r["stress"] for r in not_borne(rows)] == ["everything", "noise"]


def test_a_total_collapse_is_not_borne() -> None:
    before, after = answered(0), answered(40)
    told = falls(before, after, PATIENTS)["balanced_accuracy"]
    assert told["value"] == 0.5
    assert told["low"] is None, "no patient moves it"
    assert not_borne([{**row("x", 0, 0), "fall": {"balanced_accuracy": told}}])


def test_a_test_with_a_change_that_is_not_borne_counts_before_a_greater_fall_by_chance() -> None:
    tests = {
        "few": {"rows": [row("chance", 0.3, -0.1)]},
        "many": {"rows": [row("noise", 0.15, 0.1), row("blur", 0.14, 0.1)]},
        "none": {"rows": [row("unknown", None, None)]},
    }
    name, worst, failed = worst_test(tests) or ("", {}, 0)
    assert (name, worst["stress"], failed) == ("many", "noise", 2)
    name, worst, failed = worst_test({"few": tests["few"]}) or ("", {}, 1)
    assert (name, worst["stress"], failed) == ("few", "chance", 0)
    assert worst_test({"none": tests["none"]}) is None
    assert worst_test({}) is None


def test_a_row_is_named_in_words() -> None:
    assert named(row("noise", 0, 0)) == "noise (strong, 16 gray levels)"
