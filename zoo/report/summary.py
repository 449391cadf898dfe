"""What a notebook shows of a record: a short text with a table, a figure, or a page in a frame."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo import DISCLAIMER
from zoo.report.rendering import render
from zoo.report.style import WIDTH

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROWS = 100
"""Rows of a table that are shown below a cell."""
LETTERS = 48
"""Letters of a cell in plain text."""
FITTED = (
    "try{this.style.height=Math.min(6000,this.contentDocument.documentElement.scrollHeight+8)+'px'}"
    "catch(e){}"
)
"""What makes a frame as high as its page, where the notebook allows it."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Summary:
    """A record in short; `rows` is its table, `draw` its figure and `page` its whole page."""

    title: str = ""
    lines: Sequence[str] = ()
    rows: Sequence[Row] = ()
    notes: Sequence[str] = ()
    """What should not be missed, such as an alarm."""
    synthetic: bool = False
    draw: Callable[[Axes], None] | None = None
    size: tuple[float, float] = (WIDTH, 4.2)
    """Inches of the figure."""
    page: Callable[[], str] | None = None


def fragment(summary: Summary, disclaimer: str = DISCLAIMER) -> str:
    """Return a piece of HTML for below a cell, in the notebook's own colours."""
    columns = columns_of(summary.rows)
    return render(
        "summary.html.j2",
        title=summary.title,
        lines=summary.lines,
        notes=summary.notes,
        columns=columns,
        numbers={name for name in columns if _numeric(summary.rows, name)},
        rows=[{name: written(row.get(name)) for name in columns} for row in summary.rows[:ROWS]],
        left_out=max(0, len(summary.rows) - ROWS),
        synthetic=summary.synthetic,
        disclaimer=disclaimer,
    )


def text(summary: Summary, disclaimer: str = DISCLAIMER) -> str:
    """Return the same as plain text, for where there is no notebook."""
    columns = columns_of(summary.rows)
    cells = [columns] if columns else []
    cells += [
        [textwrap.shorten(written(row.get(name)), LETTERS, placeholder=" …") for name in columns]
        for row in summary.rows[:ROWS]
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    table = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    return "\n".join(
        [*filter(None, (summary.title, *summary.lines, *summary.notes)), *table, disclaimer]
    )


def framed(page: str) -> str:
    """Return a piece of HTML with a whole page in a frame, so that neither styles the other."""
    look = "width:100%;height:640px;border:1px solid #8884;border-radius:6px;background:#fff"
    return f'<iframe srcdoc="{html.escape(page)}" style="{look}" onload="{FITTED}"></iframe>'


def columns_of(rows: Sequence[Row]) -> list[str]:
    """Return the columns of all rows, in the order in which they come."""
    return list(dict.fromkeys(name for row in rows for name in row))


def written(value: Any) -> str:
    """Write a cell: three digits of a number, a dash for what is undefined."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _numeric(rows: Sequence[Row], name: str) -> bool:
    kinds = {type(row[name]) for row in rows if row.get(name) is not None}
    return bool(kinds) and kinds <= {int, float}
