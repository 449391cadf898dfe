"""The page of explained images: what the network answered, why, and what it resembles."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from zoo import DISCLAIMER
from zoo.base.explanations import Attribution
from zoo.base.types import EMPTY
from zoo.interpret.case import Case
from zoo.report.cases.examples import examples_parts
from zoo.report.cases.overlays import bar_ends, colour_bar_png, overlay_jpeg, picture_jpeg
from zoo.report.cases.text import fact, likeness_texts, probability_texts
from zoo.report.rendering import render, uri

CLASSES_SHOWN = 10

SIGNED_READING = (
    "Red speaks for {target}, blue against it; where the image shows through, there is little "
    "evidence either way."
)

UNSIGNED_READING = (
    "The brighter the colour, the more the answer {target} rests on that place; where the image "
    "shows through, there is little evidence."
)


def case_page(
    cases: Sequence[Case],
    *,
    title: str = "",
    information: Mapping[str, Any] = EMPTY,
    disclaimer: str = DISCLAIMER,
) -> str:
    """Return one HTML page that explains each case: prediction, maps and similar cases.

    `information` holds facts about the run, shown as a table in their order.
    """
    if not title:
        title = cases[0].name if len(cases) == 1 else f"{len(cases)} explained images"
    return render(
        "case.html.j2",
        title=title,
        cases=[_case(case, number) for number, case in enumerate(cases, 1)],
        information=information,
        disclaimer=disclaimer,
        synthetic=any(case.synthetic for case in cases),
    )


def _case(case: Case, number: int) -> dict[str, Any]:
    chances = zip(case.class_names, case.probabilities, probability_texts(case), strict=True)
    bars: list[dict[str, Any]] = [
        {
            "name": name,
            "share": 100 * float(chance),
            "text": text,
            "predicted": index == case.predicted,
        }
        for index, (name, chance, text) in enumerate(chances)
    ]
    bars.sort(key=lambda bar: -bar["share"])
    return {
        "anchor": f"case-{number}",
        "name": case.name,
        "predicted": case.class_names[case.predicted],
        "probability": probability_texts(case)[case.predicted],
        "bars": bars[:CLASSES_SHOWN],
        "hidden": max(0, len(bars) - CLASSES_SHOWN),
        "picture": uri(picture_jpeg(case.pixels, case.box, case.shape), "jpeg"),
        "framed": case.box is not None,
        "refused": case.refused,
        "reason": case.reason,
        "label": None if case.label is None else case.class_names[case.label],
        "right": case.label == case.predicted,
        "threshold": case.threshold,
        "run": case.run,
        "notes": case.notes,
        "synthetic": case.synthetic,
        "maps": [_map(case, attribution) for attribution in case.attributions],
        "chosen": case.chosen,
        "likeness": likeness_texts(case),
        "examples": examples_parts(case),
    }


def _map(case: Case, attribution: Attribution) -> dict[str, Any]:
    picture = uri(overlay_jpeg(case.pixels, attribution, case.box, case.shape), "jpeg")
    return {**beside_map(case, attribution), "picture": picture}


def beside_map(case: Case, attribution: Attribution) -> dict[str, Any]:
    """Return what is said of one map beside its picture."""
    target = case.class_names[attribution.target]
    reading = SIGNED_READING if attribution.signed else UNSIGNED_READING
    return {
        "method": attribution.method,
        "target": target,
        "summary": case.summaries.get(attribution.method, ""),
        "reading": reading.format(target=target),
        "bar": _bar(attribution.signed),
        "ends": bar_ends(attribution),
        "facts": [fact(*item) for item in attribution.details.items()],
        "trust": case.trust.get(attribution.method),
    }


@functools.cache
def _bar(signed: bool) -> str:
    return uri(colour_bar_png(signed), "png")
