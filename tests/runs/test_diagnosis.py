"""What holds a run back is found in its folder, and told apart from the rest."""

from __future__ import annotations

from zoo.base.files import write_json
from zoo.runs.causes import FINE, HOLDS_BACK, UNKNOWN, Cause
from zoo.runs.diagnosis import diagnose, held_back, the_others, untold
from zoo.runs.run_folder import Run
from zoo.stats.alarms import Alarm


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

    metrics = {"own": False, "metrics": {"roc_auc": {"value": 0.3, "low": 0.2, "high": 0.4}}}
    write_json(run_copy / "evaluation" / "elsewhere-test" / run_folder.METRICS, metrics)
    other = next(c for c in diagnose(run_folder.read(run_copy)) if c.kind == "other data")
    assert "elsewhere-test" in other.evidence


FALLEN = ("balanced_accuracy", "roc_auc")


def scores(value: float) -> dict:
    return {"metrics": {"balanced_accuracy": {"value": value, "low": value, "high": value}}}


def test_stress_tests_are_found_and_half_copied_ones_are_not(run_copy) -> None:
    from zoo.runs import run_folder

    row = {
        "stress": "noise",
        "level": "strong",
        "text": "8 gray levels",
        "refused": {"unknown": 20, "uncertain": 3},
        "fall": {key: {"value": 0.4, "low": 0.3, "high": 0.5} for key in FALLEN},
        **scores(0.5),
    }
    folder = run_copy / run_folder.STRESSES
    write_json(
        folder / "elsewhere-test" / run_folder.STRESS,
        {"images": 200, "clean": scores(0.9), "rows": [row]},
    )
    for name, content in (("half", "{"), ("list", "[]"), ("empty", "{}")):
        (folder / name).mkdir()
        (folder / name / run_folder.STRESS).write_text(content)
    cause = next(c for c in diagnose(run_folder.read(run_copy)) if c.kind == "stress")
    assert cause.verdict == HOLDS_BACK
    assert "elsewhere-test" in cause.evidence
