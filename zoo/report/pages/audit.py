"""The page of an audit: which explanation method to believe for this network, and how far."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER
from zoo.base.number_text import percent
from zoo.base.sources import source_name
from zoo.base.types import EMPTY
from zoo.checks.findings import counted
from zoo.interpret.trust.localisation import SIZES, TOLERANCE
from zoo.interpret.trust.verdict import DO_NOT_USE
from zoo.report.drawing import Drawing
from zoo.report.figures.forest import forest, forest_row
from zoo.report.rendering import drawings, render
from zoo.report.tables import cell, difference_text, joined, metric_text

if TYPE_CHECKING:
    from zoo.interpret.trust.ranking import Audit, Measured, Standing

HEADINGS = (
    "Lead",
    "Deletion",
    "Insertion",
    "ROAD",
    "Noise",
    "Repeat",
    "Random networks",
)

PLACES = {
    "pointing": "Pointing game",
    "close": f"Within {TOLERANCE / 2:g} pixels",
    "near": f"Within {TOLERANCE} pixels",
    "auprc": "AUPRC",
    "iou": "IoU",
    "inside": "Evidence inside",
    "area": "Area",
}

GROUPS: Mapping[str, str] = {
    "right": "classified right",
    "all": "right or wrong",
    **{
        size: f"{size} ones, {percent(low, 0)} to {percent(min(high, 1), 0)} of the picture"
        for size, (low, high) in SIZES.items()
    },
}
PUBLISHED = (
    "For comparison: in Arun and others (2021) saliency maps of a network for pneumonia reached an "
    "AUPRC of 0.16 to 0.52 on boxes of radiologists, a network trained to detect them 0.60. In "
    "Saporta and others (2022) all seven methods had a lower IoU than radiologists over ten "
    "findings taken together, and the gap was widest for small ones."
)
"""What others measured on radiographs, for findings that were marked by radiologists."""

TITLES = {"deletion": "deletion", "insertion": "insertion", "road": "ROAD"}


def audit_page(
    audit: Audit, *, information: Mapping[str, Any] = EMPTY, disclaimer: str = DISCLAIMER
) -> str:
    """Return one HTML page: what to believe in sentences, the ranking, and all numbers."""
    return render(
        "audit.html.j2",
        title=f"Which explanations of {audit.run} to believe",
        lead=_lead(audit),
        said=said(audit),
        headings=HEADINGS,
        rows=[_row(rank, one) for rank, one in enumerate(audit.standings, 1)],
        controls=_controls(audit),
        figures=drawings(
            [
                (
                    "The ranking",
                    (
                        "How much better a map tells what matters to the network than the best "
                        "of its rivals: the same map put elsewhere, the middle of the image and "
                        "its edges. Mean of deletion, insertion and ROAD, with 95 % intervals by "
                        "patient. Controls, in gray, are maps that never saw the network."
                    ),
                    "The ranking of the methods and controls; the numbers are in the table.",
                    ranking_figure(audit),
                ),
                (
                    "The pointing game",
                    (
                        "How often the highest value of a map lies in the finding, on images "
                        "that are classified right."
                    ),
                    "Pointing-game accuracy; the numbers are in the table of findings.",
                    pointing_figure(audit),
                ),
            ]
        ),
        places=tuple(PLACES.values()),
        groups=_groups(audit),
        lungs=_lungs(audit),
        published=PUBLISHED if audit.located["all"] else "",
        information=information,
        notes=audit.notes,
        synthetic=audit.synthetic,
        disclaimer=disclaimer,
    )


def _lead(audit: Audit) -> str:
    return (
        f"{audit.images:,} of {audit.available:,} images of {audit.patients:,} patients from "
        f"{source_name(audit.source)}, chosen evenly of each class; "
        f"{audit.right:,} are classified right."
    )


def said(audit: Audit) -> list[tuple[str, str]]:
    """Return what was found as (heading, sentence)."""
    methods = [one for one in audit.standings if not one.control]
    said = [(f"{one.name}: {one.level}", one.reason) for one in methods]
    if methods and methods[0].score["value"] is not None:
        said.insert(0, _first(methods[0], audit))
    located = [one for one in methods if one.located["right"]["pointing"]["value"] is not None]
    if located:
        best = max(located, key=lambda one: one.located["right"]["pointing"]["value"] or 0)
        of_right = best.located["right"]
        said.append(
            (
                "Findings",
                (
                    f"On the {audit.located['right']:,} images with a known finding that are "
                    f"classified right, {best.name} points into the finding most often: in "
                    f"{_share(of_right['pointing'])} of them, within {TOLERANCE / 2:g} pixels of "
                    f"it in {_share(of_right['close'])}, within {TOLERANCE} in "
                    f"{_share(of_right['near'])}. Findings cover {_share(of_right['area'])} of the "
                    "image."
                ),
            )
        )
    return said


def _first(method: Standing, audit: Audit) -> tuple[str, str]:
    """Tell of the method with the highest score, the best only if it beats the best control."""
    low, high = method.score["low"], method.score["high"]
    heading, doubt = "Best", ""
    if method.level == DO_NOT_USE:
        heading, doubt = "Highest", ", but not to be used"
    elif high is not None and high < 0:
        heading, doubt = "Highest", ", which is worse than that rival"
    elif low is None or low <= 0:
        heading, doubt = "Highest", ", which leaves open whether it is better at all"
    told = (
        f"{method.name}, with a lead of {joined(difference_text(method.score))} over the best of "
        f"its rivals{doubt}."
    )
    later = audit.standings[audit.standings.index(method) + 1 :]
    if method.ahead is None or not later or later[0].control:
        return heading, told
    lead = joined(difference_text(method.ahead))
    if method.ahead["low"] is not None and method.ahead["low"] > 0:
        return heading, f"{told} It leads {later[0].name} by {lead}."
    return heading, f"{told} It cannot be told apart from {later[0].name}: a difference of {lead}."


def _row(rank: int, one: Standing) -> dict[str, Any]:
    likeness = "-" if one.likeness is None else f"{one.likeness:.2f}"
    tests = [_cell(one.measures[name]) for name in ("deletion", "insertion", "road")]
    return {
        "rank": rank,
        "name": one.name,
        "level": one.level,
        "quiet": one.control,
        "cells": [
            cell(difference_text(one.score)),
            *tests,
            *(_cell(one.measures[name]) for name in ("noise", "repeat")),
            {"text": "" if one.control else likeness, "interval": ""},
        ],
    }


def _groups(audit: Audit) -> list[dict[str, Any]]:
    """Return the tables of findings; that of all images only where some are classified wrong.

    Those by size only where there are findings of more than one.
    """
    counts = audit.located
    sizes = [size for size in SIZES if counts[size]]
    groups = ["right", *(["all"] if counts["right"] < counts["all"] else [])]
    groups += sizes if len(sizes) > 1 else []
    return [_group(audit, group, GROUPS[group]) for group in groups if counts[group]]


def _group(audit: Audit, group: str, title: str) -> dict[str, Any]:
    return {
        "title": f"Where the findings are: {title}, {counted(audit.located[group], 'image')}",
        "rows": [
            {
                "name": one.name,
                "quiet": one.control,
                "cells": [_cell(one.located[group][name]) for name in PLACES],
            }
            for one in audit.standings
        ],
    }


def _lungs(audit: Audit) -> list[dict[str, Any]]:
    if not audit.lungs:
        return []
    return [
        {
            "name": one.name,
            "quiet": one.control,
            "cells": [_cell(one.measures["lungs"]), _cell(one.measures["lungs_area"])],
        }
        for one in audit.standings
    ]


def _controls(audit: Audit) -> str:
    """Name the best rivals of the first method."""
    first = next((one for one in audit.standings if not one.control), None)
    if first is None:
        return ""
    named = ", ".join(f"{first.best[test]} ({title})" for test, title in TITLES.items())
    return f"The best rival of {first.name} in each test: {named}."


def _cell(measured: Measured) -> dict[str, str]:
    return cell(metric_text(measured))


def _share(measured: Measured) -> str:
    value = measured["value"]
    return "-" if value is None else percent(value)


def ranking_figure(audit: Audit) -> Drawing | None:
    """Draw the score of each method and control, best first."""
    rows = [forest_row(one.name, one.score, one.control) for one in audit.standings]
    label = "lead over the best rival, in probability"
    return forest(rows, label, lines={0.0: "as good as the best rival"}, signed=True)


def pointing_figure(audit: Audit) -> Drawing | None:
    """Draw how often the highest value lies in the finding; None where findings are unknown."""
    rows = [
        forest_row(one.name, one.located["right"]["pointing"], one.control)
        for one in audit.standings
    ]
    return forest(rows, "share of images whose highest value lies in the finding", lines={})
