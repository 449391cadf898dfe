"""`zoo learning-curve`: would more samples help?"""

from __future__ import annotations

from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.training.recipe import settings


@click.command("learning-curve")
@click.argument("name", shell_complete=completion.names(completion.architectures))
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
@options.experiment
@options.as_json
def command(
    name: str,
    source: str | None,
    shares: str,
    seeds: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Train the architecture NAME on ever more patients and tell whether more would help.

    One that was stopped goes on when the command is given again.
    """
    registry, console = load_registry(), Console()
    asked = {**options.asked(**given), "registry": registry, "progress": console}
    settings(registry.architecture(name), asked["changes"])
    parts = [percent / 100 for percent in _percents(shares)]
    with quiet_import():
        from zoo.workflows.learning_curve import learning_curve
    try:
        done = learning_curve(name, source or DEFAULT_SOURCE, shares=parts, seeds=seeds, **asked)
    finally:
        console.stop()
    if as_json:
        print_json(done.result)
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
