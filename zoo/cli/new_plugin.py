"""`zoo new-plugin`: a small package with a plugin that works, and a test of it."""

from __future__ import annotations

from pathlib import Path

import click

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
def command(name: str, kind: str, folder: Path | None) -> None:
    """Write a package with the plugin NAME that works, a test of it, and its entry point."""
    made = new_plugin(name, kind, folder)
    example = " --example FILE" * (kind in ("reader", "image-format"))
    click.echo(f"Written: {made}")
    click.echo(f"Install it: pip install --no-deps -e {made}")
    click.echo(f"Check it:   zoo plugin check {name}{example}")
