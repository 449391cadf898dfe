"""`zoo sample`: write a few images of a data set as files."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.cli import options
from zoo.workflows.sample import written


@click.command("sample")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@options.data("phantom, synthetic chest radiographs")
@click.option(
    "--count",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    help="Images of each class.",
)
def command(folder: Path, source: str | None, count: int) -> None:
    """Write images of a data set into FOLDER as PNG files, named by their class."""
    dataset = load_registry().dataset(source or DEFAULT_SOURCE)
    for path in written(dataset, folder, count):
        click.echo(str(path))
    if dataset.synthetic:
        click.echo("These images are SYNTHETIC.")
