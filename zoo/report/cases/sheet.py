"""A page of a picture: filled from the top, in inches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.report.style import FONT, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, MARGIN = 11.0, 0.4
SMALL_LINE = 0.143
"""Inches of a line of the smallest text."""


class Sheet:
    """A page that is filled from the top; places are in inches, `below` the present height.

    All is drawn on one pair of axes as large as the page: a pair for each picture takes longer to
    make than the pictures to draw.
    """

    def __init__(self, height: float) -> None:
        self.top = MARGIN
        self.figure: Figure = new_figure(height, WIDTH, layout=None)
        self._page = self.figure.add_axes((0, 0, 1, 1))
        self._page.set(xlim=(0, WIDTH), ylim=(height, 0))
        self._page.set_autoscale_on(False)
        self._page.set_axis_off()

    def down(self, inches: float) -> None:
        """Go down by that much."""
        self.top += inches

    def text(
        self,
        left: float,
        text: str,
        *,
        below: float = 0.0,
        size: float = 10,
        colour: str = INK,
        weight: str = "normal",
        align: str = "left",
        level: str = "top",
    ) -> None:
        """Write lines whose top, or as `level` says, is there; `text` is already plain."""
        self._page.text(
            left,
            self.top + below,
            text,
            fontsize=size,
            color=colour,
            weight=weight,
            ha=align,
            va=level,
            family=FONT,
            linespacing=1.3,
        )

    def picture(
        self, left: float, width: float, height: float, pixels: np.ndarray, *, below: float = 0.0
    ) -> None:
        """Draw a picture in the middle of a cell, as large as its proportions allow."""
        rows, columns = pixels.shape[:2]
        scale = min(width / columns, height / rows)
        middle = left + width / 2, self.top + below + height / 2
        self._fill(pixels, *middle, columns * scale, rows * scale)

    def stretch(
        self, left: float, width: float, height: float, pixels: np.ndarray, *, below: float = 0.0
    ) -> None:
        """Draw pixels over all of a cell."""
        self._fill(pixels, left + width / 2, self.top + below + height / 2, width, height)

    def block(
        self, left: float, width: float, height: float, colour: str, *, below: float = 0.0
    ) -> None:
        """Fill a cell with one colour."""
        from matplotlib.patches import Rectangle

        place = (left, self.top + below)
        self._page.add_patch(Rectangle(place, width, height, color=colour, linewidth=0))

    def _fill(self, pixels: np.ndarray, x: float, y: float, width: float, height: float) -> None:
        edges = (x - width / 2, x + width / 2, y + height / 2, y - height / 2)
        self._page.imshow(pixels, extent=edges, aspect="auto")
