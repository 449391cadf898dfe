"""`zoo diagnose`: what holds a run back."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from zoo.cli import options
from zoo.runs import run_folder
from zoo.workflows.diagnose import HOLDS_BACK, diagnose


@click.command("diagnose")
@click.argument("run_name", metavar="[RUN]", required=False)
@options.runs_folder
@options.as_json
def command(run_name: str | None, folder: Path | None, as_json: bool) -> None:
    """Name what holds RUN (default: the newest finished one) back, with the evidence."""
    run = run_folder.open_run(run_name, run_folder.root(folder))
    causes = diagnose(run)
    if as_json:
        rows = {"run": run.name, "causes": [asdict(cause) for cause in causes]}
        click.echo(json.dumps(rows, indent=1))
        return
    if run.record["data"]["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    click.echo(run.name)
    for cause in causes:
        click.echo(f"\n{cause.kind}: {cause.verdict}\n  {cause.evidence}")
        if cause.remedy:
            click.echo(f"  {cause.remedy}")
    if not any(cause.verdict == HOLDS_BACK for cause in causes):
        click.echo("\nNothing in the run's own figures holds it back.")
