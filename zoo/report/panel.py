"""One picture that tells a case: the image, each map, the cases it resembles, the disclaimer."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import DISCLAIMER
from zoo.report.case import (
    Case,
    agreement_text,
    credibility_text,
    fact,
    neighbour_label,
    percent,
    prediction_text,
    thumbnail,
)
from zoo.report.examples_part import Pair, measured, no_pictures, pairs
from zoo.report.overlays import bar_ends, colour_bar, enlarge, overlay
from zoo.report.style import (
    BLUE,
    FONT,
    GREEN,
    GRID,
    INK,
    MUTED,
    ORANGE,
    VERMILION,
    new_figure,
    plain,
    to_png,
)
from zoo.trust.verdict import DO_NOT_USE, HOLDS_UP, WEAK, Trust
from zoo.types import Attribution, Examples, Group

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, MARGIN, GAP = 11.0, 0.4, 0.3
"""Inches."""
MAPS_A_ROW, THUMBNAILS_A_ROW, PAIRS_A_ROW = 4, 8, 4
MAP_ROW, VERDICT, THUMBNAIL_ROW, PAIR_ROW, LINE = 3.4, 0.7, 2.3, 1.75, 0.24
STEP, SIDE = (WIDTH - 2 * MARGIN) / THUMBNAILS_A_ROW, 1.1
"""Inches from one small picture to the next, and of its side."""
CLASSES_SHOWN = 6
DPI = 130
LEVELS = {HOLDS_UP: GREEN, WEAK: ORANGE, DO_NOT_USE: VERMILION}


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
    header = MARGIN + 1.26 + max(0.0, (bars - 3) * 0.26) + 0.24 * len(notes)
    rows = 1 + len(case.attributions) // MAPS_A_ROW
    height = header + rows * _map_row(case) + 0.35
    parts = [_Known(case, examples) for examples in case.examples]
    height += sum(part.height for part in parts)

    sheet = _Sheet(height)
    _header(sheet, case, title or case.name, disclaimer, bars)
    for line in notes:
        sheet.text(MARGIN, line, colour=VERMILION, size=9.5)
        sheet.down(0.24)
    sheet.down(0.12)
    _maps(sheet, case)
    for part in parts:
        part.draw(sheet)
    return sheet.figure


class _Sheet:
    """A page that is filled from the top; places are in inches."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.top = MARGIN
        self.figure: Figure = new_figure(height, WIDTH)
        self.figure.set_layout_engine("none")

    def down(self, inches: float) -> None:
        self.top += inches

    def text(
        self,
        left: float,
        text: str,
        *,
        size: float = 10,
        colour: str = INK,
        weight: str = "normal",
        align: str = "left",
    ) -> None:
        """Write one line whose top is at the present height; `text` is already plain."""
        place = (left / WIDTH, 1 - self.top / self.height)
        self.figure.text(
            *place,
            text,
            fontsize=size,
            color=colour,
            weight=weight,
            ha=align,
            va="top",
            family=FONT,
        )

    def axes(self, left: float, width: float, height: float, offset: float = 0) -> Axes:
        """Return bare axes whose top is `offset` below the present height."""
        bottom = 1 - (self.top + offset + height) / self.height
        box = (left / WIDTH, bottom, width / WIDTH, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_axis_off()
        return axes


def _header(sheet: _Sheet, case: Case, title: str, disclaimer: str, bars: int) -> None:
    _bars(sheet, case, bars)
    sheet.text(MARGIN, plain(title), size=10.5, colour=MUTED)
    sheet.down(0.24)
    sheet.text(MARGIN, plain(case.refused or prediction_text(case)), size=16, weight="bold")
    sheet.down(0.36)
    decided = "" if case.threshold is None else f"threshold {case.threshold:.3g}"
    known = "" if case.label is None else f"true class {case.class_names[case.label]}"
    told = (
        (case.reason, known) if case.refused else (case.run and f"run {case.run}", decided, known)
    )
    facts = [text for text in told if text]
    sheet.text(MARGIN, plain("   ·   ".join(facts), 110), size=9.5, colour=MUTED)
    sheet.down(0.24)
    mark = "SYNTHETIC DATA.  " if case.synthetic else ""
    sheet.text(MARGIN, plain(mark + disclaimer, 140), size=9.5, colour=VERMILION, weight="bold")
    sheet.down(0.3 + max(0, bars - 3) * 0.26)


def _bars(sheet: _Sheet, case: Case, bars: int) -> None:
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
        axes.text(1.04, place, percent(case)[index], ha="left", **look)


def _maps(sheet: _Sheet, case: Case) -> None:
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
            axes.imshow(enlarge(case.pixels))
            continue
        sheet.text(left, plain(attribution.method, 18), weight="bold")
        target = plain(case.class_names[attribution.target], 14)
        sheet.text(left + width, f"for {target}", size=8.5, colour=MUTED, align="right")
        axes.imshow(overlay(case.pixels, attribution))
        _colour_bar(sheet, attribution, left, width)
        if judged := case.trust.get(attribution.method):
            _verdict(sheet, judged, left, width)
    sheet.down(_map_row(case))


def _map_row(case: Case) -> float:
    return MAP_ROW + (VERDICT if case.trust else 0)


def _verdict(sheet: _Sheet, judged: Trust, left: float, width: float) -> None:
    room = sheet.axes(left, width, VERDICT, offset=MAP_ROW - 0.22)
    look: dict[str, Any] = {"va": "top", "family": FONT, "transform": room.transAxes}
    colour = LEVELS.get(judged.level, INK)
    room.text(0, 1, judged.level, fontsize=9, weight="bold", color=colour, **look)
    reason = "\n".join(textwrap.wrap(plain(judged.reason, 160), 46)[:4])
    room.text(0, 0.76, reason, fontsize=7.5, color=INK, linespacing=1.3, **look)


def _colour_bar(sheet: _Sheet, attribution: Attribution, left: float, width: float) -> None:
    bar = sheet.axes(left, width, 0.1, offset=0.26 + width + 0.08)
    bar.imshow(colour_bar(attribution.signed), aspect="auto", extent=(0, 1, 0, 1))
    look: dict[str, Any] = {"va": "top", "fontsize": 7.5, "color": MUTED, "family": FONT}
    ends = bar_ends(attribution)
    for where, align, text in zip((0, 0.5, 1), ("left", "center", "right"), ends, strict=True):
        bar.text(where, -0.5, text, ha=align, **look)
    facts = ", ".join(" ".join(fact(*item)) for item in attribution.details.items())
    for line, text in enumerate(textwrap.wrap(plain(facts, 96), 48)):
        bar.text(0, -2.3 - 1.4 * line, text, ha="left", **look)


class _Known:
    """The known cases of one method: sentences, rows of groups, a row of matching regions."""

    def __init__(self, case: Case, examples: Examples) -> None:
        self.case, self.examples = case, examples
        told = (credibility_text(examples), no_pictures(case))
        self.lines = [line for text in told for line in textwrap.wrap(plain(text, 400), 130)]
        self.rows = _rows([group for group in examples.groups if group.cases])
        matching = {
            pair.neighbour.index: pair for group in examples.groups for pair in pairs(case, group)
        }
        self.pairs = list(matching.values())[:PAIRS_A_ROW]

    @property
    def height(self) -> float:
        """Inches that it takes."""
        lines = LINE * (1 + len(self.lines)) + 0.16
        return lines + THUMBNAIL_ROW * len(self.rows) + (PAIR_ROW if self.pairs else 0)

    def draw(self, sheet: _Sheet) -> None:
        """Fill the sheet with it, from its present height on."""
        sheet.text(MARGIN, plain(self.examples.method, 30), weight="bold")
        sheet.text(MARGIN + STEP, plain(agreement_text(self.case, self.examples), 110))
        sheet.down(LINE)
        for line in self.lines:
            sheet.text(MARGIN + STEP, line, size=9, colour=MUTED)
            sheet.down(LINE)
        sheet.down(0.16)
        for row in self.rows:
            for column, group in row:
                self._group(sheet, MARGIN + column * STEP, group)
            sheet.down(THUMBNAIL_ROW)
        if self.pairs:
            told = "Where the image and a known case show the network the same"
            sheet.text(MARGIN, told, size=9.5, colour=MUTED)
            for column, pair in enumerate(self.pairs):
                self._pair(sheet, MARGIN + 2 * column * STEP, pair)
            sheet.down(PAIR_ROW)

    def _group(self, sheet: _Sheet, left: float, group: Group) -> None:
        cases = group.cases[:THUMBNAILS_A_ROW]
        room = sheet.axes(left, STEP, 0.2)
        title = "\n".join(textwrap.wrap(plain(group.title, 70), 16 * max(3, len(cases)))[:2])
        look: dict[str, Any] = {"va": "top", "family": FONT, "linespacing": 1.3}
        room.text(0, 1, title, fontsize=9.5, color=MUTED, transform=room.transAxes, **look)
        for column, neighbour in enumerate(cases):
            axes = sheet.axes(left + column * STEP, SIDE, SIDE, offset=0.38)
            _thumbnail(axes, thumbnail(self.case, neighbour))
            label = plain(neighbour_label(self.case, neighbour), 16)
            value = textwrap.wrap(plain(measured(group, neighbour)), 21)
            caption = "\n".join([label, *value])
            axes.text(
                0, -0.05, caption, fontsize=7.5, color=INK, transform=axes.transAxes, **look
            )  # fmt: skip
            if neighbour.note:
                note = "\n".join(textwrap.wrap(plain(neighbour.note, 80), 22))
                axes.text(
                    0, -0.05 - 0.13 * (1 + caption.count("\n")), note, fontsize=7,
                    color=VERMILION, transform=axes.transAxes, **look,
                )  # fmt: skip

    def _pair(self, sheet: _Sheet, left: float, pair: Pair) -> None:
        for column, picture in enumerate((pair.image, pair.case)):
            axes = sheet.axes(left + column * (SIDE + 0.06), SIDE, SIDE, offset=0.24)
            axes.imshow(picture)
            label = neighbour_label(self.case, pair.neighbour)
            caption = f"case, {plain(label, 16)}" if column else "image"
            axes.text(
                0, -0.05, caption, fontsize=7.5, color=INK, va="top", family=FONT,
                transform=axes.transAxes,
            )  # fmt: skip


def _rows(groups: Sequence[Group]) -> list[list[tuple[int, Group]]]:
    """Place groups beside each other where they fit, each with the column it begins at."""
    rows: list[list[tuple[int, Group]]] = []
    column = THUMBNAILS_A_ROW
    for group in groups:
        room = min(max(3, len(group.cases)), THUMBNAILS_A_ROW)  # a title needs that much
        if column + room > THUMBNAILS_A_ROW:
            rows.append([])
            column = 0
        rows[-1].append((column, group))
        column += room + (room == 3)
    return rows


def _thumbnail(axes: Axes, encoded: bytes | None) -> None:
    if not encoded:
        axes.fill([0, 1, 1, 0], [0, 0, 1, 1], color=GRID)
        axes.text(0.5, 0.5, "no picture\nkept", ha="center", va="center", fontsize=8, color=MUTED)
        return
    axes.imshow(np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")))
