"""The section of a page that tells the scores of each group of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.base.file_names import own_file_name
from zoo.base.number_text import percent
from zoo.base.types import EMPTY
from zoo.report.drawing import Drawing
from zoo.report.figures.groups import group_forest
from zoo.report.rendering import drawings
from zoo.report.tables import TITLES, gap_text, metric_text
from zoo.stats.groups import COMPARED, WARNED, gap_sentence

SHOWN = (*COMPARED, "pr_auc")


def group_sections(
    groups: Sequence[Mapping[str, Any]],
    positive: str,
    drawn: Mapping[str, Drawing] = EMPTY,
    where: str = "",
) -> list[dict[str, Any]]:
    """Prepare one section for each column of `zoo.stats.groups.by_group`.

    `positive` names the class that is looked for. `drawn` has what `group_figures` gave, of which
    the section shows its own; `where` says which images these are, for the heading.
    """
    return [
        {
            "title": f"By {found['column']}{where}",
            "warnings": [row["sentence"] for row in found["behind"]],
            "sentences": [
                *(gap_sentence(found["column"], key, found["gaps"][key]) for key in WARNED),
                found["within"]["sentence"] if found["within"] else "",
                *found["notes"],
            ],
            "headings": ("Images", positive, *(TITLES[key] for key in SHOWN)),
            "rows": [*map(_row, found["groups"]), _gaps(found)],
            "figures": drawings(_shown(found, drawn)),
        }
        for found in groups
    ]


def group_figures(
    groups: Sequence[Mapping[str, Any]], overall: Mapping[str, Any]
) -> dict[str, Drawing | None]:
    """Return every figure by group, by the name of its file without its suffix.

    `overall` has the metrics over all images. None stands for a figure without a value.
    """
    return {
        _file(found, key): group_forest(found, key, overall[key])
        for found in groups
        for key in WARNED
    }


def _file(found: Mapping[str, Any], key: str) -> str:
    return f"{key}-by-{own_file_name(found['column'])}"


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": entry["name"],
        "note": entry["note"],
        "quiet": not entry["known"],
        "cells": [
            (f"{entry['images']:,}", f"{entry['patients']:,} patient{_s(entry['patients'])}"),
            (percent(entry["positive"]), f"called {percent(entry['called'])}"),
            *(metric_text(entry["metrics"][key]) for key in SHOWN),
        ],
    }


def _s(number: int) -> str:
    return "" if number == 1 else "s"


def _gaps(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "Widest gap",
        "note": "",
        "quiet": True,
        "cells": [*[("", "")] * 2, *(gap_text(found["gaps"].get(key)) for key in SHOWN)],
    }


def _shown(
    found: Mapping[str, Any], drawn: Mapping[str, Drawing]
) -> list[tuple[str, str, str, Drawing | None]]:
    return [
        (
            f"{TITLES[key]} by {found['column']}",
            "Each group with its 95 % interval; gray ones are not compared.",
            f"{TITLES[key]} of each group; the numbers are in the table.",
            drawn.get(_file(found, key)),
        )
        for key in WARNED
    ]
