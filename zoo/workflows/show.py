"""Show what the public functions return, below the cell of a notebook."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.base.errors import BadInput, InvalidSetting
from zoo.interpret.case import Case
from zoo.report.cases.page import case_page
from zoo.report.style import new_figure, to_png
from zoo.report.summary import Summary, fragment, framed, text
from zoo.workflows.summaries import images, runs  # noqa: F401 (they register what they show)
from zoo.workflows.summaries.dispatch import is_record, summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CASES = 20
"""Explained images that are shown at once: a page with their maps has some megabytes."""
DPI = 100


@dataclass(frozen=True, repr=False)
class Shown:
    """What a notebook shows: `html`, `rows` of plain values, and a figure where there is one."""

    html: str
    _told: Summary = field(default_factory=Summary)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The table as plain data."""
        return [dict(row) for row in self._told.rows]

    @property
    def table(self) -> Any:
        """The same as a pandas frame.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise InvalidSetting(
                "A table needs pandas, which is not installed here. Install it with: "
                "pip install pandas. The same as plain data: zoo.show(...).rows"
            ) from error
        return pd.DataFrame(self.rows)

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw it on matplotlib's `axes`, or on those of a new figure, and return them.

        Raises:
            BadInput: there is nothing that can be drawn.
        """
        if self._told.draw is None:
            raise BadInput("There is nothing to draw here: no figure belongs to it, or no score.")
        if axes is None:
            from matplotlib import pyplot as plt

            _, axes = plt.subplots(figsize=self._told.size, layout="constrained")
        self._told.draw(axes)
        return axes

    def png(self) -> bytes:
        """Return the figure as a PNG file, without pyplot and its list of open figures."""
        width, height = self._told.size
        figure = new_figure(height, width)
        self.plot(figure.subplots())
        return to_png(figure, dpi=DPI)

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return text(self._told)


def show(things: object, *, page: bool = True) -> Shown:
    """Show a record, or several, below the cell of a notebook.

    `things` is what a function of `zoo` returned: a run, scores, a comparison, a case, or several,
    as `predict` and `explain` yield them. With `page` the whole page of it is shown in a frame,
    where there is one; otherwise a short text with a table. `.table` is a pandas frame of that,
    `.rows` the same as plain data, `.plot()` its figure as matplotlib's axes. Of cases the first 20
    are taken.

    Raises:
        BadInput: it cannot be shown, or there is nothing to show.

    Example:
        >>> shown = zoo.show(zoo.predict(["pictures"], run))
        >>> [row["name"] for row in shown.rows]
        ['pictures/NORMAL-1.png', 'pictures/PNEUMONIA-1.png']
        >>> zoo.DISCLAIMER in zoo.show(zoo.explain(["pictures"], run, methods=["gradcam"])).html
        True
    """
    taken = [things] if is_record(things) or not isinstance(things, Iterable) else _taken(things)
    told = _joined(taken)
    if not page or told.page is None:
        return Shown(fragment(told), told)
    pageless = [thing for thing in taken if len(taken) > 1 and not isinstance(thing, Case)]
    before = fragment(_joined(pageless)) if pageless else ""  # such as a file that was skipped
    return Shown(before + framed(told.page()), told)


def _taken(things: Iterable[object]) -> list[object]:
    stream = iter(things)
    first = list(itertools.islice(stream, 1))
    most = CASES - 1 if first and isinstance(first[0], Case) else None
    taken = [*first, *itertools.islice(stream, most)]
    if not taken:
        raise BadInput("There is nothing to show: it is empty, or was used up by an earlier loop.")
    return taken


def _joined(things: list[object]) -> Summary:
    """Join several records to one table, and cases to one page."""
    if len(things) == 1:
        return summary(things[0])
    parts = [summary(thing) for thing in things]
    cases = [thing for thing in things if isinstance(thing, Case)]
    return Summary(
        rows=[row for part in parts for row in part.rows],
        notes=list(dict.fromkeys(note for part in parts for note in part.notes)),
        synthetic=any(part.synthetic for part in parts),
        page=(lambda: case_page(cases)) if cases else None,
    )
