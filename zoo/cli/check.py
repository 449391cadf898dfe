"""`zoo check`: what is wrong with a data set, before it is trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo import DISCLAIMER
from zoo.base.number_text import interval, number
from zoo.base.patients import how_known
from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.data.verify import positive_index

if TYPE_CHECKING:
    from zoo.checks.findings import Finding

FOUND_ERRORS = 1
COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@click.command("check")
@click.argument(
    "source",
    metavar="[DATA]",
    required=False,
    shell_complete=completion.names(completion.sources, files=True),
)
@click.option(
    "--masks",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Lung masks, named as the images: what do the lungs alone tell, and what all else?",
)
@click.option(
    "--against",
    "other",
    metavar="SOURCE",
    help="Another data set, to look for copies and for a shift between the two.",
)
@options.positive
@options.on_cluster
@click.option(
    "--output",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("check"),
    show_default=True,
    help="Where the page and check.json are written.",
)
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    source: str | None,
    masks: Path | None,
    other: str | None,
    positive: str | None,
    backend: str,
    scheduler: str | None,
    folder: Path,
    as_json: bool,
) -> None:
    """Look for mistakes in DATA (default: the synthetic images) before training on it.

    Exits with 1 when something was found that makes scores wrong.
    """
    registry, console = load_registry(), Console()
    chosen = source or DEFAULT_SOURCE
    for wanted in (chosen, other):  # a wrong name answers before TensorFlow is loaded
        if wanted is not None:
            dataset = registry.dataset(wanted)
            if wanted == chosen:
                positive_index(dataset.class_names, positive)
    with quiet_import():
        from zoo.checks.findings import ERROR
        from zoo.report.pages.check import write_check
        from zoo.workflows.check import check

    try:
        checked = check(
            chosen,
            masks=masks,
            other=other,
            positive=positive,
            backend=backend,
            scheduler=scheduler,
            registry=registry,
            progress=console,
        )
    finally:
        console.stop()
    page = write_check(checked, folder)
    if as_json:
        print_json(checked.result)
    else:
        if checked.dataset.synthetic:
            click.echo("SYNTHETIC DATA.")
        _print(checked.result, checked.findings)
        click.echo(f"\n{DISCLAIMER}\nPage: {page}")
    if any(finding.level == ERROR for finding in checked.findings):
        context.exit(FOUND_ERRORS)


def _print(result: Mapping[str, Any], findings: tuple[Finding, ...]) -> None:
    click.echo(
        f"\n{result['images']:,} images of {result['patients']:,} patients "
        f"({how_known(result)}); {result['positive']} is looked for.\n"
    )
    table(
        "Images",
        ["split", *result["class_names"]],
        [
            [split, *(f"{number[name]:,}" for name in result["class_names"])]
            for split, number in result["counts"].items()
        ],
    )
    scored = [(entry["title"], entry["roc_auc"]) for entry in result["baselines"]]
    scored += [(" or ".join(entry["between"]), entry["roc_auc"]) for entry in result["shift"]]
    if scored:
        click.echo()
        table(
            "ROC-AUC without the disease; 0.5 is chance",
            ["what is seen, or told apart", "ROC-AUC", "95 % interval"],
            [[title, *_area(area)] for title, area in scored],
        )
    click.echo()
    if not findings:
        click.echo("Nothing was found that speaks against training.")
    for finding in findings:
        level = click.style(finding.level.upper(), fg=COLOURS[finding.level], bold=True)
        click.echo(f"{level}  {finding}\n")


def _area(area: Mapping[str, float | None]) -> list[str]:
    if area["value"] is None:
        return ["undefined", ""]
    return [number(area["value"]), interval(area["low"], area["high"])]
