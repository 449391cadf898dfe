"""Scores by group: every figure in each group, the gaps between groups, and who falls behind.

A group is a share of the images: of one view, one sex, one band of ages. Patients may have images
in several groups; each figure's influences are kept over all images, so that a gap's interval
counts a patient once (zoo.stats.delong). Images whose group is not known are shown as a group of
their own that is compared with none. The schema of the result is described in docs/metrics.md.

A gap is looked for among all pairs of groups and the widest is told, so its interval is widened for
the number of pairs. PR-AUC is shown but not compared: it depends on how frequent a class is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.number_text import interval, number, value_text
from zoo.stats import delong
from zoo.stats.delong import Statistic
from zoo.stats.metrics import classification_metrics, statistics
from zoo.stats.probabilities import decide
from zoo.stats.within_groups import placed, within_groups

UNKNOWN_GROUP = "unknown"
COMPARED = ("roc_auc", "sensitivity", "specificity", "balanced_accuracy", "accuracy")
WARNED = COMPARED[:3]
"""Figures of which a group that falls behind is told; the other two follow from them."""
FEWEST = 10
"""Independent observations (patients; for ROC-AUC pairs of them) below which none is compared."""
TITLES: Mapping[str, str] = {
    "roc_auc": "ROC-AUC",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
}


def by_group(
    labels: np.ndarray,
    probabilities: np.ndarray,
    patients: np.ndarray,
    of_image: Sequence[str],
    class_names: Sequence[str],
    positive: int,
    *,
    column: str,
    order: Sequence[str],
    threshold: float | None = None,
    notes: Sequence[str] = (),
) -> dict[str, Any]:
    """Score each group of images by itself and compare the groups; plain data.

    `labels` is `(n,)` int, `probabilities` is `(n, classes)`, `patients` is `(n,)` str; `of_image`
    has the group of each image, empty where it is not known, and `order` the known groups. Figures
    of a group are those of `classification_metrics` on its images alone.
    """
    labels, patients, groups = np.asarray(labels), np.asarray(patients), np.asarray(of_image)
    predicted = decide(probabilities, positive, threshold)
    entries, measured = [], {}
    for name in [*order, *([""] if (groups == "").any() else [])]:
        inside = groups == name
        scores = classification_metrics(
            labels[inside],
            probabilities[inside],
            patients[inside],
            class_names,
            positive,
            threshold=threshold,
        )
        entry = {
            "name": name or UNKNOWN_GROUP,
            "known": bool(name),
            "images": scores["images"],
            "patients": scores["patients"],
            "positive": float((labels[inside] == positive).mean()),
            "called": float((predicted[inside] == positive).mean()),
            "missing": [class_names[index] for index in sorted({*labels} - {*labels[inside]})],
            "metrics": {
                key: {**value, "compared": False} for key, value in scores["metrics"].items()
            },
        }
        entries.append(entry)
        if name:
            own = statistics(
                labels[inside], probabilities[inside], predicted[inside], positive, patients[inside]
            )
            measured[name] = {
                key: Statistic(figure.value, placed(figure.influence, inside), figure.independent)
                for key, figure in own.items()
                if _comparable(key, entry, figure, len(class_names))
            }
            for key in measured[name]:
                entry["metrics"][key]["compared"] = True
        entry["note"] = _note(entry)
    pairs = {key: _pairs(key, order, measured, patients) for key in COMPARED}
    return {
        "column": column,
        "notes": list(notes),
        "groups": entries,
        "gaps": {key: _widest(found) for key, found in pairs.items()},
        "within": within_groups(labels, probabilities, patients, groups, positive, order),
        "behind": [
            row for key in WARNED for row in _behind(key, entries, pairs[key], measured, patients)
        ],
    }


def _note(entry: Mapping[str, Any]) -> str:
    """Say what cannot be told of a group; empty when everything can."""
    said = [f"No image of {name}." for name in entry["missing"]]
    few = [
        TITLES[key]
        for key in WARNED
        if entry["metrics"][key]["value"] is not None and not entry["metrics"][key]["compared"]
    ]
    if not entry["known"]:
        said.append("Not known which group these belong to: compared with none.")
    elif few and not entry["missing"]:
        said.append(f"Too few patients to compare: {', '.join(few)}.")
    return " ".join(said)


def _comparable(key: str, entry: Mapping[str, Any], figure: Statistic, classes: int) -> bool:
    """Tell whether a figure of a group may stand beside that of another group.

    It needs enough independent patients and, with more than two classes, all classes: a mean over
    other classes is another figure.
    """
    if math.isnan(figure.value) or figure.independent < FEWEST:
        return False
    return key == "accuracy" or classes == 2 or not entry["missing"]


def _pairs(
    key: str,
    order: Sequence[str],
    measured: Mapping[str, Mapping[str, Statistic]],
    patients: np.ndarray,
) -> list[dict[str, Any]]:
    """Return the gap of each two groups that can be compared, the better one first."""
    known = [(name, measured[name][key]) for name in order if key in measured[name]]
    both = list(itertools.combinations(known, 2))
    rows = []
    for pair in both:
        (best, first), (worst, second) = sorted(pair, key=lambda named: -named[1].value)
        widened = delong.gap(first, second, patients, comparisons=len(both))
        rows.append({"best": best, "worst": worst, "pairs": len(both), **widened})
    return rows


def _widest(pairs: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    return max(pairs, key=lambda row: row["value"], default=None)


def _behind(
    key: str,
    entries: Sequence[Mapping[str, Any]],
    pairs: Sequence[Mapping[str, Any]],
    measured: Mapping[str, Mapping[str, Statistic]],
    patients: np.ndarray,
) -> list[dict[str, Any]]:
    """Return the groups whose interval lies below that of another, by more than chance.

    Among many groups some intervals lie apart by chance: the gap, widened for the number of pairs
    and of figures looked at, has to be above 0 too, so that where all groups are equal a warning is
    given in less than 5 % of the columns. Of the groups ahead the one of the widest gap is named.
    """
    of_group = {entry["name"]: entry["metrics"][key] for entry in entries if entry["known"]}
    found: dict[str, Mapping[str, Any]] = {}
    for row in sorted(pairs, key=lambda row: row["value"]):
        low, high = of_group[row["best"]]["low"], of_group[row["worst"]]["high"]
        if low is None or high is None or high >= low:
            continue
        first, second = measured[row["best"]][key], measured[row["worst"]][key]
        least = delong.gap(first, second, patients, row["pairs"] * len(WARNED))["low"]
        if least is not None and least > 0:
            found[row["worst"]] = row
    return [
        {
            "metric": key,
            "group": group,
            "ahead": row["best"],
            "sentence": (
                f"{TITLES[key]} is {value_text(of_group[group])} for '{group}' and "
                f"{value_text(of_group[row['best']])} for '{row['best']}': {group} falls behind."
            ),
        }
        for group, row in found.items()
    ]


def gap_sentence(column: str, key: str, gap: Mapping[str, Any] | None) -> str:
    """Say how far the best and the worst group lie apart in a figure; empty without a gap."""
    if gap is None:
        return ""
    reach = interval(gap["low"], gap["high"], signed=True)
    shown = gap["low"] is not None and gap["low"] > 0
    end = "" if shown else ", not shown to be more than chance"
    return (
        f"{TITLES[key]} by {column}: best for '{gap['best']}', worst for '{gap['worst']}', "
        f"{number(gap['value'])}{f' ({reach})' if reach else ''} apart{end}."
    )
