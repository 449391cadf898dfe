"""`zoo serve`: the HTTP API."""

from __future__ import annotations

from pathlib import Path

import click

from zoo import DISCLAIMER
from zoo.cli import options, serving
from zoo.cli.console import Console, quiet_import
from zoo.cli.serving import address, at_an_address, listen, serve, warn_of_plain_text
from zoo.network.engines.engine import AUTO
from zoo.runs import run_folder
from zoo.web.service.addresses import parse_networks
from zoo.web.service.limits import Limits

__all__ = ["command", "listen"]


@click.command("serve")
@options.run_name
@options.runs_folder
@options.engine(AUTO)
@at_an_address
def command(
    run_name: str | None,
    folder: Path | None,
    engine: str,
    host: str,
    port: int,
    auth: str | None,
    auth_file: Path | None,
    users_path: Path | None,
    journal_path: Path | None,
    max_waiting: int,
    max_connections: int,
    proxies: str,
) -> None:
    """Answer to images over HTTP: POST /predict and /explain, documented at /docs.

    All finished runs of the folder may be asked for by name, or with --run that one alone.
    """
    serving.require("serve", serving.SERVE)
    from zoo.web.service.security import check_exposure, keys_from, names_of

    keys, trusted = keys_from(auth, auth_file, users_path), parse_networks(proxies)
    check_exposure(host, keys, proxied=bool(trusted))
    limits = Limits(waiting=max_waiting, connections_each=max_connections)
    default = run_folder.open_run(run_name, run_folder.root(folder))
    listening = listen(host, port)
    console = Console()
    with quiet_import():
        from zoo.web.service.api import create
        from zoo.web.service.journal import Journal
        from zoo.web.service.library import Library

    library = Library(
        default.path.resolve().parent,
        only=(default.name,) if run_name else (),
        limits=limits,
        engine=engine,
    )
    app = create(
        library,
        auth=keys,
        journal=None if journal_path is None else Journal(journal_path),
        hosts=names_of(host, keys),
    )
    listening.listen()  # whoever comes before the first answer is ready waits for it
    console.note(f"Run: {default.name}")
    click.echo(f"Serving at {address(host, listening)}docs  (stop: Ctrl-C)")
    click.echo(DISCLAIMER)
    if keys is not None and not trusted:
        warn_of_plain_text(host)
    serve(app, listening, trusted)
