"""Curves as shapes for a template: drawn with the page's own colours, light and dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 12, 44
TICKS = 5
SERIES = 6
"""Curves that the style sheet tells apart by colour and dashes."""


@dataclass(frozen=True)
class Line:
    """One curve: its name, where its points lie, a number of its legend, and its marked point."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    told: str = ""
    dot: tuple[float, float] | None = None
    part: str = ""
    """By which a script finds the dot again."""
    series: int = 0


@dataclass(frozen=True)
class Plot:
    """Curves in one pair of axes; `diagonal` is what guessing gives."""

    title: str
    reading: str
    across: str
    up: str
    lines: Sequence[Line]
    kind: str = ""
    diagonal: bool = False
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    whole: bool = field(default=False)
    """Whether ticks across are whole numbers."""

    @property
    def alt(self) -> str:
        """Say in words what is drawn."""
        return f"{self.title}. " + "; ".join(f"{one.name} {one.told}".strip() for one in self.lines)

    @property
    def box(self) -> dict[str, int]:
        """Return the place of the axes in the picture."""
        return {
            "width": WIDTH,
            "height": HEIGHT,
            "left": LEFT,
            "right": WIDTH - RIGHT,
            "top": TOP,
            "bottom": HEIGHT - BOTTOM,
        }

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies in the picture."""
        low, high = self.x_range
        across = (x - low) / ((high - low) or 1)
        bottom, top = self.y_range
        up = (y - bottom) / ((top - bottom) or 1)
        return (
            round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
            round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
        )

    def points(self, line: Line) -> str:
        """Return a curve as SVG writes it."""
        places = (self.at(x, y) for x, y in zip(line.x, line.y, strict=True))
        return " ".join(f"{x},{y}" for x, y in places)

    def x_ticks(self) -> list[tuple[float, str]]:
        """Return where the marks across stand, and their text."""
        low, high = self.x_range
        if self.whole:
            step = max(1, -(-int(high - low) // TICKS))
            values = [float(value) for value in range(int(low), int(high) + 1, step)]
            return [(self.at(value, 0)[0], f"{value:.0f}") for value in values]
        return [(self.at(value, 0)[0], f"{value:.1f}") for value in _ticks(low, high)[0]]

    def y_ticks(self) -> list[tuple[float, str]]:
        """Return where the marks up stand, and their text."""
        values, digits = _ticks(*self.y_range)
        return [(self.at(self.x_range[0], value)[1], f"{value:.{digits}f}") for value in values]


def _ticks(low: float, high: float) -> tuple[list[float], int]:
    """Return round numbers from `low` to `high`, and the digits that tell them apart."""
    least = (high - low) / TICKS
    if least <= 0:
        return [low], 1
    power = math.floor(math.log10(least))
    step = next(size for one in (1, 2, 5, 10) if (size := one * 10.0**power) > 0.999 * least)
    places = range(math.ceil(low / step - 0.001), math.floor(high / step + 0.001) + 1)
    digits = -math.floor(math.log10(step) + 0.001)
    return [place * step for place in places], max(1, digits)
