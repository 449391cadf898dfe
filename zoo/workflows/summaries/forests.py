"""A forest plot as the figure of a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.report.figures.forest import ForestRow, draw_forest, forest_height
from zoo.report.style import WIDTH


def in_forest(
    rows: Sequence[ForestRow | None], x_label: str, lines: Mapping[float, str]
) -> dict[str, Any]:
    """Return a forest plot as the figure of a summary; nothing where no value is defined."""
    drawn = [row for row in rows if row is not None]
    if not drawn:
        return {}
    return {
        "draw": lambda axes: draw_forest(axes, drawn, x_label, lines=lines),
        "size": (WIDTH, forest_height(len(drawn), lines)),
    }
