"""Many small pictures at a glance, each with its name: for a page and as one PNG file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.report.rendering import uri
from zoo.report.style import FONT, INK, MUTED, new_figure, plain, to_png

COLUMNS = 6
CELL, CAPTION, GAP, MARGIN, HEADING = 1.25, 0.42, 0.12, 0.25, 0.5
"""Inches: side of a picture, height of its two lines, space between, around, and of the title."""
DPI = 130
LETTERS = 19


@dataclass(frozen=True)
class Tile:
    """One picture with its caption; `beside` is a second picture, such as a map drawn over it.

    `picture` and `beside` are JPEG files; without a picture the caption stands alone.
    """

    picture: bytes | None
    name: str
    text: str = ""
    beside: bytes | None = None


def contact_sheet(tiles: Sequence[Tile]) -> list[dict[str, str]]:
    """Prepare tiles for the macro `sheet` of `parts.html.j2`; names are shown without folders."""
    return [
        {
            "picture": uri(tile.picture, "jpeg") if tile.picture else "",
            "name": tile.name,
            "short": tile.name.replace("\\", "/").rpartition("/")[2],
            "text": tile.text,
            "beside": uri(tile.beside, "jpeg") if tile.beside else "",
        }
        for tile in tiles
    ]


def contact_sheet_png(
    pictures: Sequence[tuple[np.ndarray, str, str]], *, title: str = "", columns: int = COLUMNS
) -> bytes:
    """Draw (pixels, name, text) triples in a grid, row by row, as a PNG file.

    Pixels are `(height, width, channels)` uint8 with 1 or 3 channels, of any size.

    Raises:
        BadInput: no pictures.
    """
    if not pictures:
        raise BadInput("There are no pictures for a contact sheet; expected at least one.")
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    heading = HEADING if title else 0.0
    width = 2 * MARGIN + columns * CELL + (columns - 1) * GAP
    height = 2 * MARGIN + heading + rows * (CELL + CAPTION) + (rows - 1) * GAP
    figure = new_figure(height, width)
    figure.set_layout_engine("none")
    if title:
        letters = int(width * 8)
        figure.text(
            MARGIN / width,
            1 - MARGIN / height,
            plain(title, letters),
            fontsize=13,
            weight="bold",
            color=INK,
            va="top",
            family=FONT,
        )
    for place, (pixels, name, text) in enumerate(pictures):
        row, column = divmod(place, columns)
        left = MARGIN + column * (CELL + GAP)
        top = MARGIN + heading + row * (CELL + CAPTION + GAP)
        box = (left / width, 1 - (top + CELL) / height, CELL / width, CELL / height)
        axes = figure.add_axes(box, facecolor="black")
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
        axes.imshow(_rgb(pixels), aspect="equal")
        axes.set_anchor("C")
        for line, (words, colour) in enumerate(((name, INK), (text, MUTED))):
            down = top + CELL + 0.06 + 0.16 * line
            figure.text(
                left / width,
                1 - down / height,
                plain(words, LETTERS),
                fontsize=7.5,
                color=colour,
                va="top",
                family=FONT,
            )
    return to_png(figure, dpi=DPI)


def _rgb(pixels: np.ndarray) -> np.ndarray:
    return np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else to_channels(pixels, 3)
