"""`zoo learning-curve`: would more samples help?"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.base.settings import assignments, input_shape
from zoo.cli import options
from zoo.cli.console import Console, quiet_import, table
from zoo.training.recipe import settings


@click.command("learning-curve")
@click.argument("name")
@options.data("phantom, synthetic chest radiographs")
@click.option(
    "--shares",
    default="5,10,25,50,100",
    show_default=True,
    metavar="PERCENT,...",
    help="Shares of the training patients, in percent.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    help="Divisions and random starts.",
)
@options.epochs
@options.input_size
@options.positive
@options.settings
@options.skip_broken
@options.in_parallel
@options.runs_folder
@options.as_json
def command(
    name: str,
    source: str | None,
    shares: str,
    seeds: int,
    epochs: int | None,
    size: str | None,
    positive: str | None,
    pairs: tuple[str, ...],
    skip_broken: bool,
    jobs: int,
    backend: str,
    scheduler: str | None,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Train the architecture NAME on ever more patients and tell whether more would help.

    One that was stopped goes on when the command is given again.
    """
    registry, console = load_registry(), Console()
    changes: dict[str, Any] = {**assignments(pairs), **({"epochs": epochs} if epochs else {})}
    settings(registry.architecture(name), changes)
    percents = _percents(shares)
    with quiet_import():
        from zoo.workflows.learning_curve import learning_curve
    try:
        done = learning_curve(
            name,
            source or DEFAULT_SOURCE,
            shares=[percent / 100 for percent in percents],
            seeds=seeds,
            changes=changes,
            input_shape=input_shape(size),
            positive=positive,
            skip_broken=skip_broken,
            jobs=jobs,
            backend=backend,
            scheduler=scheduler,
            folder=folder,
            registry=registry,
            progress=console,
            command=["zoo", *sys.argv[1:]],
        )
    finally:
        console.stop()
    if as_json:
        click.echo(json.dumps(done.result, indent=1))
        return
    if done.result["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    table(
        "ROC-AUC, mean over seeds",
        ["patients", "images", "training", "validation", "unseen patients"],
        [
            [
                f"{p['patients']:,}",
                f"{p['images']:,}",
                *(_mean(p[part]) for part in ("train", "validation", "test")),
            ]
            for p in done.result["points"]
        ],
    )
    click.echo("\n".join(["", done.result["sentence"], *done.result["notes"], DISCLAIMER]))
    click.echo(f"Page: {done.page}")


def _percents(text: str) -> list[float]:
    """Read '5,10,100'.

    Raises:
        InvalidSetting: something in it is not a number.
    """
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise InvalidSetting(
            f"The shares '{text}' cannot be read. Expected percentages such as 5,10,25,50,100."
        ) from error


def _mean(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):.3f}" if known else "-"
