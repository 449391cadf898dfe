"""Results on a terminal, or as plain text where there is none, and quiet imports."""

from __future__ import annotations

import contextlib
import gc
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import click

from zoo.base.console import Console as Console
from zoo.base.quiet_import import quiet_import as imported_quietly
from zoo.base.quiet_import import uncollected

UNUSED = ("sklearn", "matplotlib.pyplot")
"""What Keras imports if it is there, for wrappers and galleries that no command uses."""


@contextlib.contextmanager
def quiet_import() -> Iterator[None]:
    """Import TensorFlow quietly, and faster than may be done in a process of somebody else's.

    What is imported stays: nothing of it is looked at as garbage, now or later. Keras goes without
    what it would import for others; whoever imports that afterwards gets it.
    """
    if "tensorflow" not in sys.modules:
        with uncollected(), _hidden(UNUSED), imported_quietly():
            gc.freeze()
    yield


@contextlib.contextmanager
def graphs_as_traced() -> Iterator[None]:
    """Run TensorFlow's graphs as they were traced, where there is no graphics card.

    Its optimiser takes longer for a graph than it saves in some hundred passes on a processor; this
    is for commands that make several graphs and few passes.
    """
    import tensorflow as tf

    name = "disable_meta_optimizer"
    before = bool(tf.config.optimizer.get_experimental_options().get(name))
    as_traced = before or not tf.config.list_physical_devices("GPU")
    tf.config.optimizer.set_experimental_options({name: as_traced})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({name: before})


@contextlib.contextmanager
def _hidden(names: Iterable[str]) -> Iterator[None]:
    """Let modules that are not imported yet look as if they were not installed."""
    absent = [name for name in names if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system takes it for absent
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def print_json(content: Any) -> None:
    """Print plain data as JSON to standard output; it has no number that is not finite."""
    click.echo(json.dumps(content, indent=1, allow_nan=False))


NUMERIC = ("parameters", "MB", "multiply-adds", "probability", "images")
"""Columns that are written to the right."""


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table to standard output; plain and unbroken where there is no terminal."""
    if not sys.stdout.isatty():
        _plain(title, columns, rows)
        return
    from rich.console import Console as RichConsole
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column in NUMERIC else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console = RichConsole(highlight=False, markup=False)
    if title:  # on its own: that of a table is wrapped at the table's width
        console.print(title, style="italic")
    console.print(drawn)


def _plain(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table as lines of text, a row a line."""
    if title:
        click.echo(title)
    lines = [columns, *([" ".join(cell.splitlines()) for cell in row] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.rjust(width) if column in NUMERIC else cell.ljust(width)
            for column, cell, width in zip(columns, line, widths, strict=True)
        )
        click.echo("  ".join(cells).rstrip())
