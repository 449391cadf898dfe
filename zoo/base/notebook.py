"""Progress below the cell of a notebook, in one place that is renewed.

rich and tqdm need ipywidgets for that; what IPython itself has, a display that can be updated, is
understood by Jupyter, Colab and editors alike.
"""

from __future__ import annotations

import html
import sys
import time
from collections.abc import Mapping
from typing import Any

from zoo.base.files import printable
from zoo.base.progress import Epochs, Stretch

RENEWED = 0.25
"""Seconds between two pictures of a bar."""
PATIENCE = 0.5
"""Seconds that a stretch lasts before a bar is worth showing."""
LINES = 100
"""Lines that are kept in sight."""


def in_notebook() -> bool:
    """Tell whether this code runs in the kernel of a notebook, and not on a terminal."""
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return getattr(shell, "kernel", None) is not None


class Notebook:
    """Listens to long work; what it was told, and the running stretch, are its display."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, bool]] = []
        self._stretch: Stretch | None = None
        self._epochs = Epochs()
        self._place: Any = None
        self._began = self._renewed = 0.0

    def note(self, message: str) -> None:
        """Show a sentence."""
        self._add(message, warned=False)

    def warn(self, message: str) -> None:
        """Show a sentence that stands out."""
        self._add(f"Warning: {message}", warned=True)

    def start(self, title: str, total: int) -> None:
        """Begin a bar; it is shown when the stretch takes a while."""
        self.stop()
        self._stretch, self._began = Stretch(title, total), time.monotonic()

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self._stretch is None:
            return
        self._stretch.done += steps
        now = time.monotonic()
        if now - self._began > PATIENCE and now - self._renewed > RENEWED:
            self._renewed = now
            self._show()

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        """Show the figures of an epoch and how long the rest takes at most."""
        self._add(self._epochs.line(row, epochs), warned=False)

    def stop(self) -> None:
        """Take the bar away."""
        shown = self._stretch is not None and self._renewed > self._began
        self._stretch = None
        if shown:
            self._show()

    def _add(self, message: str, *, warned: bool) -> None:
        self._lines.append((printable(message), warned))
        self._show()

    def _show(self) -> None:
        if self._place is None:
            from IPython.display import display

            self._place = display(self, display_id=True)
        else:
            self._place.update(self)

    def __repr__(self) -> str:
        running = [] if self._stretch is None else [f"{self._stretch.title}: {self._stretch}"]
        return "\n".join([*(line for line, _ in self._lines[-LINES:]), *running])

    def _repr_html_(self) -> str:
        left_out = len(self._lines) - LINES
        lines = [f"<div>{left_out} earlier lines</div>"] if left_out > 0 else []
        for line, warned in self._lines[-LINES:]:
            look = "color:#b45309;font-weight:bold;" if warned else ""
            lines.append(f'<div style="{look}white-space:pre-wrap">{html.escape(line)}</div>')
        if self._stretch is not None:
            told = html.escape(f"{self._stretch.title}: {self._stretch}")
            share = self._stretch.done / max(1, self._stretch.total)
            bar = f'<progress max="1" value="{share:.3f}" style="width:16em"></progress>'
            lines.append(f"<div>{bar} {told}</div>")
        look = "font-family:monospace;font-size:0.85em;max-height:24em;overflow:auto"
        return f'<div style="{look}">{"".join(lines)}</div>'
