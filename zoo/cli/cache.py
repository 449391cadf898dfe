"""`zoo cache`: what is kept to save time, how large it is, and how to be rid of it."""

from __future__ import annotations

from dataclasses import asdict

import click

from zoo.base import cache
from zoo.base.shards import make_room
from zoo.cli import completion, options
from zoo.cli.console import print_json, table


@click.group("cache", invoke_without_command=True)
@click.option(
    "--limit",
    metavar="SIZE",
    help="Remove features and pictures, the least recently used first, until they take no more "
    "than this, such as 5GB.",
)
@options.as_json
@click.pass_context
def command(context: click.Context, limit: str | None, as_json: bool) -> None:
    """List what is kept to save time; all of it can be made again.

    Pictures take at most 10 GB, and a fifth of what is free on the disk; ZOO_PIXELS names another
    limit.
    """
    if context.invoked_subcommand is not None:
        return
    if limit is not None:
        make_room(cache.cache_folder(), cache.bytes_of(limit, "--limit"))
    kept = cache.survey()
    if as_json:
        print_json({"folder": str(cache.cache_folder()), "kinds": [asdict(one) for one in kept]})
        return
    rows = [[one.kind, f"{one.files:,}", size(one.bytes), one.what] for one in kept]
    table("", ["kind", "files", "size", "what"], rows)
    click.echo(f"In {cache.cache_folder()}. Remove it: zoo cache clear [KIND]")


@command.command("clear")
@click.argument("kind", required=False, shell_complete=completion.names(completion.kept))
def clear(kind: str | None) -> None:
    """Remove what is kept of KIND (default: of every kind)."""
    click.echo(f"{size(cache.clear(kind))} were removed.")


def size(count: float) -> str:
    """Write a number of bytes."""
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
