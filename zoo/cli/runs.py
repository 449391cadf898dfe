"""`zoo runs`: the trainings that were made, and keeping them in order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from zoo.base.errors import DamagedRun
from zoo.cli import compare as compare_command
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, table
from zoo.runs import run_folder
from zoo.workflows import manage_runs
from zoo.workflows.manage_runs import Removed

DAMAGED = "damaged"


@click.group("runs", invoke_without_command=True)
@options.runs_folder
@options.as_json
@click.pass_context
def command(context: click.Context, folder: Path | None, as_json: bool) -> None:
    """List runs, oldest first; unfinished ones say how to go on, broken ones what is wrong.

    What is removed stays in the trash for a week.
    """
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
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
        if r["note"]:
            click.echo(f"{r['run']}: {r['note'].splitlines()[0]}")
        if r["status"] == run_folder.TRAINING:
            click.echo(f"Unfinished: go on with  zoo train --resume {root / r['run']}")
        elif r["reason"]:
            click.echo(f"{r['run']} is {r['status']}: {r['reason']}")


@command.command("compare")
@options.several_runs
@options.data("the data the first was trained on")
@options.skip_broken
@options.runs_folder
@options.as_json
@click.pass_context
def compare(context: click.Context, names: tuple[str, ...], **asked: Any) -> None:
    """Score each RUN on the same images and test the differences, as zoo compare does."""
    asked["folder"] = asked["folder"] or context.obj
    for name in names:
        run_folder.open_run(name, asked["folder"])
    context.invoke(compare_command.command, names=names, **asked)


@command.command("rename")
@click.argument("name", metavar="RUN", shell_complete=completion.names(completion.runs))
@click.argument("new", metavar="NAME")
@options.runs_folder
@options.json_instead
@click.pass_obj
def rename(above: Path | None, name: str, new: str, folder: Path | None, as_json: bool) -> None:
    """Give RUN another NAME."""
    path = manage_runs.rename_run(name, new, folder or above)
    if as_json:
        print_json(place_row(path))
        return
    click.echo(f"{name} is now {path.name}.")


@command.command("note")
@click.argument("name", metavar="RUN", shell_complete=completion.names(completion.runs))
@click.argument("text", metavar="TEXT")
@options.runs_folder
@click.pass_obj
def note(above: Path | None, name: str, text: str, folder: Path | None) -> None:
    """Keep TEXT with RUN, in place of what was noted before; an empty one removes the note."""
    manage_runs.note_run(name, text, folder or above)
    click.echo(f"{name}: {text.strip() or 'no note'}")


@command.command("rm")
@options.several_runs
@options.runs_folder
@options.json_instead
@click.pass_obj
def remove(above: Path | None, names: tuple[str, ...], folder: Path | None, as_json: bool) -> None:
    """Move each RUN into the trash, where it stays for a week; never one that is in training."""
    for name in names:  # one that is misspelt leaves the others where they are
        manage_runs.place_of(name, run_folder.root(folder or above))
    gone = []
    for name in dict.fromkeys(names):
        gone.append(manage_runs.remove_run(name, folder or above))
        if not as_json:
            click.echo(f"{name} is in the trash. Bring it back: zoo runs undo {name}")
    if as_json:
        print_json(list(map(trash_row, gone)))


@command.command("undo")
@click.argument(
    "name", metavar="[RUN]", required=False, shell_complete=completion.names(completion.removed)
)
@options.runs_folder
@options.json_instead
@click.pass_obj
def undo(above: Path | None, name: str | None, folder: Path | None, as_json: bool) -> None:
    """Bring RUN back from the trash (default: the one that was removed last)."""
    path = manage_runs.restore_run(name, folder or above)
    if as_json:
        print_json(place_row(path))
        return
    click.echo(f"{path.name} is back.")


@command.command("trash")
@click.option("--empty", is_flag=True, help="Remove them for good.")
@options.runs_folder
@options.as_json
@click.pass_obj
def trash(above: Path | None, empty: bool, folder: Path | None, as_json: bool) -> None:
    """List the runs in the trash, the one removed last first."""
    root = run_folder.root(folder or above)
    if empty:
        gone = manage_runs.empty_trash(root)
        click.echo(f"Removed for good: {gone} {'run' if gone == 1 else 'runs'}.", err=as_json)
        if not as_json:
            return
    found = manage_runs.trash(root)
    if as_json:
        print_json(list(map(trash_row, found)))
    elif not found:
        click.echo("The trash is empty.")
    else:
        rows = [[str(value) for value in trash_row(one).values()] for one in found]
        table("", ["run", "removed", "days left"], rows)


@command.command("track")
@click.argument("name", metavar="RUN", shell_complete=completion.names(completion.runs))
@click.option(
    "--track",
    "tracker",
    type=click.Choice(("mlflow",)),
    default="mlflow",
    show_default=True,
    help="Who is told.",
)
@options.runs_folder
@options.json_instead
@click.pass_obj
def track(above: Path | None, name: str, tracker: str, folder: Path | None, as_json: bool) -> None:
    """Tell MLflow of the finished RUN: settings, epochs, scores and its files."""
    from zoo.workflows.track_runs import track_run

    run_id = track_run(name, tracker, folder=folder or above, progress=Console())
    if as_json:
        print_json({"run": Path(name).name, "tracker": tracker, "run_id": run_id})
        return
    click.echo(f"{name} is there. Bring it back: zoo runs fetch mlflow:{run_id}")


@command.command("fetch")
@click.argument("source", metavar="mlflow:RUN_ID")
@click.argument("name", metavar="[NAME]", required=False)
@options.runs_folder
@options.json_instead
@click.pass_obj
def fetch(
    above: Path | None, source: str, name: str | None, folder: Path | None, as_json: bool
) -> None:
    """Bring a run back from MLflow, checked, under the NAME that it has there or another one."""
    from zoo.workflows.track_runs import fetch_run

    run = fetch_run(source, name, folder=folder or above)
    if as_json:
        print_json(place_row(run.path))
        return
    click.echo(f"{run.name} is here: {run.path}")


def place_row(path: Path) -> dict[str, Any]:
    """Return the name of a run and where it is."""
    return {"run": path.name, "path": str(path)}


def trash_row(removed: Removed) -> dict[str, Any]:
    """Return what the table shows of a run in the trash."""
    when = datetime.fromtimestamp(removed.when, UTC).isoformat(timespec="seconds")
    return {"run": removed.name, "removed": when, "days_left": removed.days_left}


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
        "note": manage_runs.note_of(run),
    }


def broken_row(broken: run_folder.Broken) -> dict[str, Any]:
    """Return what the table shows of a folder whose record cannot be read."""
    unknown = dict.fromkeys(("architecture", "data", "roc_auc", "accuracy", "created"))
    return {
        "run": broken.name,
        **unknown,
        "status": DAMAGED,
        "reason": broken.reason,
        "note": "",
    }


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
