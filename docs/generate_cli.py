"""Write docs/cli.md: the real help of every command.

`python docs/generate_cli.py` writes the page; `--check` exits with code 1 when it is stale.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.testing import CliRunner
from generated import run, table

from zoo.cli import COMMANDS, main

PAGE = Path(__file__).with_name("cli.md")
WIDTH = 80
VARIABLES = {
    "ZOO_RUNS": "folder of the runs, when `--runs` is not given",
    "ZOO_CACHE": "folder of what is kept to save time, instead of the user's cache folder",
    "ZOO_PIXELS": "how much of it pictures may take, such as `20GB`; `0`: none are kept",
    "MLFLOW_TRACKING_URI": "what `--track mlflow` tells, instead of a database beside the runs",
    "ZOO_PLUGIN_SECONDS": "what a plugin may take to be imported (20; 0: no limit)",
    "ZOO_AUTH": "`USER:PASSWORD` of a server, when `--auth` is not given",
}
INTRODUCTION = f"""\
# Commands

This page is the output of `--help`, written by `python docs/generate_cli.py`.

Exit codes, what goes to standard output, and names that the shell completes by Tab:
[everyday.md](everyday.md).

{table(("variable", "meaning"), ((f"`{name}`", told) for name, told in VARIABLES.items()))}"""


def page() -> str:
    """Return the whole page."""
    sections = [_section([])]
    for name in COMMANDS:
        command = main.get_command(click.Context(main), name)
        inner = list(command.commands) if isinstance(command, click.Group) else []
        sections += [_section([name]), *(_section([name, below]) for below in inner)]
    return "\n".join([INTRODUCTION, *sections])


def _section(names: list[str]) -> str:
    # The terminal's width would change where lines are broken.
    result = CliRunner().invoke(
        main, [*names, "--help"], prog_name="zoo", terminal_width=WIDTH, catch_exceptions=False
    )
    title = " ".join(["zoo", *names])
    text = "\n".join(line.rstrip() for line in click.unstyle(result.output).splitlines())
    return f"## {title}\n\n```text\n$ {title} --help\n{text}\n```\n"


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], PAGE, page, Path(__file__).name))
