"""`zoo runs`: the trainings that were made."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zoo.base.errors import DamagedRun
from zoo.cli import options
from zoo.cli.console import print_json, table
from zoo.runs import run_folder

DAMAGED = "damaged"


@click.command("runs")
@options.runs_folder
@options.as_json
def command(folder: Path | None, as_json: bool) -> None:
    """List runs, oldest first; unfinished ones say how to go on, broken ones what is wrong."""
    root = run_folder.root(folder)
    runs, broken = run_folder.survey(root)
    rows = [*map(run_row, runs), *map(broken_row, broken)]
    if as_json:
        print_json(rows)
        return
    if not rows:
        click.echo(f"No runs in '{root}'. Train one: zoo train efficientnet")
        return

    columns = ["run", "architecture", "data", "status", "ROC-AUC", "accuracy", "created"]
    table("", columns, [[_text(r[c.lower().replace("-", "_")]) for c in columns] for r in rows])
    for r in rows:
        if r["status"] == run_folder.TRAINING:
            click.echo(f"Unfinished: go on with  zoo train --resume {root / r['run']}")
        elif r["reason"]:
            click.echo(f"{r['run']} is {r['status']}: {r['reason']}")


def run_row(run: run_folder.Run) -> dict[str, Any]:
    """Return what the table shows of a run; scores are of its test part."""
    scores: dict[str, Any] = {}
    status, reason = run.record["status"], ""
    if run.done:
        try:
            run_folder.checked(run, run_folder.METRICS)
            scores = run.metrics()["test"]["metrics"]
        except (DamagedRun, KeyError, TypeError) as error:
            status, reason = DAMAGED, str(error)
    data = run.record.get("data", {})
    mark = " (synthetic)" if data.get("synthetic") else ""
    return {
        "run": run.name,
        "architecture": run.record["architecture"],
        "data": Path(data.get("source", "?")).name + mark,
        "status": status,
        "roc_auc": scores.get("roc_auc", {}).get("value"),
        "accuracy": scores.get("accuracy", {}).get("value"),
        "created": run.record.get("created", ""),
        "reason": reason,
    }


def broken_row(broken: run_folder.Broken) -> dict[str, Any]:
    """Return what the table shows of a folder whose record cannot be read."""
    unknown = dict.fromkeys(("architecture", "data", "roc_auc", "accuracy", "created"))
    return {"run": broken.name, **unknown, "status": DAMAGED, "reason": broken.reason}


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
