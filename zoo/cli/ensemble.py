"""`zoo ensemble`: join runs to one that answers with the mean of theirs."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zoo.base.registry import load_registry
from zoo.cli import options
from zoo.cli.console import Console, quiet_import
from zoo.runs import run_folder


@click.command("ensemble")
@options.several_runs
@click.option(
    "--shifts", is_flag=True, help="Each run sees every image five times, shifted a little."
)
@options.runs_folder
@options.as_json
def command(names: tuple[str, ...], shifts: bool, folder: Path | None, as_json: bool) -> None:
    """Join finished RUNs of the same data to one that answers with the mean of theirs.

    Train them with several --seed: the division of the data stays the same.
    """
    registry, console = load_registry(), Console()
    runs = [run_folder.open_run(name, folder) for name in names]
    with quiet_import():
        from zoo.workflows.ensemble import ensemble

    try:
        run = ensemble(
            runs,
            shifts=shifts,
            folder=folder,
            registry=registry,
            progress=console,
            command=["zoo", *sys.argv[1:]],
        )
    finally:
        console.stop()
    from zoo.cli.train import print_made

    print_made(run, as_json=as_json)
