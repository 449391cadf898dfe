"""Measured results as aligned plain text, for the terminal and the evaluation page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.base.number_text import UNDEFINED, interval, number, percent

TITLES = {
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "balanced_accuracy": "Balanced accuracy",
    "accuracy": "Accuracy",
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
}


def classification_table(result: Mapping[str, Any], digits: int = 2) -> str:
    """Lay out `classification_metrics` as scikit-learn's classification report."""
    headings = ("precision", "recall", "f1-score", "support")
    names = [entry["name"] for entry in result["classes"]]
    width = max(len(name) for name in [*names, "weighted avg"])

    def line(name: str, entry: Mapping[str, Any]) -> str:
        scores = "".join(f" {entry[key]:>9.{digits}f}" for key in ("precision", "recall", "f1"))
        return f"{name:>{width}} {scores} {entry['support']:>9}"

    accuracy = result["metrics"]["accuracy"]["value"]
    return "\n".join(
        [
            f"{'':>{width}} " + "".join(f" {heading:>9}" for heading in headings),
            "",
            *(line(entry["name"], entry) for entry in result["classes"]),
            "",
            f"{'accuracy':>{width}} {'':>10}{'':>10} {accuracy:>9.{digits}f} {result['images']:>9}",
            line("macro avg", result["macro"]),
            line("weighted avg", result["weighted"]),
        ]
    )


def metrics_table(result: Mapping[str, Any], digits: int = 3) -> str:
    """Lay out the metrics with their 95 % intervals; what is undefined says why."""
    lines = [f"{'':<18} {'value':>6}  95 % interval"]
    for name, entry in result["metrics"].items():
        value, reach = metric_text(entry, digits)
        note = f"  {entry['note']}" if entry["note"] else ""
        lines.append(f"{TITLES[name]:<18} {value:>6}  {reach}{note}".rstrip())
    lines += ["", *filter(None, [calibration_text(result)]), basis(result)]
    return "\n".join(lines)


def group_table(found: Mapping[str, Any]) -> str:
    """Lay out the scores of each group (`zoo.stats.groups.by_group`) and the widest gaps."""
    keys = ("roc_auc", "sensitivity", "specificity")
    rows = [
        [
            entry["name"],
            f"{entry['images']:,}",
            f"{entry['patients']:,}",
            *(joined(metric_text(entry["metrics"][key])) for key in keys),
        ]
        for entry in found["groups"]
    ]
    rows = [
        [f"By {found['column']}", "images", "patients", *(TITLES[key] for key in keys)],
        *rows,
        ["widest gap", "", "", *(joined(gap_text(found["gaps"][key])) for key in keys)],
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    notes = [f"{entry['name']}: {entry['note']}" for entry in found["groups"] if entry["note"]]
    return "\n".join([*lines, *notes, *found["notes"]])


def gap_text(gap: Mapping[str, Any] | None) -> tuple[str, str]:
    """Return a gap and its interval, which may begin below 0, as text; a dash stands for none."""
    if gap is None:
        return UNDEFINED, ""
    return number(gap["value"]), interval(gap["low"], gap["high"], signed=True)


def difference_text(
    entry: Mapping[str, Any] | None, digits: int = 3, factor: float = 1
) -> tuple[str, str]:
    """Return a difference and its interval as text, with their signs; a dash stands for none."""
    if entry is None or entry["value"] is None:
        return UNDEFINED, ""
    value, low, high = (
        None if entry[key] is None else factor * entry[key] for key in ("value", "low", "high")
    )
    return number(value, digits, signed=True), interval(low, high, digits, signed=True)


def cell(text: tuple[str, str]) -> dict[str, str]:
    """Make a cell of a table of a value and its interval."""
    return {"text": text[0], "interval": text[1]}


def joined(text: tuple[str, str]) -> str:
    """Write a value and its interval in one piece: 'value (interval)'."""
    return f"{text[0]} ({text[1]})" if text[1] else text[0]


def calibration_text(result: Mapping[str, Any]) -> str:
    """Say how well probabilities fit, and what the temperature did; empty when not measured."""
    measured = result.get("calibration")
    if not measured:
        return ""
    before, after = measured["before"], measured["after"]
    return (
        f"Calibration error {after['ece_mass']:.3f} with bins of equal mass, "
        f"{after['ece_width']:.3f} with bins of equal width; {before['ece_mass']:.3f} and "
        f"{before['ece_width']:.3f} before the temperature of {measured['temperature']:.2f}. "
        f"Brier score {after['brier']:.3f}, {before['brier']:.3f} before."
    )


def metric_text(entry: Mapping[str, Any], digits: int = 3) -> tuple[str, str]:
    """Return one metric's value and interval as text; a dash stands for what is undefined."""
    if entry["value"] is None:
        return UNDEFINED, ""
    return number(entry["value"], digits), interval(entry["low"], entry["high"], digits)


def basis(result: Mapping[str, Any]) -> str:
    """Say in a sentence or two what the figures rest on and how a class was decided."""
    threshold, names = result["threshold"], result["class_names"]
    positive = names[result["positive"]]
    decision = (
        "The most probable class was taken."
        if threshold is None
        else f"{positive} was called from a probability of {threshold:.3g} up."
    )
    return (
        f"{result['images']:,} images of {result['patients']:,} patients; intervals count the "
        f"patients. {decision} {against(names, positive)}"
    )


def against(class_names: Sequence[str], positive: str) -> str:
    """Say in a sentence which classes sensitivity, specificity and areas are about."""
    if len(class_names) == 2:
        return f"{positive} is the class looked for."
    return "Sensitivity, specificity and areas are means over the classes, each against the rest."


def metric_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each metric of a result of `zoo.stats.metrics.classification_metrics`."""
    return [row(TITLES[name], entry) for name, entry in result["metrics"].items()]


def baseline_rows(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the ROC-AUC of the run and of its baselines; none when there is no baseline."""
    baselines = result.get("baselines")
    if not baselines:
        return []
    network = row("this run", result["metrics"]["roc_auc"])
    return [network, *(row(entry["title"], entry["roc_auc"], quiet=True) for entry in baselines)]


def confusion_rows(
    confusion: Sequence[Sequence[int]], class_names: Sequence[str]
) -> list[dict[str, Any]]:
    """Return a row for each true class: its name, and of each cell the count and the share."""
    return [
        {
            "name": name,
            "cells": [
                {"count": count, "share": share, "text": percent(share)}
                for count in counts
                for share in [count / max(1, sum(counts))]
            ],
        }
        for name, counts in zip(class_names, confusion, strict=True)
    ]


def row(title: str, entry: Mapping[str, Any], quiet: bool = False) -> dict[str, Any]:
    """Make a row of a {value, low, high, note}; `quiet` ones are drawn in gray."""
    text, reach = metric_text(entry)
    return {"note": "", **entry, "title": title, "text": text, "interval": reach, "quiet": quiet}
