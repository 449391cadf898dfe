"""`zoo new-plugin`: a small package with a plugin that works, and a test of it."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli import options
from zoo.cli.console import print_json
from zoo.workflows.new_plugin import KINDS, new_plugin


@click.command("new-plugin")
@click.argument("name")
@click.option("--kind", type=click.Choice(tuple(KINDS)), required=True, help="Of which kind.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where it is written; a folder that is not there yet.  [default: NAME, here]",
)
@options.json_instead
def command(name: str, kind: str, folder: Path | None, as_json: bool) -> None:
    """Write a package with the plugin NAME that works, a test of it, and its entry point."""
    made = new_plugin(name, kind, folder)
    if as_json:
        print_json({"name": name, "kind": kind, "path": str(made)})
        return
    example = " --example FILE" * (kind in ("reader", "image-format"))
    click.echo(f"Written: {made}")
    click.echo(f"Install it: pip install --no-deps -e {made}")
    click.echo(f"Check it:   zoo plugin check {name}{example}")
