"""Every command that a page of the documentation shows is one that the program takes."""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from zoo.cli import main

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"```(?:sh|text|console)?\n(.*?)```", re.DOTALL)
COMMAND = re.compile(r"(?:\$ )?(?:[A-Z_]+=\S+ )*zoo (.+)")
END = re.compile(r"\s(?:\||>|&&|2>)\s|;")


def commands(page: Path) -> Iterator[str]:
    """Give what follows `zoo` in the blocks of a page, but for lines that show the key Tab."""
    for block in BLOCK.findall(page.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            if (found := COMMAND.fullmatch(line.strip())) and "<Tab>" not in line:
                yield END.split(found[1])[0]


def parse(words: list[str]) -> None:
    """Parse a command as the program does, without running it."""
    context, command = click.Context(main, info_name="zoo"), click.Command("")
    group: click.Group = main
    while words and not words[0].startswith("-"):
        name, found, words = group.resolve_command(context, words)
        assert found is not None
        command = found
        if not isinstance(command, click.Group):
            command.make_context(name, list(words), parent=context)
            return
        group, context = command, click.Context(command, info_name=name, parent=context)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_commands_are_taken(page: Path) -> None:
    for command in commands(page):
        try:
            with contextlib.suppress(click.exceptions.Exit):  # it asks for help
                parse(shlex.split(command, comments=True))
        except click.ClickException as error:
            pytest.fail(f"zoo {command}: {error.format_message()}")


def test_commands_are_found_and_wrong_ones_refused(tmp_path: Path) -> None:
    assert len(list(commands(ROOT / "README.md"))) > 30
    page = tmp_path / "page.md"
    page.write_text("```sh\nzoo train scratch --epoch 2 | tail  # two\nzoo runs --json | jq\n```\n")
    first, second = commands(page)
    assert (first, second) == ("train scratch --epoch 2", "runs --json")
    with pytest.raises(click.NoSuchOption):
        parse(shlex.split(first))
    with pytest.raises(click.UsageError):
        parse(["tran", "scratch"])
