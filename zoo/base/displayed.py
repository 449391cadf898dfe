"""Records that show themselves, in a notebook or a terminal.

What draws them stands floors above, so it is asked for at the door, as a plugin would, and only
when something is shown.
"""

from __future__ import annotations

import reprlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxtuple, _SHORT.maxlist = 2, 3, 3, 3
_SHORT.maxother = _SHORT.maxstring = 60


class Brief:
    """A dataclass (of `repr=False`) that may hold much and tells of each field one line at most."""

    def __repr__(self) -> str:
        told = (
            f"{one.name}={' '.join(_SHORT.repr(getattr(self, one.name)).split())}"
            for one in fields(self)  # type: ignore[arg-type]  # its classes are dataclasses
            if one.repr
        )
        return f"{type(self).__name__}({', '.join(told)})"


class Tabled(Brief):
    """A record that a notebook, and `print`, shows as a short text with a table."""

    def __str__(self) -> str:
        from zoo import show

        return str(show(self, page=False))

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
