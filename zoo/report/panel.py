"""One picture that tells a case: the image, each map, the cases it resembles, the disclaimer."""

from __future__ import annotations

import io
import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from zoo import DISCLAIMER
from zoo.report.case import (
    Case,
    agreement_text,
    fact,
    neighbour_label,
    percent,
    prediction_text,
    thumbnail,
)
from zoo.report.overlays import bar_ends, colour_bar, enlarge, overlay
from zoo.report.style import (
    BLUE,
    FONT,
    GRID,
    INK,
    MUTED,
    VERMILION,
    new_figure,
    plain,
    to_png,
)
from zoo.types import Attribution, Examples, Neighbour

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, MARGIN, GAP = 11.0, 0.4, 0.3
"""Inches."""
MAPS_A_ROW, THUMBNAILS_A_ROW = 4, 7
MAP_ROW, THUMBNAIL_ROW, HEADING = 3.4, 1.65, 0.32
CLASSES_SHOWN = 6
DPI = 130


def panel(case: Case, title: str = "", disclaimer: str = DISCLAIMER) -> bytes:
    """Draw one explained image as a PNG file, 1430 pixels wide.

    `title` is the name of the case unless given. The disclaimer stands beside the prediction.
    """
    notes = [line for note in case.notes for line in textwrap.wrap(plain(note, 400), 118)]
    bars = min(len(case.class_names), CLASSES_SHOWN)
    header = MARGIN + 1.26 + max(0.0, (bars - 3) * 0.26) + 0.24 * len(notes)
    rows = 1 + len(case.attributions) // MAPS_A_ROW
    height = header + rows * MAP_ROW + 0.35
    for examples in case.examples:
        height += HEADING + sum(THUMBNAIL_ROW for found in _kinds(examples) if found[1])

    sheet = _Sheet(height)
    _header(sheet, case, title or case.name, disclaimer, bars)
    for line in notes:
        sheet.text(MARGIN, line, colour=VERMILION, size=9.5)
        sheet.down(0.24)
    sheet.down(0.12)
    _maps(sheet, case)
    for examples in case.examples:
        _examples(sheet, case, examples)
    return to_png(sheet.figure, dpi=DPI)


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
            sheet.down(MAP_ROW)
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
    sheet.down(MAP_ROW)


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


def _kinds(examples: Examples) -> list[tuple[str, tuple[Neighbour, ...]]]:
    return [
        ("nearest training cases", examples.similar),
        ("nearest with another label", examples.contrast),
    ]


def _examples(sheet: _Sheet, case: Case, examples: Examples) -> None:
    sheet.text(MARGIN, plain(examples.method, 30), weight="bold")
    sheet.text(MARGIN + 1.4, plain(agreement_text(case, examples), 110), colour=INK)
    sheet.down(HEADING)
    step = (WIDTH - 2 * MARGIN - 1.4) / THUMBNAILS_A_ROW
    for title, neighbours in _kinds(examples):
        if not neighbours:
            continue
        for line, text in enumerate(textwrap.wrap(title, 16)):
            place = sheet.axes(MARGIN, 1.3, 0.2, offset=0.3 + 0.2 * line)
            place.text(0, 1, text, fontsize=9.5, color=MUTED, va="top", family=FONT)
        for column, neighbour in enumerate(neighbours[:THUMBNAILS_A_ROW]):
            axes = sheet.axes(MARGIN + 1.4 + column * step, 1.06, 1.06)
            _thumbnail(axes, thumbnail(case, neighbour))
            label = (
                f"{plain(neighbour_label(case, neighbour), 14)}\ndistance {neighbour.distance:.2f}"
            )
            axes.text(
                0,
                -0.06,
                label,
                fontsize=7.5,
                color=INK,
                va="top",
                family=FONT,
                transform=axes.transAxes,
                linespacing=1.3,
            )
        sheet.down(THUMBNAIL_ROW)


def _thumbnail(axes: Axes, encoded: bytes | None) -> None:
    if encoded is None:
        axes.fill([0, 1, 1, 0], [0, 0, 1, 1], color=GRID)
        axes.text(0.5, 0.5, "no picture\nkept", ha="center", va="center", fontsize=8, color=MUTED)
        return
    axes.imshow(np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB")))
