"""Progress on a terminal, or as plain lines where there is none, and quiet imports."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import click

from zoo.base.files import printable
from zoo.base.progress import Stretch, clock
from zoo.base.quiet_import import quiet_import as quiet_import

PLAIN_SECONDS = 15.0


class Console:
    """Listens to long work and writes to standard error, so that results can be piped."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._task: Any = None
        self._stretch, self._said = Stretch(), 0.0
        self._epoch_seconds: list[float] = []

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
        """Move the bar, or now and then write a plain line."""
        self._stretch.done += steps
        if self._bar is not None:
            self._bar.advance(self._task, steps)
        elif time.monotonic() - self._said > PLAIN_SECONDS:
            self._said = time.monotonic()
            self._write(f"{self._stretch.title}: {self._stretch}")

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        """Write the figures of an epoch and how long the rest takes at most."""
        self._epoch_seconds.append(row["seconds"])
        done = len(self._epoch_seconds)
        left = max(0, epochs - int(row["epoch"])) * sum(self._epoch_seconds) / done
        self._write(
            f"{row['phase']} epoch {row['epoch']:>3}/{epochs}  loss {row['loss']:.4f}  "
            f"validation loss {row['val_loss']:.4f}  PR-AUC {row['val_pr_auc']:.4f}  "
            f"ROC-AUC {row['val_roc_auc']:.4f}  at most {clock(left)} left"
        )

    def stop(self) -> None:
        """Take the bar away."""
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


def print_json(content: Any) -> None:
    """Print plain data as JSON to standard output; it has no number that is not finite."""
    click.echo(json.dumps(content, indent=1, allow_nan=False))


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table to standard output; plain and unbroken where there is no terminal."""
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        numeric = column in ("parameters", "probability", "images")
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    terminal = sys.stdout.isatty()
    console = RichConsole(width=None if terminal else 160, highlight=False, markup=False)
    if title:  # on its own: that of a table is wrapped at the table's width
        console.print(title, style="italic")
    console.print(drawn)
