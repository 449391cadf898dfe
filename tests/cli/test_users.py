"""`zoo users`: people are added, listed and removed, and passwords are not shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cheap_hashes import use_cheap_hashes
from click.testing import CliRunner

from zoo.cli import main


def test_users_are_added_listed_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_cheap_hashes(monkeypatch)
    path = str(tmp_path / "users")

    def zoo(*arguments: str, given: str = "") -> str:
        told = CliRunner().invoke(main, ["users", *arguments], input=given)
        assert told.exit_code == 0, told.output
        return told.stdout

    assert "added" in zoo("add", path, "ann", "--may-train", given="correct horse\n")
    zoo("add", path, "bob", given="another horse\n")
    assert "new password" in zoo("add", path, "bob", given="a third horse\n")
    assert json.loads(zoo("list", path, "--json")) == [
        {"name": "ann", "may_train": True},
        {"name": "bob", "may_train": False},
    ]
    zoo("remove", path, "bob")
    assert "bob" not in zoo("list", path)


def test_what_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    path = str(tmp_path / "users")
    for arguments in (
        ["users", "add", path, "ann"],
        ["users", "list", path],
        ["users", "remove", path, "ann"],
        ["serve", "--users", path],
        ["app", "--users", path, "--auth", "a:b"],
    ):
        told = CliRunner().invoke(main, arguments, input="short\n")
        assert told.exit_code == 2, arguments
        assert told.stderr.startswith("Error: ")
        assert "Traceback" not in told.output
