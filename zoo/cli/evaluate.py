"""`zoo evaluate`: score a run with intervals."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import DISCLAIMER
from zoo.base.types import SPLITS, TEST
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import
from zoo.cli.diagnose import summary
from zoo.network.engines.engine import KERAS
from zoo.runs import run_folder
from zoo.runs.diagnosis import diagnose


@click.command("evaluate")
@click.argument(
    "run_name",
    metavar="[RUN]",
    required=False,
    shell_complete=completion.names(completion.runs),
)
@options.data("the data the run was trained on")
@click.option(
    "--split", type=click.Choice(SPLITS), default=TEST, show_default=True, help="Which part."
)
@options.sensitivity
@options.prevalence
@click.option(
    "--by",
    metavar="COLUMN",
    multiple=True,
    help="Score each group too: a column of the data, such as view, sex or age, or 'prefix' (the "
    "letters that file names begin with); may be repeated.",
)
@options.engine(KERAS)
@options.skip_broken
@options.runs_folder
@options.as_json
def command(
    run_name: str | None,
    source: str | None,
    split: str,
    sensitivity: float | None,
    prevalence: float | None,
    by: tuple[str, ...],
    engine: str,
    skip_broken: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Score RUN (default: the newest finished one) with 95 % intervals by patient."""
    run, console = run_folder.open_run(run_name, run_folder.root(folder)), Console()
    console.note(f"Run: {run.name}")
    with quiet_import():
        from zoo.report.pages.belief import statements
        from zoo.report.tables import classification_table, group_table, metrics_table
        from zoo.workflows.evaluate import evaluate

    done = evaluate(
        run,
        source,
        split=split,
        sensitivity=sensitivity,
        prevalence=prevalence,
        by=by,
        engine=engine,
        skip_broken=skip_broken,
        progress=console,
    )
    if as_json:
        print_json(done.result)
        return
    if run.record["data"]["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    click.echo(f"\n{summary(diagnose(run))}")
    click.echo(f"\n{classification_table(done.result)}\n\n{metrics_table(done.result)}\n")
    for found in done.result["groups"]:
        click.echo(f"{group_table(found)}\n")
    for heading, sentence in statements(done.result):
        click.echo(f"{heading}: {sentence}")
    for alarm in run.alarms:
        console.warn(str(alarm))
    click.echo(f"{DISCLAIMER}\nPictures, scores and page: {done.folder}")
