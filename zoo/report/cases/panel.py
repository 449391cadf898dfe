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
from zoo.report.cases.sheet import MARGIN, SMALL_LINE, WIDTH, Sheet
from zoo.report.cases.text import fact, likeness_texts, prediction_text, probability_texts
from zoo.report.style import BLUE, GREEN, GRID, INK, MUTED, ORANGE, VERMILION, plain, to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP, MAP_TITLE, UNDER_MAP = 0.3, 0.26, 0.45
"""Inches: between maps, above one, and below one for its colours."""
VERDICT = 0.17
"""Inches of a verdict's first line."""
BARS, BAR_LENGTH, BAR, BAR_STEP = 8.0, 2.0, 0.14, 0.28
"""Inches: where the bars begin, how long a whole one is, and how high, from one to the next."""
LINE = 38
"""Characters of the smallest text that fit under a map."""
BESIDE = 92
"""Characters of the facts that fit beside the bars."""
MAPS_A_ROW = 4
MAP_WIDTH = (WIDTH - 2 * MARGIN - (MAPS_A_ROW - 1) * GAP) / MAPS_A_ROW
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
    for place, index in enumerate(order):
        middle = BAR_STEP * (place + 0.5)
        top = middle - BAR / 2
        colour = BLUE if index == case.predicted else MUTED
        sheet.block(BARS, BAR_LENGTH, BAR, GRID, below=top)
        sheet.block(BARS, BAR_LENGTH * case.probabilities[index], BAR, colour, below=top)
        name = plain(case.class_names[index], 22)
        look: dict[str, Any] = {"below": middle, "size": 9, "level": "center"}
        sheet.text(BARS - 0.08, name, align="right", **look)
        sheet.text(BARS + BAR_LENGTH + 0.08, probability_texts(case)[index], **look)


def _maps(sheet: Sheet, case: Case) -> None:
    tiles: list[Attribution | None] = [None, *case.attributions]
    height = _map_height(case)
    for place, attribution in enumerate(tiles):
        column = place % MAPS_A_ROW
        if place and column == 0:
            sheet.down(_map_row(case))
        left = MARGIN + column * (MAP_WIDTH + GAP)
        right = left + MAP_WIDTH
        if attribution is None:
            sheet.text(left, "image", weight="bold")
            if case.box is not None:
                sheet.text(right, "seen: inside the line", size=8.5, colour=MUTED, align="right")
            pixels = shown(case.pixels, case.box, case.shape)
        else:
            sheet.text(left, plain(attribution.method, 18), weight="bold")
            target = plain(case.class_names[attribution.target], 14)
            sheet.text(right, f"for {target}", size=8.5, colour=MUTED, align="right")
            pixels = overlay(case.pixels, attribution, case.box, case.shape)
            under = MAP_TITLE + height
            _colour_bar(sheet, attribution, left, under + 0.08)
            if judged := case.trust.get(attribution.method):
                _verdict(sheet, judged, left, under + UNDER_MAP + _most_facts(case))
        sheet.picture(left, MAP_WIDTH, height, pixels, below=MAP_TITLE)
    sheet.down(_map_row(case))


def _map_height(case: Case) -> float:
    """Give the inches of a map, as wide as its place unless it is taller than wide."""
    rows, columns = shown(case.pixels, case.box, case.shape).shape[:2]
    return MAP_WIDTH * min(1.0, rows / columns)


def _map_row(case: Case) -> float:
    reasons = max(
        (VERDICT + SMALL_LINE * len(_reason(one)) for one in case.trust.values()), default=0
    )
    return MAP_TITLE + _map_height(case) + UNDER_MAP + _most_facts(case) + reasons + GAP


def _most_facts(case: Case) -> float:
    """Give the inches of the facts that most are told of."""
    return SMALL_LINE * max((len(_details(one)) for one in case.attributions), default=0)


def _details(attribution: Attribution) -> list[str]:
    facts = ", ".join(" ".join(fact(*item)) for item in attribution.details.items())
    return textwrap.wrap(plain(facts, 3 * LINE), LINE)


def _reason(judged: Trust) -> list[str]:
    return textwrap.wrap(plain(judged.reason, 170), LINE)[:5]


def _verdict(sheet: Sheet, judged: Trust, left: float, below: float) -> None:
    colour = LEVELS.get(judged.level, INK)
    sheet.text(left, judged.level, below=below, size=9, colour=colour, weight="bold")
    sheet.text(left, "\n".join(_reason(judged)), below=below + VERDICT, size=7.5)


def _colour_bar(sheet: Sheet, attribution: Attribution, left: float, below: float) -> None:
    sheet.stretch(left, MAP_WIDTH, 0.1, colour_bar(attribution.signed), below=below)
    look: dict[str, Any] = {"size": 7.5, "colour": MUTED}
    ends = bar_ends(attribution)
    for where, align, text in zip((0, 0.5, 1), ("left", "center", "right"), ends, strict=True):
        sheet.text(left + where * MAP_WIDTH, text, below=below + 0.15, align=align, **look)
    sheet.text(left, "\n".join(_details(attribution)), below=below + 0.33, **look)
