"""A page of a picture: filled from the top, in inches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.report.style import FONT, INK, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, MARGIN = 11.0, 0.4


class Sheet:
    """A page that is filled from the top; places are in inches."""

    def __init__(self, height: float) -> None:
        self.height = height
        self.top = MARGIN
        self.figure: Figure = new_figure(height, WIDTH)
        self.figure.set_layout_engine("none")

    def down(self, inches: float) -> None:
        """Go down by that much."""
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
