"""The page of a comparison: which model is best, by how much, and whether that is certain."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from zoo import DISCLAIMER
from zoo.base.number_text import p_value, value_text
from zoo.base.types import EMPTY
from zoo.report.figures.comparison import model_forest, pair_forest, training_dots
from zoo.report.pages.belief import above_chance, beside_baselines, doubt
from zoo.report.rendering import command_line, drawings, render
from zoo.report.tables import TITLES, against, cell, difference_text, metric_text

METRICS = ("roc_auc", "balanced_accuracy", "sensitivity", "specificity", "accuracy")
HEADINGS = (
    *(TITLES[name] for name in METRICS),
    "Calibration error",
    "Brier score",
    "Spread",
    "Weights",
    "Training",
)
MANY_PAIRS = 10
"""With more of them only those of the first are told one by one."""
TITLE = {"folds": "Architectures compared", "runs": "Runs compared"}


def comparison_page(
    result: Mapping[str, Any],
    *,
    title: str = "",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for the plain data of a comparison.

    `result` holds kind ('folds', 'runs'), data, budget, stopped, left_out, positive, class_names,
    entries (best first), baselines, pairs, notes, command and synthetic; what is undefined is None.
    """
    entries, pairs = result["entries"], result["pairs"]
    told = told_pairs(result)
    beside = "" if len(told) == len(pairs) else f" Those of {entries[0]['name']} with each other."
    names = ", ".join(entry["name"] for entry in entries)
    drawn = [
        (
            "ROC-AUC with 95 % intervals",
            "Models in blue; in gray what is reached without looking at the lungs.",
            f"ROC-AUC of {names} and of the baselines; the numbers are in the leaderboard.",
            model_forest(result),
        ),
        (
            "Every training",
            (
                "One dot a training. How far dots of one row lie apart is luck: the draw of the "
                "test fold and the random start. The stroke is their mean."
            ),
            f"ROC-AUC of every single training of {names}.",
            training_dots(entries),
        ),
        (
            "Differences",
            f"An interval that crosses the line leaves open which of the two is better.{beside}",
            "Differences in ROC-AUC between pairs; the numbers are in the table of pairs.",
            pair_forest(told),
        ),
    ]
    return render(
        "comparison.html.j2",
        title=title or TITLE[result["kind"]],
        lead=_lead(result),
        said=statements(result),
        headings=HEADINGS,
        spread_note=(
            "Spread is the standard deviation of ROC-AUC over the trainings."
            if any(entry.get("spread") is not None for entry in entries)
            else ""
        ),
        rows=[*_ranked(entries), *(_baseline(entry) for entry in result["baselines"])],
        figures=drawings(drawn),
        stopped=[_stopped(one) for one in result["stopped"]],
        left_out=result["left_out"],
        told=[pair["sentence"] for pair in told if pair["sentence"]],
        pairs=[_pair(pair) for pair in pairs],
        command=command_line(result["command"]) if result["command"] else "",
        information=information,
        notes=result["notes"],
        synthetic=result["synthetic"],
        disclaimer=disclaimer,
    )


def _lead(result: Mapping[str, Any]) -> str:
    data, number = result["data"], len(result["entries"])
    basis = (
        f"{data['images']:,} images of {data['patients']:,} patients from {data['source']}. "
        f"{against(result['class_names'], result['positive'])}"
    )
    if result["kind"] == "runs":
        return f"{number} finished runs on the same images. {basis}"
    folds, seeds = _count(data["folds"]), _count(data["seeds"])
    planned, budget = folds * seeds, result["budget"]
    trained = planned if budget is None else budget["trainings"]
    times = f"{trained} times" if trained == planned else f"{trained} of {planned} times"
    short = "" if trained == planned else " No more fitted into the budget."
    return (
        f"{number} {'architecture' if number == 1 else 'architectures'}, each trained {times}: "
        f"{folds} folds by patient, {seeds} random {'start' if seeds == 1 else 'starts'}.{short} "
        f"{basis}"
    )


def _count(number_or_list: Any) -> int:
    return number_or_list if isinstance(number_or_list, int) else len(number_or_list or ())


