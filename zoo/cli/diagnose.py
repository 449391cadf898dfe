"""`zoo diagnose`: what holds a run back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from zoo.cli import completion, options
from zoo.cli.console import print_json
from zoo.runs import run_folder
from zoo.runs.causes import Cause
from zoo.runs.diagnosis import NOTHING, diagnose, held_back, the_others, untold
from zoo.runs.run_folder import Run


@click.command("diagnose")
@click.argument(
    "run_name",
    metavar="[RUN]",
    required=False,
    shell_complete=completion.names(completion.runs),
)
@options.runs_folder
@options.as_json
def command(run_name: str | None, folder: Path | None, as_json: bool) -> None:
    """Name what holds RUN (default: the newest finished one) back, with the evidence.

    Alarms of its training, such as data that changed meanwhile, come first.
    """
    run = run_folder.open_run(run_name, run_folder.root(folder))
    if as_json:
        print_json(record(run))
        return
    causes = diagnose(run)
    alarms = untold(run.alarms, causes)
    if run.record["data"]["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    click.echo(run.name)
    for alarm in alarms:
        click.echo(f"\n{alarm.kind}: alarm\n  {alarm.message}\n  {alarm.remedy}")
    for cause in causes:
        click.echo(f"\n{told(cause)}")
    if not held_back(causes):
        click.echo(f"\n{NOTHING}")


def record(run: Run) -> dict[str, Any]:
    """Return the causes, and the alarms that say something else, as plain data."""
    causes = diagnose(run)
    return {
        "run": run.name,
        "causes": [asdict(cause) for cause in causes],
        "alarms": [asdict(alarm) for alarm in untold(run.alarms, causes)],
    }


def summary(causes: Sequence[Cause]) -> str:
    """Return what holds a run back in full, and the rest in a line."""
    held = [told(cause) for cause in held_back(causes)] or [NOTHING]
    return "\n".join((*held, the_others(causes)))


def told(cause: Cause) -> str:
    """Return a cause as indented lines."""
    lines = (f"{cause.kind}: {cause.verdict}", cause.evidence, cause.remedy)
    return "\n  ".join(filter(None, lines))
