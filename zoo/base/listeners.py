"""Who listens to long work when nobody was named: the notebook or the terminal that it runs in."""

from __future__ import annotations

from zoo.base.console import Console
from zoo.base.notebook import Notebook, in_notebook
from zoo.base.progress import Progress


def listener(progress: Progress | None) -> Progress:
    """Return who listens: `progress` itself, or without one what shows it where the code runs.

    In a notebook that is a place below the cell, on a terminal a bar, elsewhere plain lines now
    and then on standard error.
    """
    if progress is not None:
        return progress
    return Notebook() if in_notebook() else Console()
