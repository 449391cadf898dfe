"""The parts of an overview's page that tell of the feature map: concepts and factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.base.number_text import p_value, percent
from zoo.interpret.overview.concepts import CARRIES, CARRYING
from zoo.interpret.overview.ready_concepts import READY
from zoo.interpret.overview.result import AS_IT_IS, CONCEPT
from zoo.report.cases.overlays import picture_jpeg
from zoo.report.drawing import Drawing
from zoo.report.figures.contact_sheet import Tile, contact_sheet
from zoo.report.figures.forest import forest, forest_row
from zoo.report.pages.overview_tables import share_parts, share_text, signed
from zoo.report.rendering import drawings
from zoo.report.tables import difference_text

if TYPE_CHECKING:
    from zoo.interpret.overview.concepts import MeasuredConcept
    from zoo.interpret.overview.factors import Factor
    from zoo.interpret.overview.result import Overview

MAY = {True: "and may", False: "and must not", None: "for you to judge"}
UNITS = "standard deviations of the score"


def feature_values(overview: Overview, drawn: Mapping[str, Drawing]) -> dict[str, Any]:
    """Return what `overview_features.html.j2` shows, by name."""
    concepts, factors = overview.concepts, overview.factors
    random = concepts.random_tcav, concepts.random_spread
    return {
        "concepts": [_concept(one) for one in by_pull(concepts.tested)],
        "random_tcav": "" if None in random else f"{random[0]:.2f} ± {random[1]:.2f}",
        "carries": CARRIES,
        "concepts_left_out": concepts.left_out,
        "concept_tiles": _concept_tiles(overview),
        "concept_figure": drawings(
            [
                (
                    "What each concept adds to the score",
                    (
                        f"In {UNITS}, with the 95 % interval over ten vectors; above zero towards "
                        f"{overview.class_names[overview.positive]}. Gray ones do not count."
                    ),
                    "; ".join(f"{o.name} {signed(o.pull, 2)}" for o in by_pull(concepts.tested)),
                    drawn.get("concepts"),
                )
            ]
        ),
        "factors": [_factor(n, one, overview) for n, one in enumerate(factors.each, start=1)],
        "factors_left_out": factors.left_out,
        "factors_lead": "" if factors.explained is None else _factors_lead(overview),
    }


def concepts_figure(overview: Overview) -> Drawing | None:
    """Draw what each concept adds to the score; None without any."""
    rows = [
        forest_row(one.name, one.pull, quiet=one.verdict != CARRYING)
        for one in by_pull(overview.concepts.tested)
    ]
    lines = {0.0: "none", CARRIES: "", -CARRIES: ""}
    return forest(rows, UNITS, lines=lines, signed=True)


def by_pull(tested: tuple[MeasuredConcept, ...]) -> list[MeasuredConcept]:
    """Return the concepts that count first, and what adds most to the score first among both."""
    return sorted(tested, key=lambda one: (one.verdict != CARRYING, -abs(one.pull["value"] or 0)))


def _concept(one: MeasuredConcept) -> dict[str, Any]:
    return {
        "name": one.name,
        "made": one.made,
        "quiet": one.verdict != CARRYING,
        "verdict": one.verdict,
        "may": MAY[one.allowed] if one.verdict == CARRYING else "",
        "seen": share_parts(one.seen),
        "tcav": f"{one.tcav:.2f}",
        "spread": f"± {one.spread:.2f}",
        "p": p_value(one.p),
        "pull": difference_text(one.pull, 2),
        "moved": difference_text(one.moved, 1, 100),
    }


def _concept_tiles(overview: Overview) -> list[dict[str, str]]:
    shown = {AS_IT_IS: ""}
    shown |= {
        f"{'with' if concept.adds else 'without'} {name}": f"{CONCEPT}{name}"
        for name, concept in READY.items()
        if f"{CONCEPT}{name}" in overview.pictures
    }
    return contact_sheet(
        [
            Tile(picture_jpeg(overview.pictures[key or name], shape=overview.shape), name)
            for name, key in shown.items()
        ]
    )


def _factor(number: int, one: Factor, overview: Overview) -> dict[str, Any]:
    names = overview.class_names
    speaks = (one.moved["value"] or 0) >= 0
    return {
        "number": number,
        "speaks": names[overview.positive] if speaks else overview.negative,
        "moved": signed(one.moved, 2),
        "carried": signed(one.carried, 1, 100),
        "drop": signed(one.drop),
        "inside": "-" if one.inside is None else share_text(one.inside),
        "positives": percent(one.positives),
        "tiles": contact_sheet(
            [
                Tile(picture_jpeg(crop.pixels, shape=crop.shape), names[crop.label])
                for crop in one.crops
            ]
        ),
    }


def _factors_lead(overview: Overview) -> str:
    factors = overview.factors
    lungs = next((one.lungs for one in factors.each if one.lungs is not None), None)
    how = (
        "measured by taking it out of the feature map"
        if factors.measured
        else "told by the gradient, since this network has no single feature map"
    )
    return (
        f"Factors that the cells of the last feature map are sums of, found in {factors.images:,} "
        f"images; together they make up {percent(factors.explained or 0)} of it, channels counting "
        "by how the score depends on them. Each is shown by the places that have most of it, with "
        "the class of the image. The differences are those of the score between images. What is "
        f"lost without a factor, of the score in standard deviations, is {how}."
        + ("" if lungs is None else f" The lungs are {percent(lungs)} of what is seen.")
    )
