"""The known cases on a panel: groups of small pictures, and where they match the image."""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from zoo.base.explanations import Examples, Group, Neighbour
from zoo.interpret.case import Case
from zoo.report.cases.examples import (
    Pair,
    measured,
    newly,
    no_pictures,
    pairs,
    short_name,
)
from zoo.report.cases.sheet import MARGIN, SMALL_LINE, WIDTH, Sheet
from zoo.report.cases.text import agreement_text, credibility_text, neighbour_label, thumbnail
from zoo.report.style import GRID, MUTED, VERMILION, plain

THUMBNAILS_A_ROW, PAIRS_A_ROW = 8, 4
THUMBNAIL_ROW, REMARKS, PAIR_ROW, LINE = 2.24, 0.4, 1.75, 0.24
STEP, SIDE = (WIDTH - 2 * MARGIN) / THUMBNAILS_A_ROW, 1.1
"""Inches from one small picture to the next, and of its side."""
TITLE, CAPTION = 0.38, 0.055
"""Inches above a small picture, and below it."""


class Known:
    """The known cases of one method: sentences, rows of groups, a row of matching regions.

    Of a case that is `drawn` already there is the name; those drawn here are added.
    """

    def __init__(self, case: Case, examples: Examples, drawn: set[int]) -> None:
        self.case, self.examples = case, examples
        told = (credibility_text(examples), no_pictures(case))
        self.lines = [line for text in told for line in textwrap.wrap(plain(text, 400), 130)]
        self.rows = _rows([group for group in examples.groups if group.cases])
        groups = [replace(one, cases=one.cases[:THUMBNAILS_A_ROW]) for one in examples.groups]
        self.fresh = [one for group in groups for one in newly(group, drawn)[0]]
        self.pairs = list(itertools.islice(pairs(case, self.fresh), PAIRS_A_ROW))

    @property
    def height(self) -> float:
        """Inches that it takes."""
        lines = LINE * (1 + len(self.lines)) + 0.16
        return lines + sum(map(_height, self.rows)) + (PAIR_ROW if self.pairs else 0)

    def draw(self, sheet: Sheet) -> None:
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
            sheet.down(_height(row))
        if self.pairs:
            told = "Where the image and a known case show the network the same"
            sheet.text(MARGIN, told, size=9.5, colour=MUTED)
            for column, pair in enumerate(self.pairs):
                self._pair(sheet, MARGIN + 2 * column * STEP, pair)
            sheet.down(PAIR_ROW)

    def _group(self, sheet: Sheet, left: float, group: Group) -> None:
        cases = group.cases[:THUMBNAILS_A_ROW]
        title = "\n".join(textwrap.wrap(plain(group.title, 70), 16 * max(3, len(cases)))[:2])
        sheet.text(left, title, size=9.5, colour=MUTED)
        for column, neighbour in enumerate(cases):
            self._thumbnail(sheet, left + column * STEP, group, neighbour)

    def _thumbnail(self, sheet: Sheet, left: float, group: Group, neighbour: Neighbour) -> None:
        encoded = thumbnail(self.case, neighbour)
        if all(neighbour is not one for one in self.fresh):
            _in_words(sheet, left, "shown\nbefore")
        elif not encoded:
            _in_words(sheet, left, "no picture\nkept")
        else:
            pixels = np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))
            sheet.picture(left, SIDE, SIDE, pixels, below=TITLE)
        name = plain(short_name(self.case, neighbour), 17)
        label = plain(neighbour_label(self.case, neighbour), 16)
        caption = [label, name, *textwrap.wrap(plain(measured(group, neighbour)), 21)]
        below = TITLE + SIDE + CAPTION
        sheet.text(left, "\n".join(caption), below=below, size=7.5)
        note = "\n".join(textwrap.wrap(plain(neighbour.note, 80), 22))
        below += SMALL_LINE * len(caption)
        sheet.text(left, note, below=below, size=7, colour=VERMILION)

    def _pair(self, sheet: Sheet, left: float, pair: Pair) -> None:
        for column, picture in enumerate((pair.image, pair.case)):
            place = left + column * (SIDE + 0.06)
            sheet.picture(place, SIDE, SIDE, picture, below=LINE)
            label = neighbour_label(self.case, pair.neighbour)
            caption = f"case, {plain(label, 16)}" if column else "image"
            sheet.text(place, caption, below=LINE + SIDE + CAPTION, size=7.5)


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


def _height(row: Sequence[tuple[int, Group]]) -> float:
    """Give the inches of a row: remarks stand below the captions."""
    remarked = any(one.note for _, group in row for one in group.cases[:THUMBNAILS_A_ROW])
    return THUMBNAIL_ROW + (REMARKS if remarked else 0)


def _in_words(sheet: Sheet, left: float, words: str) -> None:
    sheet.block(left, SIDE, SIDE, GRID, below=TITLE)
    middle = TITLE + SIDE / 2
    look: dict[str, Any] = {"align": "center", "level": "center", "colour": MUTED}
    sheet.text(left + SIDE / 2, words, below=middle, size=7.5, **look)
