"""`zoo explain`: why a run says what it says of an image."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import DISCLAIMER, runs
from zoo.cli import options
from zoo.cli.console import Console, quiet_import
from zoo.queries import Skipped, find
from zoo.recipe import assignments
from zoo.registry import load


@click.command("explain")
@click.argument("paths", metavar="IMAGE...", nargs=-1, required=True)
@options.run_name
@options.runs_folder
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    help="A method of `zoo list`; may be repeated.  [default: those marked there]",
)
@click.option(
    "--target", metavar="CLASS", help="The class to explain.  [default: the predicted one]"
)
@options.settings
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("explanations"),
    show_default=True,
    help="Where reports are written.",
)
def command(
    paths: tuple[str, ...],
    run_name: str | None,
    folder: Path | None,
    methods: tuple[str, ...],
    target: str | None,
    pairs: tuple[str, ...],
    output: Path,
) -> None:
    """Explain what a run says of images: an HTML page and a PNG panel for each."""
    run, registry, console = runs.open_finished(run_name, runs.root(folder)), load(), Console()
    find(paths)
    for method in methods:
        registry.explainer(method)
    changes = assignments(pairs)
    console.note(f"Run: {run.name}")
    with quiet_import():
        from zoo.explaining import explain, write_reports
        from zoo.report.case import explanation_text, prediction_text

    cases = explain(
        paths, run, methods=methods, changes=changes, target=target,
        registry=registry, progress=console,
    )  # fmt: skip
    for report in write_reports(cases, output, run):
        console.stop()
        if isinstance(report, Skipped):
            console.warn(f"skipped: {report.reason}")
            continue
        click.echo(f"{report.case.name}: {prediction_text(report.case)}")
        for explanation in report.case.explanations:
            click.echo(f"  {explanation.method}: {explanation_text(report.case, explanation)}")
        click.echo(f"  {report.page}\n  {report.panel}")
    if run.record["data"]["synthetic"]:
        click.echo("This run was trained on SYNTHETIC DATA.")
    click.echo(DISCLAIMER)
