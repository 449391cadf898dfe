"""`zoo sample`: write a few images of a data set as files."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.cli import options
from zoo.cli.console import print_json
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
@options.json_instead
def command(folder: Path, source: str | None, count: int, as_json: bool) -> None:
    """Write images of a data set into FOLDER as PNG files, named by their class."""
    dataset = load_registry().dataset(source or DEFAULT_SOURCE)
    paths = written(dataset, folder, count)
    if as_json:
        print_json({"images": [str(path) for path in paths], "synthetic": dataset.synthetic})
        return
    for path in paths:
        click.echo(str(path))
    if dataset.synthetic:
        click.echo("These images are SYNTHETIC.")
