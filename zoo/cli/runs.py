"""`zoo runs`: the trainings that were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from zoo.base.errors import DamagedRun
from zoo.cli import options
from zoo.runs import run_folder


@click.command("runs")
@options.runs_folder
@options.as_json
def command(folder: Path | None, as_json: bool) -> None:
    """List runs, oldest first; unfinished ones say how to go on."""
    root = run_folder.root(folder)
    rows = [run_row(run) for run in run_folder.listing(root)]
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    if not rows:
        click.echo(f"No runs in '{root}'. Train one: zoo train efficientnet")
        return
    from zoo.cli.console import table

    columns = ["run", "architecture", "data", "status", "ROC-AUC", "accuracy", "created"]
    table("", columns, [[_text(r[c.lower().replace("-", "_")]) for c in columns] for r in rows])
    for r in rows:
        if r["status"] == run_folder.TRAINING:
            click.echo(f"Unfinished: go on with  zoo train --resume {root / r['run']}")


def run_row(run: run_folder.Run) -> dict[str, Any]:
    """Return what the table shows of a run; scores are of its test part."""
    scores: dict[str, Any] = {}
    status = run.record["status"]
    if run.done:
        try:
            scores = run.metrics()["test"]["metrics"]
        except (DamagedRun, KeyError, TypeError):
            status = "damaged"
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
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
