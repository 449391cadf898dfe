"""What holds a run back is named from its figures, and nothing else is."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from zoo.base.files import write_json
from zoo.base.recipe import Recipe
from zoo.runs.diagnosis import (
    FINE,
    HOLDS_BACK,
    UNKNOWN,
    Cause,
    calibration,
    collapse,
    diagnose,
    elsewhere,
    held_back,
    overfitting,
    robustness,
    shift,
    shortcut,
    the_others,
    threshold,
    untold,
)
from zoo.runs.run_folder import Run
from zoo.stats.alarms import Alarm, Conditions

WHOLE = Conditions(asdict(Recipe()), {}, ["network"])


def area(value: float | None) -> dict:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


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


def test_a_calibration_error_above_the_limit_is_named() -> None:
    for error, verdict in ((0.2, HOLDS_BACK), (0.01, FINE)):
        assert calibration({"calibration": {"after": {"ece_mass": error}}}).verdict == verdict


def test_a_threshold_far_from_the_best_is_named_unless_it_was_asked_for() -> None:
    chosen = {"sensitivity": area(0.97), "specificity": area(0.98)}
    result = {
        "operating_point": {"recall": 0.99, "false_positive_rate": 0.6},
        "operating_threshold": {"rule": "youden", "target": None, **chosen},
        "curves": [{"roc": {"x": [0, 0.1, 0.6, 1], "y": [0, 0.9, 0.99, 1]}}],
    }
    cause = threshold(result)
    assert cause.verdict == HOLDS_BACK
    assert "specificity 0.400 on the test part, 0.970 and 0.980 on validation" in cause.evidence
    asked = {**result, "operating_threshold": {"rule": "sensitivity", "target": 0.99, **chosen}}
    assert threshold(asked).verdict == FINE
    assert "0.99" in threshold(asked).evidence


def test_what_holds_back_is_set_apart_from_the_rest() -> None:
    kinds = (("shift", HOLDS_BACK), ("other data", UNKNOWN), ("collapse", FINE), ("shortcut", FINE))
    causes = [Cause(kind, verdict, "") for kind, verdict in kinds]
    assert [cause.kind for cause in held_back(causes)] == ["shift"]
    alarms = [Alarm("shift", "It fell.", "Look."), Alarm("collapse", "All are one.", "Look.")]
    assert untold(alarms, causes) == alarms[1:], "the first says what the cause says"
    assert the_others(causes) == "Fine: collapse, shortcut. Not known: other data."


def test_a_run_is_diagnosed_from_its_folder(trained: Run) -> None:
    causes = diagnose(trained)
    assert {cause.kind for cause in causes} == {
        "overfitting",
        "shift",
        "other data",
        "stress",
        "shortcut",
        "collapse",
        "calibration",
        "threshold",
    }
    order = [(HOLDS_BACK, UNKNOWN, FINE).index(cause.verdict) for cause in causes]
    assert order == sorted(order)
    assert all(cause.evidence for cause in causes)


def test_evaluations_on_other_data_are_found(run_copy) -> None:
    from zoo.runs import run_folder

    metrics = {"own": False, "metrics": {"roc_auc": area(0.3)}}
    write_json(run_copy / "evaluation" / "elsewhere-test" / run_folder.METRICS, metrics)
    other = next(c for c in diagnose(run_folder.read(run_copy)) if c.kind == "other data")
    assert "elsewhere-test" in other.evidence


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


def test_stress_tests_are_found_and_half_copied_ones_are_not(run_copy) -> None:
    from zoo.runs import run_folder

    folder = run_copy / run_folder.STRESSES
    write_json(folder / "elsewhere-test" / run_folder.STRESS, stressed("noise", 0.4))
    for name, content in (("half", "{"), ("list", "[]"), ("empty", "{}")):
        (folder / name).mkdir()
        (folder / name / run_folder.STRESS).write_text(content)
    cause = next(c for c in diagnose(run_folder.read(run_copy)) if c.kind == "stress")
    assert cause.verdict == HOLDS_BACK
    assert "elsewhere-test" in cause.evidence
