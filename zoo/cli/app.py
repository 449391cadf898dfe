"""`zoo app`: the application in the browser."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from zoo import DISCLAIMER
from zoo.base.cache import bytes_of
from zoo.base.errors import InvalidSetting
from zoo.base.files import writing
from zoo.cli import completion, options, serving
from zoo.cli.console import quiet_import
from zoo.cli.serving import address, at_an_address, listen, serve, warn_of_plain_text
from zoo.network.engines.engine import AUTO
from zoo.runs import run_folder
from zoo.web.service.addresses import parse_networks
from zoo.web.service.limits import Limits


@click.command("app")
@options.runs_folder
@click.option(
    "--run",
    "run_names",
    metavar="RUN",
    shell_complete=completion.names(completion.runs),
    multiple=True,
    help="Show this run of the folder alone; may be repeated.  [default: all]",
)
@click.option(
    "--data",
    "sources",
    metavar="SOURCE",
    multiple=True,
    help="A data set that the pages Data and Train may open; may be repeated. The synthetic "
    "images are always there.",
)
@click.option(
    "--cases",
    "cases_path",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Let cases be saved there when somebody asks: picture, answer, maps, notes, label.  "
    "[default: nothing is saved]",
)
@click.option(
    "--watch",
    "watched",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Answer to images as they come into a folder, and list them on the page Worklist.",
)
@click.option(
    "--collect",
    "intake",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Let data sets be sent in the page Data, and keep them in this folder.  [default: no]",
)
@click.option(
    "--collect-limit",
    "room",
    metavar="SIZE",
    default="2GB",
    show_default=True,
    help="What these data sets may take together.",
)
@options.engine(AUTO)
@at_an_address
@click.option("--no-browser", is_flag=True, help="Do not open the browser.")
def command(
    folder: Path | None,
    run_names: tuple[str, ...],
    sources: tuple[str, ...],
    cases_path: Path | None,
    watched: Path | None,
    intake: Path | None,
    room: str,
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
    no_browser: bool,
) -> None:
    """Open the application in the browser: read images, compare runs, look at data, train.

    It listens to this machine alone unless --host says otherwise, and loads nothing from the
    internet. Images are kept in memory, and forgotten half an hour after the last request; with
    --cases those that are saved stay there.
    """
    serving.require("app", serving.SERVE)
    from zoo.web.service.security import check_exposure, keys_from, names_of

    keys, trusted = keys_from(auth, auth_file, users_path), parse_networks(proxies)
    check_exposure(host, keys, proxied=bool(trusted))
    limits = Limits(waiting=max_waiting, connections_each=max_connections)
    room_bytes = bytes_of(room, "--collect-limit")
    if intake is not None:
        with writing(intake):
            intake.mkdir(parents=True, exist_ok=True)
        intake = intake.resolve()
    root, only = chosen_sources(run_names, run_folder.root(folder))
    listening = listen(host, port)
    with quiet_import():
        from zoo.web.app.case_folder import CaseFolder
        from zoo.web.app.site import create
        from zoo.web.service.journal import Journal
        from zoo.web.service.library import Library

    app = create(
        Library(root, only=only, limits=limits, engine=engine),
        sources,
        auth=keys,
        journal=None if journal_path is None else Journal(journal_path),
        hosts=names_of(host, keys),
        cases=None if cases_path is None else CaseFolder(cases_path),
        watched=watched,
        intake=intake,
        room=room_bytes,
    )
    listening.listen()  # whoever comes before the first page is ready waits for it
    shown = address(host, listening)
    click.echo(f"The application is at {shown}  (stop: Ctrl-C)")
    click.echo(DISCLAIMER)
    if keys is not None and not trusted:
        warn_of_plain_text(host)
    if not no_browser:
        threading.Thread(target=webbrowser.open, args=(shown,), daemon=True).start()
    serve(app, listening, trusted)


def chosen_sources(names: Sequence[str], folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Return the folder of the runs, and the names of those that were chosen (none: all).

    Raises:
        UnknownName: there is no run of a name.
        InvalidSetting: they lie in several folders.
    """
    runs = [run_folder.open_run(name, folder) for name in names]
    folders = {run.path.resolve().parent for run in runs} or {folder.resolve()}
    if len(folders) > 1:
        raise InvalidSetting(
            "The runs lie in several folders. Move them into one, or choose runs of one folder."
        )
    return folders.pop(), tuple(run.name for run in runs)
