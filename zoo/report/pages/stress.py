"""The page of a stress test: which changes of a picture the network does not bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import DISCLAIMER
from zoo.base.pictures.pixel_arrays import encode_jpeg, resize
from zoo.base.types import EMPTY
from zoo.data.stresses import LEVELS
from zoo.report.rendering import render, uri
from zoo.report.tables import TITLES, basis, metric_text, row
from zoo.runs.causes import HOLDS_BACK
from zoo.stats.robustness import FALL, FIGURES, named, not_borne, worst_first

if TYPE_CHECKING:
    from zoo.runs.causes import Cause

WORST = 5
"""Rows that are told in a sentence and on the model card."""
SIDE = 224
"""Pixels that a picture of the page has at most."""
DEEPEST = 65
"""Percent of the colour in a cell at chance: the numbers stay readable on it."""
NO_PICTURES = (
    "Pictures of the changes are missing because the run keeps none of patients: it was trained "
    "with --reference none."
)
AS_IT_IS = "as it is"


def stress_page(
    result: Mapping[str, Any],
    *,
    title: str,
    cause: Cause,
    pictures: np.ndarray | None = None,
    changes: Sequence[tuple[str, str]] = (),
    information: Mapping[str, Any] = EMPTY,
    notes: Sequence[str] = (),
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page for the result of `zoo.stress`.

    `pictures` is `(1 + changes, height, width, channels)` uint8, an image as it is and under each
    of `changes`, (stress, level) pairs; None where the page must not show any.
    """
    return render(
        "stress.html.j2",
        title=title,
        lead=f"{basis(result)} {_taken(result)}",
        sentence=sentence(result),
        remedy=cause.remedy if cause.verdict == HOLDS_BACK else "",
        levels=LEVELS,
        clean=_cell(result, result["clean"]),
        heat_rows=_heat(result),
        chance=f"{chance(result):.2g}",
        headings=[TITLES[name] for name in FIGURES],
        figures=_figures(result),
        original="" if pictures is None else _uri(pictures[0]),
        groups=[] if pictures is None else _groups(result, pictures, changes),
        no_pictures=NO_PICTURES if pictures is None else "",
        information=information,
        notes=notes,
        synthetic=result["synthetic"],
        disclaimer=disclaimer,
    )


def sentence(result: Mapping[str, Any]) -> str:
    """Say the balanced accuracy as it is and under the worst changes."""
    clean, _ = metric_text(result["clean"]["metrics"]["balanced_accuracy"])
    worst = worst_first(result["rows"])[:WORST]
    if not worst:
        return "Balanced accuracy is undefined: all images have the same class."
    told = "; ".join(f"{named(entry)} {_accuracy(entry)}" for entry in worst)
    failed = len(not_borne(result["rows"]))
    return (
        f"Balanced accuracy is {clean} on the images as they are. Worst: {told}. "
        f"{failed or 'None'} of the {len(result['rows'])} changes cost more than {FALL:g}, beyond "
        "chance."
    )


def balanced_accuracies(result: Mapping[str, Any]) -> list[list[str]]:
    """Return a row of text for each stress, with a cell for each level; the worst come first."""
    return [[entry["name"], *(cell["text"] for cell in entry["cells"])] for entry in _heat(result)]


def worst_rows(name: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the worst rows of a stress test as the model card shows them."""
    clean = result["clean"]["metrics"]["balanced_accuracy"]
    worst = [
        row(named(entry), entry["metrics"]["balanced_accuracy"])
        for entry in worst_first(result["rows"])[:WORST]
    ]
    return {
        "name": name,
        "reading": (
            f"{result['images']:,} images as they are and changed in {len(result['rows'])} ways: "
            "the worst of them."
        ),
        "rows": [row(AS_IT_IS, clean, quiet=True), *worst],
    }


def chance(result: Mapping[str, Any]) -> float:
    """Return the balanced accuracy of one answer to all images."""
    return 1 / len(result["class_names"])


def _taken(result: Mapping[str, Any]) -> str:
    if result["images"] == result["available"]:
        return ""
    return f"They were drawn from {result['available']:,}, as evenly of each class as there are."


def _accuracy(entry: Mapping[str, Any]) -> str:
    return metric_text(entry["metrics"]["balanced_accuracy"])[0]


def _cell(result: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the balanced accuracy of a row as text, and how deep its colour is in percent."""
    accuracy = entry["metrics"]["balanced_accuracy"]
    text, interval = metric_text(accuracy)
    lost = 0.0
    if accuracy["value"] is not None:
        lost = min(1.0, (1 - accuracy["value"]) / (1 - chance(result)))
    return {
        "text": text,
        "interval": interval,
        "strength": entry.get("text", ""),
        "lost": f"{DEEPEST * lost:.0f}",
    }


def _heat(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row a stress with a cell a level; the stress with the worst cell comes first."""
    cells: dict[str, list[dict[str, Any]]] = {}
    for entry in result["rows"]:
        cells.setdefault(entry["stress"], []).append(_cell(result, entry))
    order = dict.fromkeys(entry["stress"] for entry in worst_first(result["rows"]))
    return [{"name": name, "cells": cells[name]} for name in order or cells]


def _figures(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row of every figure for the images as they are and for each change."""
    return [
        {
            "title": entry.get("stress", AS_IT_IS),
            "strength": f"{entry['level']}, {entry['text']}" if "fall" in entry else "",
            "figures": [metric_text(entry["metrics"][name]) for name in FIGURES],
            "fall": _fall(entry["fall"]["balanced_accuracy"]) if "fall" in entry else ("", ""),
            "refused": "{unknown} / {uncertain}".format(**entry["refused"]),
        }
        for entry in (result["clean"], *result["rows"])
    ]


def _fall(fall: Mapping[str, Any]) -> tuple[str, str]:
    """Return a fall and its interval as text; either end may be negative."""
    interval = "" if fall["low"] is None else f"{fall['low']:.3f} to {fall['high']:.3f}"
    return ("-" if fall["value"] is None else f"{fall['value']:.3f}"), interval


def _groups(
    result: Mapping[str, Any], pictures: np.ndarray, changes: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Return the pictures of each stress in the order of the table, weakest first."""
    shown = dict(zip(changes, pictures[1:], strict=True))
    groups: dict[str, list[dict[str, str]]] = {entry["name"]: [] for entry in _heat(result)}
    for entry in result["rows"]:
        picture = _uri(shown[entry["stress"], entry["level"]])
        groups[entry["stress"]].append(
            {"picture": picture, "level": entry["level"], "strength": entry["text"]}
        )
    return [{"name": name, "pictures": each} for name, each in groups.items()]


def _uri(pixels: np.ndarray) -> str:
    height, width = pixels.shape[:2]
    scale = min(1.0, SIDE / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    three = np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels
    return uri(encode_jpeg(resize(three, size)), "jpeg")
