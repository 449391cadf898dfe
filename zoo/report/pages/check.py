"""The page of a data check: what is wrong, what to do, and the images concerned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER
from zoo.base.files import write_json, write_text
from zoo.base.locks import in_turn
from zoo.base.number_text import p_value, percent, probability
from zoo.base.patients import how_known
from zoo.checks.findings import LEVELS, Finding, counted, in_order
from zoo.checks.shortcuts import WARNED
from zoo.report.figures.contact_sheet import contact_sheet
from zoo.report.figures.exposure import exposure_figure
from zoo.report.figures.forest import forest, forest_row
from zoo.report.pages.check_pictures import Pictures
from zoo.report.rendering import drawings, render
from zoo.report.tables import metric_text

if TYPE_CHECKING:
    from zoo.checks.findings import Checked

LABELS = "labels"
"""Kind of the finding whose images have a section of their own."""
PAGE, DATA = "check.html", "check.json"
NAMES_SHOWN, NAMES_LISTED, GROUPS_SHOWN, SIDE_BY_SIDE, SUSPECTED_SHOWN = 5, 200, 6, 6, 24
CLASSES_SHOWN, SIZES_SHOWN = 8, 12


def write_check(checked: Checked, folder: Path) -> Path:
    """Write check.html and check.json into the folder; return the path of the page."""
    page = check_page(checked)
    with in_turn(folder):
        write_json(folder / DATA, checked.result)
        write_text(folder / PAGE, page)
    return folder / PAGE


def check_page(checked: Checked, *, disclaimer: str = DISCLAIMER) -> str:
    """Return one HTML page: the verdict, the findings with their images, and the data at a glance.

    Pictures are left out once they add up to 2 MB, so that the page can be sent by mail.
    """
    result, pictures = checked.result, Pictures(checked.dataset)
    findings = in_order(checked.findings)
    cards = [_finding(finding, pictures) for finding in findings]
    suspected = [
        tile
        for entry in result.get("suspected") or ()
        if (tile := pictures.tile(entry["name"], _suspicion(entry)))
    ][:SUSPECTED_SHOWN]
    classes = [
        (name, contact_sheet(tiles))
        for index, name in enumerate(result["class_names"][:CLASSES_SHOWN])
        if (tiles := pictures.of_class(index))
    ]
    baselines = result.get("baselines") or ()
    drawn = [
        (
            "What can be told without the lungs",
            (
                f"ROC-AUC of models that see only what is named. Above {WARNED} the data hold "
                "a shortcut that a network will find too."
            ),
            "ROC-AUC of the baselines; the numbers stand in the picture.",
            forest(
                [forest_row(entry["title"], entry["roc_auc"]) for entry in baselines],
                "ROC-AUC",
                lines={0.5: "chance", WARNED: str(WARNED)},
            ),
        ),
        (
            "Exposure",
            (
                "Median and quartiles of the mean gray value. Classes that differ in brightness "
                "can be told apart by it."
            ),
            "Box plot of the mean gray value of each class.",
            exposure_figure(result.get("exposure") or {}),
        ),
    ]
    return render(
        "check.html.j2",
        title=f"Check of {Path(result['source'].partition('?')[0]).name or result['source']}",
        lead=(
            f"{result['images']:,} images of {result['patients']:,} patients "
            f"({how_known(result)}); {result['positive']} is the class looked for."
        ),
        verdict=verdict([finding.level for finding in findings]),
        cards=cards,
        suspected=contact_sheet(suspected),
        suspicions=len(result.get("suspected") or ()),
        classes=classes,
        figures=drawings(drawn),
        counts=_counts(result),
        shift=[_shift(entry) for entry in result.get("shift") or ()],
        sizes=(result.get("sizes") or [])[:SIZES_SHOWN],
        distinct=result.get("distinct_sizes"),
        facts=_facts(result),
        notes=result.get("notes") or (),
        information={},
        synthetic=checked.dataset.synthetic,
        disclaimer=disclaimer,
    )


def verdict(levels: Sequence[str]) -> str:
    """Say in one line how many findings of each level there are, and what follows."""
    counts = Counter(levels)
    if not counts:
        return "Nothing was found that speaks against training."
    said = ", ".join(counted(counts[level], level) for level in LEVELS if counts[level])
    if counts["error"]:
        return f"{said}: mend the errors before training."
    if counts["warning"]:
        return f"{said}: read the warnings before trusting a score."
    return f"{said}: nothing speaks against training."


def _finding(finding: Finding, pictures: Pictures) -> dict[str, Any]:
    names, groups = list(finding.names), list(finding.groups)
    listed = names or [", ".join(group) for group in groups]
    shown = [pictures.tiles(group[:SIDE_BY_SIDE]) for group in groups[:GROUPS_SHOWN]]
    if not groups and finding.kind != LABELS:
        shown = [pictures.tiles(names[:SIDE_BY_SIDE])]
    return {
        "level": finding.level,
        "message": finding.message,
        "remedy": finding.remedy,
        "names": names[:NAMES_SHOWN],
        "all": listed[:NAMES_LISTED] if groups or len(names) > NAMES_SHOWN else [],
        "summary": f"All {len(listed):,} {'names' if names else 'groups by name'}",
        "unlisted": max(0, len(listed) - NAMES_LISTED),
        "groups": [contact_sheet(tiles) for tiles in shown if tiles],
        "more": max(0, len(groups) - GROUPS_SHOWN),
    }


def _suspicion(entry: Mapping[str, Any]) -> str:
    looks = f"{entry['predicted']} ({probability(entry['probability'])})"
    return f"labelled {entry['label']}, looks {looks}"


def _counts(result: Mapping[str, Any]) -> dict[str, Any]:
    names = result["class_names"]
    rows = [
        {"name": split or "undivided", "cells": [counts.get(name, 0) for name in names]}
        for split, counts in result["counts"].items()
    ]
    return {"names": names, "rows": [{**row, "total": sum(row["cells"])} for row in rows]}


def _shift(entry: Mapping[str, Any]) -> dict[str, Any]:
    first, second = entry["between"]
    value, interval = metric_text(entry["roc_auc"])
    prior = entry.get("prior") or {}
    classes = [
        {"name": name, "shares": [percent(prior[part].get(name, 0.0)) for part in (first, second)]}
        for name in prior.get(first, {})
        if second in prior
    ]
    p = entry.get("prior_p")
    chance = p_value(p)
    return {
        "parts": (first, second),
        "value": f"{value} ({interval})" if interval else value,
        "classes": classes,
        "p": "" if p is None else f"p {chance}" if chance.startswith("<") else f"p = {chance}",
    }


def _facts(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    duplicates, broken = result.get("duplicates") or {}, result.get("broken") or 0
    number = broken if isinstance(broken, int) else len(broken)
    modes = ", ".join(f"{mode} ({count:,})" for mode, count in (result.get("modes") or {}).items())
    facts = [
        ("Source", result["source"]),
        ("Broken images", f"{number:,}"),
        ("Groups of identical images", _number(duplicates.get("exact_groups"))),
        ("Images that could be left out", _number(duplicates.get("surplus"))),
        ("Pairs of nearly identical images", _number(duplicates.get("near_pairs"))),
        ("Kinds of pixels", modes),
        ("Time of the check", f"{result['seconds']:.0f} s" if result.get("seconds") else ""),
    ]
    return [(name, text) for name, text in facts if text]


def _number(value: Any) -> str:
    if value is None:
        return ""
    return f"{value if isinstance(value, int) else len(value):,}"
