"""What to believe of an evaluation, in a few sentences that stand above all figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.base.number_text import percent, value_text
from zoo.stats.calibration import error_by_chance

CHANCE = 0.5
SEEING_LUNGS = frozenset({"lungs"})
"""Baselines that look where a radiologist looks; they are shown, but prove no shortcut."""


def statements(
    result: Mapping[str, Any], measured_on: str = "these images"
) -> list[tuple[str, str]]:
    """Return (heading, sentence) for what `result` holds; optional keys may be missing or None."""
    said = [
        ("Baselines", beside_baselines(_area(result), result.get("baselines") or ())),
        ("Threshold", _threshold(result, measured_on)),
        ("Other data", _difference(result)),
        *(
            (f"By {found['column']}", group_statement(found))
            for found in result.get("groups") or ()
        ),
        ("Refusals", _refusals(result)),
        ("Prevalence", _prevalence(result)),
        ("Calibration", _calibration(result)),
    ]
    return [(heading, sentence) for heading, sentence in said if sentence]


def beside_baselines(
    area: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]], model: str = "the model"
) -> str:
    """Compare a ROC-AUC with the best baseline that never sees the lungs; empty without one.

    `area` and each baseline's `roc_auc` are {value, low, high}. Intervals that overlap are not
    called a difference.
    """
    best = _best(baselines)
    if best is None or area["value"] is None:
        return ""
    other = best["roc_auc"]
    start = (
        f"The best baseline that never sees the lungs ({best['title']}) reaches a ROC-AUC of "
        f"{value_text(other)}; {model} reaches {value_text(area)}"
    )
    if area["value"] <= other["value"]:
        return f"{start}, which is no better: it may have learned no more than a shortcut."
    if _apart(area, other):
        return f"{start}, well above it."
    if area["low"] is None or other["high"] is None:
        return f"{start}. Without an interval it cannot be told whether that is more than chance."
    return f"{start}, close to it: the intervals overlap, so a shortcut may explain the score."


def above_chance(area: Mapping[str, Any]) -> bool:
    """Tell whether a ROC-AUC, {value, low, high}, is above 0.5 with its whole interval."""
    return area["low"] is not None and area["low"] > CHANCE


def doubt(area: Mapping[str, Any], baselines: Sequence[Mapping[str, Any]]) -> str:
    """Say why a ROC-AUC may not be called the best; empty when nothing speaks against it."""
    if not above_chance(area):
        return "which is not shown to be better than chance"
    best = _best(baselines)
    if best is not None and not _apart(area, best["roc_auc"]):
        return f"which is not shown to be better than the baseline {best['title']}"
    return ""


def _best(baselines: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    known = [
        entry
        for entry in baselines
        if entry["roc_auc"]["value"] is not None and entry["name"] not in SEEING_LUNGS
    ]
    return max(known, key=lambda entry: entry["roc_auc"]["value"], default=None)


def _apart(area: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return area["low"] is not None and other["high"] is not None and area["low"] > other["high"]


def _area(result: Mapping[str, Any]) -> Mapping[str, Any]:
    return result["metrics"]["roc_auc"]


def _threshold(result: Mapping[str, Any], measured_on: str) -> str:
    point = result.get("operating_threshold")
    if not point:
        return ""
    from zoo.stats.operating import describe_threshold

    chosen = describe_threshold(point, result["class_names"][result["positive"]])
    rates = [
        f"{name} is {value_text(result['metrics'][name])}"
        for name in ("sensitivity", "specificity")
        if result["metrics"][name]["value"] is not None
    ]
    return f"{chosen} On {measured_on} {' and '.join(rates)}." if rates else chosen


def _refusals(result: Mapping[str, Any]) -> str:
    refusals = result.get("refusals")
    if not refusals:
        return ""
    kept = refusals.get("accuracy_kept") or {}
    rest = f" Accuracy on the rest: {value_text(kept)}." if kept.get("value") is not None else ""
    return (
        f"Of {refusals['images']:,} images, {percent(refusals['unknown'])} would be refused as "
        "unlike "
        f"the training images and {percent(refusals['uncertain'])} as too close to call.{rest}"
    )


def _difference(result: Mapping[str, Any]) -> str:
    difference = result.get("difference")
    return difference["sentence"] if difference else ""


def group_statement(found: Mapping[str, Any]) -> str:
    """Say which groups of images fall behind, and whether the score over all hides the groups."""
    said = [row["sentence"] for row in found["behind"]]
    if not any(found["gaps"].values()):
        said.append("There are no two groups that can be compared.")
    elif not said:
        said.append("No group is shown to fall behind another.")
    within = found["within"]
    return " ".join([*said, *([within["sentence"]] if within and within["sentence"] else [])])


def _prevalence(result: Mapping[str, Any]) -> str:
    prevalence = result.get("prevalence")
    if not prevalence:
        return ""
    positive = result["class_names"][result["positive"]]
    right, cleared = number(prevalence.get("ppv")), number(prevalence.get("npv"))
    said = [f"Where {percent(number(prevalence['stated']) or 0)} of the patients have {positive}"]
    if right is not None:
        said.append(f"a call of {positive} is right in {percent(right)}")
    if cleared is not None:
        said.append(f"an all-clear is right in {percent(cleared)}")
    return ", ".join(said) + "."


def _calibration(result: Mapping[str, Any]) -> str:
    calibration = result.get("calibration")
    if not calibration:
        return ""
    error, chance = calibration["after"]["ece_mass"], error_by_chance(calibration["after"]["bins"])
    return (
        f"Stated confidence and the share of right answers lie {100 * error:.1f} percentage points "
        f"apart on average (calibration error {error:.3f}; of so many images right probabilities "
        f"would show up to {chance:.3f})."
    )


def number(entry: Any) -> float | None:
    """Return a plain number, or the value of a {value, low, high}."""
    if isinstance(entry, Mapping):
        entry = entry.get("value")
    return None if entry is None else float(entry)
