"""`zoo data`: public data sets by name."""

from __future__ import annotations

import fnmatch
from pathlib import Path

import click

from zoo.base.errors import UnknownName
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, table
from zoo.data import catalogue
from zoo.workflows.fetch_data import FOLDER, fetch_data


@click.group("data", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Public data sets by name: what there is, and fetching one."""


@command.command("list")
@click.argument("pattern", default="*")
@options.as_json
def list_sets(pattern: str, as_json: bool) -> None:
    """List the sets whose name fits PATTERN, with licence and address."""
    known = catalogue.entries()
    found = [entry for name, entry in known.items() if fnmatch.fnmatch(name, pattern)]
    if as_json:
        print_json([entry.row() for entry in found])
        return
    if not found:
        raise UnknownName.among("data set", pattern, known)
    table(
        "",
        ["name", "what", "images", "licence", "address"],
        [[e.name, e.title, f"{e.images:,}", e.licence, e.address] for e in found],
    )
    click.echo("\nAny of Kaggle's is named kaggle:OWNER/SET. Mind the licences.")


@command.command("get")
@click.argument("name", shell_complete=completion.names(completion.published))
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default=True,
    metavar="FOLDER",
    help="Where it is put.",
)
@options.json_instead
def get(name: str, folder: Path, as_json: bool) -> None:
    """Fetch the set NAME, check it and unpack it; say it again to go on where it broke."""
    console = Console()
    try:
        fetched = fetch_data(name, folder, progress=console)
    finally:
        console.stop()
    if as_json:
        told = {"path": str(fetched.source), "fetched_md5": fetched.md5}
        print_json({**fetched.entry.row(), **told})
        return
    if fetched.md5 and not fetched.entry.md5:
        click.echo(f"Its publisher names no checksum. The MD5 of what came is {fetched.md5}")
    click.echo(f"{fetched.entry.title}. Licence: {fetched.entry.licence}.")
    click.echo(f"Source: {fetched.entry.source}. {fetched.entry.address}")
    click.echo(f"Train on it: zoo train efficientnet --data {fetched.source}")
