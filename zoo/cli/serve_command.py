"""`zoo serve`: the HTTP API."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import DISCLAIMER, runs
from zoo.cli import options
from zoo.cli.console import Console, quiet_import
from zoo.cli.serving import address, at_an_address, listen, serve
from zoo.service import extras
from zoo.service.limits import Limits

__all__ = ["command", "listen"]


@click.command("serve")
@options.run_name
@options.runs_folder
@at_an_address
def command(
    run_name: str | None,
    folder: Path | None,
    host: str,
    port: int,
    auth: str | None,
    auth_file: Path | None,
    journal_path: Path | None,
    max_waiting: int,
) -> None:
    """Answer to images over HTTP: POST /predict and /explain, documented at /docs.

    All finished runs of the folder may be asked for by name, or with --run that one alone.
    """
    extras.require("serve", extras.SERVE)
    from zoo.service.security import LOOPBACK, check_exposure, is_loopback, password_from

    password = password_from(auth, auth_file)
    check_exposure(host, password)
    default = runs.open_finished(run_name, runs.root(folder))
    listening = listen(host, port)
    console = Console()
    with quiet_import():
        from zoo.service.api import create
        from zoo.service.engine import Library
        from zoo.service.journal import Journal

    library = Library(
        default.path.resolve().parent,
        only=(default.name,) if run_name else (),
        limits=Limits(waiting=max_waiting),
    )
    app = create(
        library,
        auth=password,
        journal=None if journal_path is None else Journal(journal_path),
        hosts=LOOPBACK if is_loopback(host) else None,
    )
    console.note(f"Run: {default.name}")
    click.echo(f"Serving at {address(host, listening)}docs  (stop: Ctrl-C)")
    click.echo(DISCLAIMER)
    serve(app, listening)
