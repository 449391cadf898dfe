"""The page of a tuning: the best settings, what they are worth, and what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import DISCLAIMER
from zoo.base.number_text import number
from zoo.base.types import EMPTY
from zoo.report.figures.tuning import settings_figure, trials_figure
from zoo.report.pages.comparison import duration
from zoo.report.rendering import command_line, drawings, render
from zoo.report.tables import against, metric_text
from zoo.training.trial_states import COMPLETE, FAILED, PRUNED

STATES = {COMPLETE: "whole", PRUNED: "given up", FAILED: "failed"}


def tuning_page(
    result: Mapping[str, Any],
    *,
    title: str = "",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for the plain data of a tuning.

    `result` holds architecture, data, class_names, positive, space, trials, best, default,
    corrected, gain, sentences, train, notes, command and synthetic; what is undefined is None.
    """
    data = result["data"]
    drawn = [
        (
            "The trials",
            (
                "One dot a trial. Those that were given up have the mean of the folds so far. The "
                "best is too high, since it was chosen by this very figure; the diamond is without "
                "that, with its 95 % interval."
            ),
            f"ROC-AUC of the trials of {result['architecture']}; the numbers are in the table.",
            trials_figure(result),
        ),
        (
            "Setting by setting",
            (
                "Each dot is a trial with all its settings, so that a slope may be that of another "
                "setting. Rings were given up."
            ),
            "ROC-AUC of the trials over each setting; the numbers are in the table.",
            settings_figure(result),
        ),
    ]
    return render(
        "tuning.html.j2",
        title=title or f"{result['architecture']} tuned",
        lead=(
            f"{len(result['trials'])} trials, each on {data['folds']} folds by patient: "
            f"{data['images']:,} images of {data['patients']:,} patients from {data['source']}. "
            f"{against(result['class_names'], result['positive'])}"
        ),
        sentences=result["sentences"],
        worth=_worth(result),
        searched=[_searched(part, result["best"]["settings"]) for part in result["space"]],
        names=[part["name"] for part in result["space"]],
        trials=[_trial(trial, result) for trial in _in_order(result)],
        figures=drawings(drawn),
        train=command_line(result["train"]),
        command=command_line(result["command"]) if result["command"] else "",
        information=information,
        notes=result["notes"],
        synthetic=result["synthetic"],
        disclaimer=disclaimer,
    )


def _worth(result: Mapping[str, Any]) -> list[dict[str, str]]:
    rows = [
        ("Settings as they were", result["default"]["roc_auc"]),
        ("Best trial, on the folds it was chosen by", result["best"]["roc_auc"]),
        ("Best trial, without the luck of the choice", result["corrected"]["roc_auc"]),
    ]
    return [
        {"title": title, **dict(zip(("text", "interval"), metric_text(entry), strict=True))}
        for title, entry in rows
    ]


def _searched(part: Mapping[str, Any], best: Mapping[str, Any]) -> dict[str, str]:
    name, values = part["name"], part["values"]
    return {
        "name": name,
        "within": (
            f"{part['low']:g} to {part['high']:g}"
            if values is None
            else ", ".join(map(str, values))
        ),
        "how": "logarithmic" if part["logarithmic"] else "",
        "now": _text(part["now"]),
        "best": _text(best.get(name, part["now"])),
    }


def _in_order(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Order trials: whole ones by their score, then those that were given up, then failures."""
    places = list(STATES)
    return sorted(
        result["trials"],
        key=lambda t: (places.index(t["state"]), -(t["roc_auc"] or 0.0), t["number"]),
    )


def _trial(trial: Mapping[str, Any], result: Mapping[str, Any]) -> dict[str, Any]:
    now = {part["name"]: part["now"] for part in result["space"]}
    return {
        "number": trial["number"] + 1,
        "best": trial["number"] == result["best"]["trial"],
        "quiet": trial["state"] != COMPLETE,
        "state": STATES[trial["state"]],
        "roc_auc": number(trial["roc_auc"], 4),
        "folds": trial["folds"],
        "seconds": duration(trial["seconds"]),
        "settings": [_text(trial["settings"].get(name, value)) for name, value in now.items()],
        "reason": trial["reason"],
    }


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
