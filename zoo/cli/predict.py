"""`zoo predict`: classify files and folders."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.files import write_text
from zoo.base.number_text import probability
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, table
from zoo.data.queries import Skipped, find_images
from zoo.network.engines.engine import AUTO
from zoo.runs import run_folder
from zoo.runs.run_folder import Run


@click.command("predict")
@click.argument(
    "names",
    metavar="[RUN] PATH...",
    nargs=-1,
    shell_complete=completion.names(completion.runs, files=True),
)
@options.run_name
@options.runs_folder
@options.sensitivity
@options.prevalence
@options.engine(AUTO)
@options.as_json
@click.option(
    "--csv", "csv_path", type=click.Path(path_type=Path), help="Write a CSV file ('-': print)."
)
@click.option(
    "--watch",
    "watched",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Answer to images as they come into a folder, until Ctrl-C, instead of PATH.",
)
@click.option(
    "--log",
    "log_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --watch: append the answers to a .csv file, or one of JSON lines, and go on where "
    "it ends.",
)
def command(
    names: tuple[str, ...],
    run_name: str | None,
    folder: Path | None,
    sensitivity: float | None,
    prevalence: float | None,
    engine: str,
    as_json: bool,
    csv_path: Path | None,
    watched: Path | None,
    log_path: Path | None,
) -> None:
    """Classify image files and folders with RUN (default: the newest finished one)."""
    if watched is not None:
        if csv_path is not None or as_json or len(names) > 1 or (names and run_name):
            raise InvalidSetting(
                "With --watch FOLDER no PATH, --json or --csv is taken. Write answers with "
                "--log FILE, a .csv file or one of JSON lines."
            )
        run = run_folder.open_run(names[0] if names else run_name, run_folder.root(folder))
        settings = {"sensitivity": sensitivity, "prevalence": prevalence, "engine": engine}
        watch_folder(watched, run, log_path, settings)
        return
    if log_path is not None:
        raise InvalidSetting("--log is for --watch FOLDER. Take --csv FILE, or --json.")
    if not names:
        raise InvalidSetting("Expected at least one image file or folder, or --watch FOLDER.")
    run, paths = run_and_paths(names, run_name, run_folder.root(folder))
    console = Console()
    find_images(paths)
    console.note(f"Run: {run.name}")
    from zoo.workflows.predict import predict  # without TensorFlow, which not every engine needs

    rows, skipped = [], []
    for item in predict(
        paths,
        run,
        sensitivity=sensitivity,
        prevalence=prevalence,
        engine=engine,
        progress=console,
    ):
        if isinstance(item, Skipped):
            skipped.append(item)
            console.warn(f"skipped: {item.reason}")
        else:
            rows.append(item.row())
    if as_json:
        answer = {
            "run": run.name,
            "disclaimer": DISCLAIMER,
            "prevalence": prevalence,
            "synthetic": run.record["data"]["synthetic"],
            "predictions": rows,
            "skipped": [{"name": s.name, "reason": s.reason} for s in skipped],
        }
        print_json(answer)
    elif csv_path is not None:
        written = as_csv(rows, run.class_names)
        if str(csv_path) == "-":
            click.echo(written, nl=False)
        else:
            write_text(csv_path, written)
            console.note(f"{len(rows)} predictions written to {csv_path}.")
        console.note(DISCLAIMER)
    else:
        print_answers(rows, run, prevalence)
    if skipped:
        console.note(f"{len(skipped)} of {len(skipped) + len(rows)} files were skipped.")


def print_answers(rows: list[dict[str, Any]], run: Run, prevalence: float | None) -> None:
    """Print a line for each image, then why images were refused and what the numbers are for."""
    columns = ["image", "prediction", "probability", *run.class_names]
    table(
        "",
        columns,
        [
            [
                r["name"],
                r["label"],
                probability(r["probabilities"][r["leaning"]], 1),
                *(f"{r['probabilities'][c]:.3f}" for c in run.class_names),
            ]
            for r in rows
        ],
    )
    for r in rows:
        if r["refused"]:
            click.echo(f"{r['name']}: {r['label']}. {r['reason']}")
    if prevalence is not None:
        click.echo(f"Probabilities are for a prevalence of {prevalence:g}.")
    if run.record["data"]["synthetic"]:
        click.echo("This run was trained on SYNTHETIC DATA.")
    click.echo(DISCLAIMER)


def watch_folder(folder: Path, run: Run, log_path: Path | None, settings: dict[str, Any]) -> None:
    """Print a line for each image that comes into a folder, and append it to a file."""
    from zoo.workflows.watch import watch

    console = Console()
    console.note(f"Run: {run.name}")
    console.note(f"Watching '{folder}' (stop: Ctrl-C). {DISCLAIMER}")
    if run.record["data"]["synthetic"]:
        console.note("This run was trained on SYNTHETIC DATA.")
    for one in watch(folder, run, log=log_path, **settings):
        if isinstance(one.answer, Skipped):
            console.warn(f"skipped: {one.answer.reason}")
        else:
            share = one.answer.probabilities[one.answer.leaning]
            click.echo(f"{one.arrival.name}: {one.answer.label} ({share:.1%})")


def run_and_paths(
    names: tuple[str, ...], run_name: str | None, folder: Path
) -> tuple[Run, tuple[str, ...]]:
    """Tell the run from the images: the first name is a run if a run folder of that name exists."""
    first = Path(names[0])
    if run_name is None and any(
        (place / run_folder.RECORD).is_file() for place in (first, folder / first)
    ):
        run_name, names = names[0], names[1:]
    if not names:
        raise InvalidSetting("Expected at least one image file or folder after the run.")
    return run_folder.open_run(run_name, folder), names


def as_csv(rows: list[dict[str, Any]], class_names: tuple[str, ...]) -> str:
    """Return predictions as a CSV table."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["image", "prediction", "leaning", "reason", *class_names])
    for row in rows:
        values = (f"{row['probabilities'][name]:.6f}" for name in class_names)
        writer.writerow([row["name"], row["label"], row["leaning"], row["reason"], *values])
    return text.getvalue()
