"""`zoo users`: who may ask a server, each with a password of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zoo.cli import options, serving
from zoo.cli.console import print_json, table

FILE = click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))


@click.group("users")
def command() -> None:
    """Keep the file of people who may ask 'zoo app' or 'zoo serve' (--users FILE).

    A server reads it again whenever it has changed.
    """
    serving.require("serve", serving.SERVE)


@command.command("add")
@FILE
@click.argument("name")
@click.option("--may-train", is_flag=True, help="Let them start and stop trainings.")
def add(path: Path, name: str, may_train: bool) -> None:
    """Add NAME, or give NAME another password and rights; the password is asked for.

    Where standard input is no terminal its first line is the password.
    """
    from zoo.web.service import users

    if sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    is_new = users.add(path, name, password, may_train=may_train)
    rights = "may train" if may_train else "may not train"
    click.echo(f"{name} {'was added' if is_new else 'has the new password'}, and {rights}.")


@command.command("remove")
@FILE
@click.argument("name")
def remove(path: Path, name: str) -> None:
    """Take NAME out of the file; a server that runs lets them in no more."""
    from zoo.web.service import users

    users.remove(path, name)
    click.echo(f"{name} was removed.")


@command.command("list")
@FILE
@options.as_json
def list_users(path: Path, as_json: bool) -> None:
    """List who is in the file, and who may train."""
    from zoo.web.service import users

    known = users.read(path)
    if as_json:
        print_json([{"name": one.name, "may_train": one.may_train} for one in known.values()])
        return
    table(
        "",
        ["user", "may train"],
        [[one.name, "yes" if one.may_train else "no"] for one in known.values()],
    )
