"""Each cause is named from the figures that show it, and not where they may be chance."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from zoo.base.recipe import Recipe
from zoo.runs.causes import (
    FINE,
    HOLDS_BACK,
    UNKNOWN,
    calibration,
    collapse,
    elsewhere,
    overfitting,
    robustness,
    shift,
    shortcut,
    threshold,
)
from zoo.stats.alarms import Conditions

WHOLE = Conditions(asdict(Recipe()), {}, ["network"])


def area(value: float | None, reach: float = 0.01) -> dict:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": value - reach, "high": value + reach}


def baseline(value: float) -> list:
    return [{"name": "border", "title": "border", "roc_auc": area(value)}]


@pytest.mark.parametrize(
    ("train", "validation", "verdict"),
    [(0.99, 0.80, HOLDS_BACK), (0.99, 0.97, FINE), (0.65, 0.55, FINE), (0.9, None, UNKNOWN)],
)
def test_overfitting_is_a_gap_between_what_was_learned_and_validation(
    train, validation, verdict
) -> None:
    assert overfitting(train, area(validation), WHOLE).verdict == verdict


def test_what_was_not_learned_has_remedies_that_fit_the_run() -> None:
    def remedy(*phases: str, **changes: object) -> str:
        given = Conditions(asdict(Recipe(**changes)), {}, phases)
        return overfitting(0.65, area(0.55), given).remedy

    assert "more than 15 epochs" in remedy("network")
    assert "fine-tuning" in remedy("head")
    assert "fine-tuning" not in remedy("head", "fine-tune") + remedy("network")
    assert "no augmentation" in remedy("network")
    assert "augmentation" not in remedy("network", augmentation="none")


def test_a_gap_between_validation_and_test_is_shift() -> None:
    assert shift(area(0.99), area(0.9)).verdict == HOLDS_BACK
    assert shift(area(0.99), area(0.97)).verdict == FINE


def test_the_worst_other_data_count() -> None:
    cause = elsewhere(area(0.99), {"near": area(0.98), "far": area(0.5)})
    assert cause.verdict == HOLDS_BACK
    assert "far" in cause.evidence
    assert elsewhere(area(0.99), {}).verdict == UNKNOWN


def test_a_baseline_near_the_network_is_a_shortcut() -> None:
    assert shortcut(area(0.9), baseline(0.88)).verdict == HOLDS_BACK
    below = shortcut(area(0.9), baseline(0.7))
    assert below.verdict == FINE
    assert "may use" in below.evidence
    assert "may use" not in shortcut(area(0.9), baseline(0.55)).evidence


def test_one_class_for_all_is_collapse() -> None:
    names = ["NORMAL", "PNEUMONIA"]
    one = {"confusion": [[0, 40], [0, 60]], "class_names": names}
    assert collapse(one, WHOLE).verdict == HOLDS_BACK
    both = {"confusion": [[30, 10], [5, 55]], "class_names": names}
    assert collapse(both, WHOLE).verdict == FINE


@pytest.mark.parametrize(
    ("reach", "verdict"), [(0.01, HOLDS_BACK), (0.06, HOLDS_BACK), (0.08, UNKNOWN)]
)
def test_a_fall_that_may_be_chance_is_not_known(reach: float, verdict: str) -> None:
    """Each of two parts of independent patients may be off: 0.06 and 0.06 add up to 0.085."""
    for cause in (
        shift(area(0.95, reach), area(0.85, reach)),
        elsewhere(area(0.95, reach), {"far": area(0.85, reach)}),
    ):
        assert cause.verdict == verdict
        assert ("chance" in cause.evidence) == (verdict == UNKNOWN)
        assert ("More patients" in cause.remedy) == (verdict == UNKNOWN)
    exact = overfitting(0.95, area(0.85, reach), WHOLE)
    assert exact.verdict == HOLDS_BACK, "of the training part the figure itself is known"


def calibrated(images: int, right: float, error: float = 0.1) -> dict:
    bins = [{"confidence": 0.8, "accuracy": right, "images": images}] * 15
    return {"calibration": {"after": {"ece_mass": error, "bins": bins}}}


def test_a_calibration_error_counts_where_few_images_do_not_explain_it() -> None:
    assert calibration(calibrated(1000, 0.79, error=0.01)).verdict == FINE
    assert calibration(calibrated(1000, 0.7)).verdict == HOLDS_BACK
    few = calibration(calibrated(10, 0.7))
    assert few.verdict == UNKNOWN
    assert "by chance" in few.evidence
    assert calibration(calibrated(10, 0.4, error=0.4)).verdict == HOLDS_BACK


def thresholded(reach: float, **operating: object) -> dict:
    chosen = {"sensitivity": area(0.97), "specificity": area(0.98)}
    return {
        "operating_point": {"recall": 0.99, "false_positive_rate": 0.6},
        "operating_threshold": {"rule": "youden", "target": None, **chosen, **operating},
        "metrics": {"sensitivity": area(0.99), "specificity": area(0.4, reach)},
        "curves": [{"roc": {"x": [0, 0.1, 0.6, 1], "y": [0, 0.9, 0.99, 1]}}],
    }


def test_a_threshold_far_from_the_best_is_named_unless_it_was_asked_for() -> None:
    cause = threshold(thresholded(0.1))
    assert cause.verdict == HOLDS_BACK
    assert "specificity 0.400 on the test part, 0.970 and 0.980 on validation" in cause.evidence
    asked = threshold(thresholded(0.1, rule="sensitivity", target=0.99))
    assert asked.verdict == FINE
    assert "0.99" in asked.evidence


def test_a_threshold_no_farther_from_the_best_than_chance_is_not_known() -> None:
    """The best of the test part is chosen on it: 0.8 is within what 0.39 may be by chance."""
    assert threshold(thresholded(0.42)).verdict == UNKNOWN
    assert threshold(thresholded(0.40)).verdict == HOLDS_BACK


def test_a_change_that_costs_more_than_a_tenth_holds_back_with_a_remedy_that_fits() -> None:
    assert robustness({}).verdict == UNKNOWN
    borne = robustness({"test": stressed("noise", 0.09)})
    assert (borne.verdict, borne.remedy) == (FINE, "")
    cause = robustness({"test": stressed("noise", 0.09), "validation": stressed("blur", 0.3)})
    assert cause.verdict == HOLDS_BACK
    assert cause.evidence == (
        "Balanced accuracy 0.900 (0.890-0.910) on the images of validation as they are, 0.600 "
        "(0.590-0.610) under the worst change, blur (strong, 8 gray levels); 23 of 200 images "
        "would then be refused. 1 of 2 changes cost more than 0.1."
    )
    assert "ranking survives" in cause.remedy
    assert "ranking suffers" in robustness({"test": stressed("blur", 0.3, 0.2)}).remedy


def stressed(name: str, fall: float, area_fall: float = 0.0) -> dict:
    lost = {"value": fall, "low": fall - 0.01, "high": fall + 0.01}
    return {
        "images": 200,
        "clean": {"metrics": {"balanced_accuracy": area(0.9)}},
        "rows": [
            {
                "stress": name,
                "level": level,
                "text": "8 gray levels",
                "refused": {"unknown": 20, "uncertain": 3},
                "metrics": {"balanced_accuracy": area(0.9 - part["value"])},
                "fall": {"balanced_accuracy": part, "roc_auc": area(area_fall)},
            }
            for level, part in (("mild", area(0.0)), ("strong", lost))
        ],
    }
