"""Records that show themselves in a notebook.

What draws them stands floors above, so it is asked for at the door, as a plugin would, and only
when something is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Tabled:
    """A record that a notebook shows as a short text with a table."""

    def _repr_html_(self) -> str:
        from zoo import show

        return show(self, page=False).html

    @property
    def table(self) -> Any:
        """The record as a pandas frame, one row for each thing that it tells.

        Raises:
            InvalidSetting: pandas is not installed.
        """
        from zoo import show

        return show(self, page=False).table


class Paged(Tabled):
    """A record that a notebook shows as its whole page."""

    def _repr_html_(self) -> str:
        from zoo import show

        return show(self).html


class Drawn:
    """A record that can be drawn."""

    def plot(self, axes: Axes | None = None) -> Axes:
        """Draw it on matplotlib's `axes`, or on those of a new figure, and return them.

        Raises:
            BadInput: it holds nothing that can be drawn.
        """
        from zoo import show

        return show(self, page=False).plot(axes)


class Pictured(Drawn):
    """A record that a notebook shows as a picture."""

    def _repr_png_(self) -> bytes:
        from zoo import show

        return show(self, page=False).png()
