"""One picture that tells a case: the image, each map, the cases it resembles, the disclaimer."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import DISCLAIMER
from zoo.base.explanations import Attribution
from zoo.interpret.case import Case
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK, Trust
from zoo.report.cases.known_cases import Known
from zoo.report.cases.overlays import bar_ends, colour_bar, overlay, shown
from zoo.report.cases.sheet import MARGIN, WIDTH, Sheet
from zoo.report.cases.text import fact, likeness_texts, prediction_text, probability_texts
from zoo.report.style import BLUE, FONT, GREEN, GRID, INK, MUTED, ORANGE, VERMILION, plain, to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP, MAP_ROW, VERDICT = 0.3, 3.65, 0.85
"""Inches."""
LINE = 38
"""Characters of the smallest text that fit under a map."""
BESIDE = 92
"""Characters of the facts that fit beside the bars."""
MAPS_A_ROW = 4
CLASSES_SHOWN = 6
DPI = 130
LEVELS = {HOLDS_UP: GREEN, NOT_JUDGED: MUTED, WEAK: ORANGE, DO_NOT_USE: VERMILION}


def panel(case: Case, title: str = "", disclaimer: str = DISCLAIMER) -> bytes:
    """Draw one explained image as a PNG file, 1430 pixels wide.

    `title` is the name of the case unless given. The disclaimer stands beside the prediction.
    """
    return to_png(_drawn(case, title, disclaimer), dpi=DPI)


def panel_pdf(case: Case, title: str = "", disclaimer: str = DISCLAIMER) -> bytes:
    """Draw the same as a PDF file of one page, 11 inches wide."""
    buffer = io.BytesIO()
    _drawn(case, title, disclaimer).savefig(buffer, format="pdf", metadata={"CreationDate": None})
    return buffer.getvalue()


def _drawn(case: Case, title: str, disclaimer: str) -> Figure:
    notes = [line for note in case.notes for line in textwrap.wrap(plain(note, 400), 118)]
    bars = min(len(case.class_names), CLASSES_SHOWN)
    facts = _facts(case)
    header = MARGIN + 1.02 + max(0.0, (bars - 3) * 0.26) + 0.24 * len(notes) + 0.24 * len(facts)
    rows = 1 + len(case.attributions) // MAPS_A_ROW
    told = (case.chosen, *likeness_texts(case))
    about = [line for one in told for line in textwrap.wrap(plain(one, 400), 118)]
    height = header + rows * _map_row(case) + 0.24 * len(about) + 0.35
    drawn: set[int] = set()
    parts = [Known(case, examples, drawn) for examples in case.examples]
    height += sum(part.height for part in parts)

    sheet = Sheet(height)
    _header(sheet, case, title or case.name, facts, disclaimer, bars)
    for line in notes:
        sheet.text(MARGIN, line, colour=VERMILION, size=9.5)
        sheet.down(0.24)
    sheet.down(0.12)
    _maps(sheet, case)
    for line in about:
        sheet.text(MARGIN, line, size=9.5, colour=MUTED)
        sheet.down(0.24)
    for part in parts:
        part.draw(sheet)
    return sheet.figure


def _header(
    sheet: Sheet, case: Case, title: str, facts: Sequence[str], disclaimer: str, bars: int
) -> None:
    _bars(sheet, case, bars)
    sheet.text(MARGIN, plain(title), size=10.5, colour=MUTED)
    sheet.down(0.24)
    sheet.text(MARGIN, plain(case.refused or prediction_text(case)), size=16, weight="bold")
    sheet.down(0.36)
    for line in facts:
        sheet.text(MARGIN, line, size=9.5, colour=MUTED)
        sheet.down(0.24)
    mark = "SYNTHETIC DATA.  " if case.synthetic else ""
    sheet.text(MARGIN, plain(mark + disclaimer, 140), size=9.5, colour=VERMILION, weight="bold")
    sheet.down(0.3 + max(0, bars - 3) * 0.26)


def _facts(case: Case) -> list[str]:
    """Return in lines why it was refused, or else by which run and threshold it was decided."""
    decided = "" if case.threshold is None else f"threshold {case.threshold:.3g}"
    known = "" if case.label is None else f"true class {case.class_names[case.label]}"
    told = (
        (case.reason, known) if case.refused else (case.run and f"run {case.run}", decided, known)
    )
    written = "  ·  ".join(filter(None, told))
    return textwrap.wrap(plain(written, 400), BESIDE) or [""]


def _bars(sheet: Sheet, case: Case, bars: int) -> None:
    order = np.argsort(-np.asarray(case.probabilities), kind="stable")[:bars]
    axes = sheet.axes(8.0, 2.0, 0.28 * bars)
    axes.set_xlim(0, 1)
    axes.set_ylim(bars - 0.5, -0.5)
    for place, index in enumerate(order):
        colour = BLUE if index == case.predicted else MUTED
        axes.barh(place, 1, height=0.5, color=GRID)
        axes.barh(place, case.probabilities[index], height=0.5, color=colour)
        name = plain(case.class_names[index], 22)
        look: dict[str, Any] = {"va": "center", "fontsize": 9, "color": INK, "family": FONT}
        axes.text(-0.04, place, name, ha="right", **look)
        axes.text(1.04, place, probability_texts(case)[index], ha="left", **look)


def _maps(sheet: Sheet, case: Case) -> None:
    width = (WIDTH - 2 * MARGIN - (MAPS_A_ROW - 1) * GAP) / MAPS_A_ROW
    tiles: list[Attribution | None] = [None, *case.attributions]
    for place, attribution in enumerate(tiles):
        column = place % MAPS_A_ROW
        if place and column == 0:
            sheet.down(_map_row(case))
        left = MARGIN + column * (width + GAP)
        axes = sheet.axes(left, width, width, offset=0.26)
        if attribution is None:
            sheet.text(left, "image", weight="bold")
            if case.box is not None:
                sheet.text(
                    left + width, "seen: inside the line", size=8.5, colour=MUTED, align="right"
                )
            axes.imshow(shown(case.pixels, case.box, case.shape))
            continue
        sheet.text(left, plain(attribution.method, 18), weight="bold")
        target = plain(case.class_names[attribution.target], 14)
        sheet.text(left + width, f"for {target}", size=8.5, colour=MUTED, align="right")
        axes.imshow(overlay(case.pixels, attribution, case.box, case.shape))
        _colour_bar(sheet, attribution, left, width)
        if judged := case.trust.get(attribution.method):
            _verdict(sheet, judged, left, width)
    sheet.down(_map_row(case))


def _map_row(case: Case) -> float:
    return MAP_ROW + (VERDICT if case.trust else 0)


def _verdict(sheet: Sheet, judged: Trust, left: float, width: float) -> None:
    room = sheet.axes(left, width, VERDICT, offset=MAP_ROW - 0.22)
    look: dict[str, Any] = {"va": "top", "family": FONT, "transform": room.transAxes}
    colour = LEVELS.get(judged.level, INK)
    room.text(0, 1, judged.level, fontsize=9, weight="bold", color=colour, **look)
    reason = "\n".join(textwrap.wrap(plain(judged.reason, 170), LINE)[:5])
    room.text(0, 0.8, reason, fontsize=7.5, color=INK, linespacing=1.3, **look)


def _colour_bar(sheet: Sheet, attribution: Attribution, left: float, width: float) -> None:
    bar = sheet.axes(left, width, 0.1, offset=0.26 + width + 0.08)
    bar.imshow(colour_bar(attribution.signed), aspect="auto", extent=(0, 1, 0, 1))
    look: dict[str, Any] = {"va": "top", "fontsize": 7.5, "color": MUTED, "family": FONT}
    ends = bar_ends(attribution)
    for where, align, text in zip((0, 0.5, 1), ("left", "center", "right"), ends, strict=True):
        bar.text(where, -0.5, text, ha=align, **look)
    facts = ", ".join(" ".join(fact(*item)) for item in attribution.details.items())
    for line, text in enumerate(textwrap.wrap(plain(facts, 3 * LINE), LINE)):
        bar.text(0, -2.3 - 1.4 * line, text, ha="left", **look)
