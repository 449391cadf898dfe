"""The causes that can hold a run back: each judged from the run's figures, with its evidence.

A fall counts where it is more than 0.05 and more than chance gives between parts of so many
patients; one that may be chance is said to be not known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.displayed import Tabled
from zoo.base.number_text import percent, value_text
from zoo.runs.decision import FRAMED
from zoo.stats.alarms import (
    COLLAPSED_SHARE,
    GAP,
    LEARNED,
    Conditions,
    against_collapse,
    against_overfitting,
    exactly,
    gap,
    not_trained_here,
)
from zoo.stats.calibration import error_by_chance
from zoo.stats.robustness import FALL, named, worst_test

HOLDS_BACK, FINE, UNKNOWN = "holds it back", "fine", "not known"
MORE = "More patients in these parts would tell."
MISCALIBRATED = 0.05
"""Expected calibration error above which a probability should not be read as one."""
SHORTCUT = 0.6
"""ROC-AUC of a baseline that never sees the lungs above which the data hold a shortcut."""


@dataclass(frozen=True, repr=False)
class Cause(Tabled):
    """One possible cause: whether it holds the run back, what shows it, and what to do."""

    kind: str
    verdict: str
    evidence: str
    remedy: str = ""


def overfitting(
    train: float | None, validation: Mapping[str, Any], conditions: Conditions
) -> Cause:
    """Compare the ROC-AUC on the training part with that on validation."""
    value = validation["value"]
    if train is None or value is None:
        return Cause("overfitting", UNKNOWN, "ROC-AUC is undefined on one of the parts.")
    evidence = f"ROC-AUC {train:.3f} on the training part, {value_text(validation)} on validation."
    if train < LEARNED:
        return Cause(
            "overfitting",
            FINE,
            f"{evidence} It has not even learned the training part.",
            _against_underfitting(conditions),
        )
    remedy = against_overfitting(conditions)
    return _fallen("overfitting", exactly(train), validation, evidence, remedy)


def shift(validation: Mapping[str, Any], test: Mapping[str, Any]) -> Cause:
    """Compare the ROC-AUC on validation with that on the test part."""
    if validation["value"] is None or test["value"] is None:
        return Cause("shift", UNKNOWN, "ROC-AUC is undefined on one of the parts.")
    evidence = (
        f"ROC-AUC {value_text(validation)} on validation, {value_text(test)} on the test part."
    )
    return _fallen(
        "shift",
        validation,
        test,
        evidence,
        "The test images differ from those it learned from: 'zoo check' says how, and whether "
        "patients are in both.",
    )


def elsewhere(test: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> Cause:
    """Compare the ROC-AUC on the test part with the worst on other data."""
    known = {name: area for name, area in others.items() if area["value"] is not None}
    if not known or test["value"] is None:
        return Cause(
            "other data",
            UNKNOWN,
            "It was never scored on data from elsewhere.",
            "zoo evaluate RUN --data OTHER",
        )
    name, worst = min(known.items(), key=lambda item: item[1]["value"])
    evidence = f"ROC-AUC {value_text(test)} on its own test part, {value_text(worst)} on {name}."
    return _fallen(
        "other data",
        test,
        worst,
        evidence,
        "The score is one of the data set, not of the disease. Train on several sources, and do "
        "not use it elsewhere.",
    )


def robustness(tests: Mapping[str, Mapping[str, Any]]) -> Cause:
    """Judge how far the balanced accuracy falls on changed images; the worst stress test counts."""
    worst = worst_test(tests)
    if worst is None:
        return Cause("stress", UNKNOWN, "It was never asked of changed images.", "zoo stress RUN")
    name, row, failed = worst
    clean = tests[name]["clean"]["metrics"]["balanced_accuracy"]
    changed = row["metrics"]["balanced_accuracy"]
    evidence = (
        f"Balanced accuracy {value_text(clean)} on the images of {name} as they are, "
        f"{value_text(changed)} under the worst change, {named(row)}; "
        f"{sum(row['refused'].values())} of {tests[name]['images']} images would then be refused."
    )
    if not failed:
        return Cause("stress", FINE, evidence)
    lost = row["fall"]["roc_auc"]["value"]
    remedy = (
        "The ranking suffers too: images changed so belong into the training."
        if lost is None or lost > GAP
        else "The ranking survives, the threshold does not: it has to be chosen on such images."
    )
    return Cause(
        "stress",
        HOLDS_BACK,
        f"{evidence} {failed} of {len(tests[name]['rows'])} changes cost more than {FALL:g}.",
        f"On pictures of another machine do not trust its answers. {remedy}",
    )


def shortcut(test: Mapping[str, Any], baselines: list[Mapping[str, Any]], frame: str = "") -> Cause:
    """Compare the network with the best baseline, which a framed network does not even see."""
    known = [b for b in baselines if b["roc_auc"]["value"] is not None]
    if not known or test["value"] is None:
        return Cause("shortcut", UNKNOWN, "No baseline could be measured.")
    best = max(known, key=lambda b: b["roc_auc"]["value"])
    value = best["roc_auc"]["value"]
    alone = f"{value_text(best['roc_auc'])} ({best['title']})"
    evidence = f"ROC-AUC {value_text(test)}; without the lungs {alone}."
    if frame in FRAMED:
        rest = (
            " The network is cut to a part of the picture and does not see that. Whether it rests "
            "on the lungs, 'zoo explain --global' tells."
        )
        return Cause("shortcut", FINE, evidence + (rest if value > SHORTCUT else ""))
    if value < test["value"] - GAP:
        rest = " That alone is a shortcut the network may use." if value > SHORTCUT else ""
        return Cause("shortcut", FINE, evidence + rest)
    return Cause(
        "shortcut",
        HOLDS_BACK,
        evidence,
        "What never sees the lungs does (nearly) as well: the score says little about disease. "
        "'zoo check' shows what tells the classes apart.",
    )


def collapse(test: Mapping[str, Any], conditions: Conditions) -> Cause:
    """Tell whether (nearly) every test image gets the same class."""
    confusion, names = test["confusion"], test["class_names"]
    called = [sum(row[c] for row in confusion) for c in range(len(names))]
    share, largest = max(called) / sum(called), names[called.index(max(called))]
    evidence = f"{percent(share)} of the test images are called {largest}."
    if share < COLLAPSED_SHARE or max(map(sum, confusion)) / sum(called) >= COLLAPSED_SHARE:
        return Cause("collapse", FINE, evidence)
    return Cause(
        "collapse",
        HOLDS_BACK,
        evidence,
        against_collapse(conditions),
    )


def calibration(test: Mapping[str, Any]) -> Cause:
    """Judge the calibration error on the test part."""
    after = test["calibration"]["after"]
    error, chance = after["ece_mass"], error_by_chance(after["bins"])
    evidence = f"Expected calibration error {error:.3f} on the test part."
    if error <= MISCALIBRATED:
        return Cause("calibration", FINE, evidence)
    evidence += f" Of so many images right probabilities would show up to {chance:.3f} by chance."
    if error <= chance:
        return Cause("calibration", UNKNOWN, evidence, MORE)
    return Cause(
        "calibration",
        HOLDS_BACK,
        evidence,
        "Do not read its probabilities as such. A larger validation part, or other class shares "
        "in use (--prevalence), may explain it.",
    )


def threshold(test: Mapping[str, Any]) -> Cause:
    """Compare Youden's index at the threshold with the best that the ROC curve allows.

    The evidence has the rates on both parts: those on validation alone promise too much.
    """
    point = test["operating_point"]
    if point is None or not test["curves"]:
        return Cause("threshold", UNKNOWN, "With more than two classes there is no threshold.")
    roc = test["curves"][0]["roc"]
    best = max(y - x for x, y in zip(roc["x"], roc["y"], strict=True))
    youden, high = _youden(test["metrics"])
    evidence = (
        f"Sensitivity {point['recall']:.3f} and specificity "
        f"{1 - point['false_positive_rate']:.3f} on the test part"
    )
    chosen = test["operating_threshold"]
    if chosen:
        evidence += (
            f", {chosen['sensitivity']['value']:.3f} and {chosen['specificity']['value']:.3f} on "
            "validation, where the threshold was chosen"
        )
    evidence += (
        f". Youden's index {youden:.3f}, by chance up to {high:.3f}, on the test part; {best:.3f} "
        "at the threshold that is best there."
    )
    if best - youden <= GAP:
        return Cause("threshold", FINE, evidence)
    if chosen and chosen["rule"] == "sensitivity":
        told = f"It was chosen for a sensitivity of {chosen['target']:g}: that is its price."
        return Cause("threshold", FINE, f"{evidence} {told}")
    if best <= high:
        return Cause("threshold", UNKNOWN, evidence, MORE)
    return Cause(
        "threshold",
        HOLDS_BACK,
        evidence,
        "The threshold from validation does not fit the test part: the parts differ, or the "
        "validation part is too small.",
    )


def _fallen(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], evidence: str, remedy: str
) -> Cause:
    """Judge how far ROC-AUC falls from one part to another."""
    if before["value"] - after["value"] <= GAP:
        return Cause(kind, FINE, evidence)
    if not gap(before, after):
        return Cause(kind, UNKNOWN, f"{evidence} That may be chance.", MORE)
    return Cause(kind, HOLDS_BACK, evidence, remedy)


def _youden(metrics: Mapping[str, Any]) -> tuple[float, float]:
    """Return sensitivity and specificity less one, and the upper limit of that.

    Source: Newcombe, Interval estimation for the difference between independent proportions, 1998.
    """
    rates = metrics["sensitivity"], metrics["specificity"]
    above = [(one["value"] if one["high"] is None else one["high"]) - one["value"] for one in rates]
    index = sum(one["value"] for one in rates) - 1
    return index, index + math.hypot(*above)


def _against_underfitting(conditions: Conditions) -> str:
    if not conditions.phases:
        return not_trained_here(conditions)
    ways = [f"more than {conditions.recipe['epochs']} epochs", "a higher learning_rate"]
    if conditions.recipe["augmentation"] != "none":
        ways.append("no augmentation")
    if set(conditions.phases) == {"head"}:
        ways.append("fine-tuning of the backbone (fine_tune_epochs)")
    return f"What may help: {', '.join(ways)}."