def told_pairs(result: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the pairs to be told one by one: all, or those of the first where they are many."""
    pairs = result["pairs"]
    if len(pairs) <= MANY_PAIRS:
        return pairs
    first = result["entries"][0]["name"]
    return [pair for pair in pairs if pair["a"] == first]


def statements(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the comparison shows as (heading, sentence).

    The highest ROC-AUC is called the best only where it is above chance and all baselines.
    """
    entries = [entry for entry in result["entries"] if entry["roc_auc"]["value"] is not None]
    if not entries:
        return [("Best", "No model has a ROC-AUC: all images have the same class.")]
    first = entries[0]
    told = f"{first['name']} with a ROC-AUC of {value_text(first['roc_auc'])}"
    why_not = doubt(first["roc_auc"], result["baselines"])
    said = [
        ("Highest", f"{told}, {why_not}: none is the best.") if why_not else ("Best", f"{told}.")
    ]
    if len(entries) > 1:
        pair = _pair_of(result["pairs"], first["name"], entries[1]["name"])
        if pair:
            said.append(("The next", pair["sentence"]))
    if sentence := beside_baselines(first["roc_auc"], result["baselines"], first["name"]):
        said.append(("Baselines", sentence))
    return said


def left_out_note(result: Mapping[str, Any]) -> list[str]:
    """Say in a line which of the names that a pattern stood for were left out, if any were."""
    names = [one["name"] for one in result["left_out"]]
    return [f"Left out, since they cannot be used here: {', '.join(names)}."] if names else []


def _pair_of(
    pairs: Sequence[Mapping[str, Any]], first: str, second: str
) -> Mapping[str, Any] | None:
    return next((p for p in pairs if {p["a"], p["b"]} == {first, second} and p["sentence"]), None)


def _ranked(entries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Write a row for each entry; what is not above chance has no rank."""
    ranks = itertools.count(1)
    return [
        {
            "rank": next(ranks) if above_chance(entry["roc_auc"]) else 0,
            "name": entry["name"],
            "title": "",
            "quiet": False,
            "cells": [
                *(_measured(entry.get(name)) for name in METRICS),
                *(_plain(entry.get(name), ".3f") for name in ("calibration_error", "brier")),
                _plain(entry.get("spread"), ".4f"),
                _plain((entry.get("parameters") or {}).get("total"), ",d"),
                {"text": duration(entry.get("seconds")), "interval": ""},
            ],
        }
        for entry in entries
    ]


def _baseline(entry: Mapping[str, Any]) -> dict[str, Any]:
    blank = {"text": "", "interval": ""}
    cells = [_measured(entry["roc_auc"]), *([blank] * (len(HEADINGS) - 1))]
    return {"rank": 0, "name": entry["name"], "title": "baseline", "quiet": True, "cells": cells}


def _stopped(stopped: Mapping[str, Any]) -> dict[str, Any]:
    """Write a row for one that was stopped early; it has no rank."""
    area, difference = stopped["roc_auc"], stopped["difference"]
    return {
        "name": stopped["name"],
        "trainings": f"{stopped['trainings']} of {stopped['planned']}",
        "cells": [
            _measured(area),
            cell(difference_text(difference)),
            {"text": duration(stopped["seconds"]), "interval": ""},
        ],
        "sentence": stopped["sentence"],
    }


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    difference = pair["difference"]
    only_a, only_b = pair["discordant"]
    return {
        "name": f"{pair['a']} - {pair['b']}",
        "sentence": pair["sentence"],
        "cells": [
            cell(difference_text(difference)),
            *({"text": p_value(pair.get(key)), "interval": ""} for key in ("p_auc", "p_auc_holm")),
            _plain(pair.get("accuracy_difference"), "+.3f"),
            {"text": f"{only_a:,} / {only_b:,}", "interval": ""},
            *(
                {"text": p_value(pair.get(key)), "interval": ""}
                for key in ("p_accuracy", "p_accuracy_holm")
            ),
        ],
    }


def duration(seconds: float | None) -> str:
    """Write a time in the unit that fits."""
    if seconds is None:
        return "-"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _measured(entry: Mapping[str, Any] | None) -> dict[str, str]:
    return cell(metric_text(entry) if entry else ("-", ""))


def _plain(value: float | None, form: str) -> dict[str, str]:
    return {"text": "-" if value is None else format(value, form), "interval": ""}
