"""A reading made ready to be shown: the answer in words and bars, its maps and similar cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.base.explanations import AUTO, Attribution, Explainer
from zoo.base.pictures.pixel_arrays import encode_jpeg, resize, to_channels
from zoo.interpret.case import Case
from zoo.report.cases.examples import examples_parts
from zoo.report.cases.overlays import (
    OPACITY,
    TINY_SIDE,
    enlarge,
    evidence_png,
    in_proportion,
    picture_jpeg,
)
from zoo.report.cases.page import CLASSES_SHOWN, beside_map
from zoo.report.cases.text import likeness_texts, probability_texts
from zoo.report.rendering import uri
from zoo.runs.run_folder import Run
from zoo.web.app.durations import Durations, clock_text, known, seconds_of
from zoo.web.app.reading import LONGER, Reading
from zoo.web.app.uploads import facts
from zoo.web.app.words import for_a_page
from zoo.web.app.worklist import address

AUTOMATIC = {
    "method": AUTO,
    "summary": "Chosen by the audit of the run, where one was made.",
    "takes": "",
}
THUMBNAIL_SIDE = 96
"""Pixels of the shorter side: sharp on a dense screen, about 3 kB."""
OPACITY_AT_FIRST = round(100 * OPACITY)
"""In percent: the map looks as in the reports."""


def answer_part(case: Case, positive: int) -> dict[str, Any]:
    """Return what a run answers to an image: words and one bar for each of its likely classes.

    The operating point stands on the bar of the class that it is about.
    """
    texts = probability_texts(case)
    bars = [
        {
            "name": name,
            "share": 100 * chance,
            "text": texts[index],
            "predicted": index == case.predicted,
            "threshold": case.threshold if index == positive else None,
        }
        for index, (name, chance) in enumerate(
            zip(case.class_names, case.probabilities, strict=True)
        )
    ]
    bars.sort(key=lambda bar: -float(str(bar["share"])))
    return {
        "name": case.name,
        "run": case.run,
        "predicted": case.class_names[case.predicted],
        "probability": texts[case.predicted],
        "framed": case.box is not None,
        "refused": case.refused,
        "reason": case.reason,
        "bars": bars[:CLASSES_SHOWN],
        "hidden": max(0, len(bars) - CLASSES_SHOWN),
        "notes": [for_a_page(note) for note in case.notes],
        "synthetic": case.synthetic,
    }


def card(
    key: str,
    reading: Reading,
    run: Run,
    explainers: Mapping[str, Explainer],
    durations: Durations,
) -> dict[str, Any]:
    """Return all that the page Read shows of an image."""
    return {
        **answer_part(reading.case, reading.positive),
        "key": key,
        "group": f"map-{key}-{reading.case.run}",
        "address": address(key, reading.case.run),
        "explained": reading.explained,
        "opacity": OPACITY_AT_FIRST,
        "picture": picture_part(reading),
        **explanation_part(reading, run, explainers, durations),
    }


def picture_part(reading: Reading) -> dict[str, Any]:
    """Return the sides that a picture has upright, how it was taken, and what the network saw."""
    case, taken = reading.case, reading.acquisition
    height, width = case.shape or case.pixels.shape[:2]
    return {
        "width": width,
        "height": height,
        "box": None if case.box is None else [100 * share for share in case.box],
        "spacing": taken.spacing,
        "at_detector": taken.at_detector,
        "facts": facts(taken, (height, width)),
    }


def explanation_part(
    reading: Reading, run: Run, explainers: Mapping[str, Explainer], durations: Durations
) -> dict[str, Any]:
    """Return the maps and similar cases of a reading, and what else may be asked for.

    `unjudged`: quick methods gave maps that nobody has judged; `slow` are the other such methods,
    and `hurried` those for whose tests the time ran out.
    `lasting`: the verdict on one of the quick ones is the first of the run, which is measured once.
    """
    case = reading.shown
    shown = {one.method for one in case.explanations}
    unjudged = [one.method for one in reading.unjudged]
    slow = [method for method in unjudged if seconds_of(explainers[method]) is not None]
    quick = [method for method in unjudged if method not in slow]
    return {
        "unjudged": bool(quick),
        "lasting": any(not known(run, explainers[method]) for method in quick),
        "slow": [
            {"method": method, "takes": durations.verdict_text(run, explainers[method])}
            for method in slow
        ],
        "hurried": [one.method for one in reading.hurried if one.method in shown],
        "longer": clock_text(LONGER),
        "maps": [beside_map(case, one) for one in case.attributions],
        "left_out": reading.left_out,
        "chosen": for_a_page(case.chosen),
        "likeness": likeness_texts(case),
        "examples": examples_parts(case),
        "plain": _plain(case) if case.examples else "",
        "further": [
            *([] if case.chosen else [AUTOMATIC]),
            *(
                {
                    "method": name,
                    "summary": explainer.summary,
                    "takes": durations.text(run, explainer),
                }
                for name, explainer in explainers.items()
                if name not in shown | reading.unable
                and (reading.explained or not explainer.default)
            ),
        ],
    }


def _plain(case: Case) -> str:
    return uri(picture_jpeg(case.pixels, case.box, case.shape), "jpeg")


def layer(case: Case, attribution: Attribution) -> bytes:
    """Return a map as a clear PNG file in the picture's proportions, as fine as it was computed.

    Tiny ones are enlarged as squares: a browser would smooth them, and invent detail.
    """
    side = min(case.pixels.shape[:2])
    if side < TINY_SIDE:
        size = enlarge(case.pixels, case.shape).shape[:2]
    else:
        size = in_proportion(case.pixels, side, case.shape)
    return evidence_png(attribution, size)


def thumbnail(case: Case) -> bytes:
    """Return the image as a small JPEG file, for the list."""
    side = min(THUMBNAIL_SIDE, *case.pixels.shape[:2])
    pixels = to_channels(case.pixels, 3)
    return encode_jpeg(resize(pixels, in_proportion(pixels, side, case.shape)), quality=80)
