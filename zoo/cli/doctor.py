"""`zoo doctor`: is everything here that is needed, and does it work?"""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli import options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.workflows.doctor import BROKEN, doctor

FOUND_BROKEN = 1


@click.command("doctor")
@click.option("--no-self-test", is_flag=True, help="Leave out what imports TensorFlow.")
@options.runs_folder
@options.as_json
@click.pass_context
def command(context: click.Context, no_self_test: bool, folder: Path | None, as_json: bool) -> None:
    """Look at packages, plugins, folders and devices, try a network, and say what to mend.

    The exit code is 1 where something is broken.
    """
    if no_self_test:
        examined = doctor(self_test=False, folder=folder)
    else:
        with quiet_import():
            examined = doctor(folder=folder, progress=Console())
    if as_json:
        print_json([one.row() for one in examined])
    else:
        table("", ["what", "status", "found"], [[e.name, e.status, e.found] for e in examined])
        for one in examined:
            if one.remedy:
                click.echo(f"{one.name}: {one.remedy}")
    if any(one.status == BROKEN for one in examined):
        context.exit(FOUND_BROKEN)
