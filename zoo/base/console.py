"""Progress on a terminal, or as plain lines where there is none."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from zoo.base.files import printable
from zoo.base.progress import Epochs, Stretch

PLAIN_SECONDS = 15.0


class Console:
    """Listens to long work and writes to standard error, so that results can be piped."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._stretch: Stretch | None = None
        self._said = 0.0
        self._epochs = Epochs()

    def note(self, message: str) -> None:
        """Write a sentence."""
        self._write(message)

    def warn(self, message: str) -> None:
        """Write a sentence that stands out."""
        self._write(click.style(f"Warning: {message}", fg="yellow", bold=True))

    def start(self, title: str, total: int) -> None:
        """Begin a bar, or remember when to write the next plain line."""
        self.stop()
        self._stretch, self._said = Stretch(title, total), time.monotonic()
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console as RichConsole

            self._bar = progress.Progress(
                progress.TextColumn("{task.description}"),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                console=RichConsole(stderr=True),
                transient=True,
                redirect_stdout=sys.stdout.isatty(),  # a result is never shown among the progress
            )
            self._bar.start()
            self._task = self._bar.add_task(title, total=total)

    def advance(self, steps: int = 1) -> None:
        """Move the bar, or now and then write a plain line; nothing runs between two stretches."""
        if self._stretch is None:
            return
        self._stretch.done += steps
        if self._bar is not None:
            self._bar.advance(self._task, steps)
        elif time.monotonic() - self._said > PLAIN_SECONDS:
            self._said = time.monotonic()
            self._write(f"{self._stretch.title}: {self._stretch}")

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        """Write the figures of an epoch and how long the rest takes at most."""
        self._write(self._epochs.line(row, epochs))

    def stop(self) -> None:
        """Take the bar away."""
        self._stretch = None
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _write(self, message: str) -> None:
        message = printable(message)
        if self._bar is not None:
            from rich.text import Text

            self._bar.console.print(Text.from_ansi(message), soft_wrap=True)
        else:
            click.echo(message, err=True)
