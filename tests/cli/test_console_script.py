"""The installed command itself, in processes of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ZOO = str(Path(sys.executable).with_name("zoo"))


def started(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [ZOO, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **environment},
    )


def test_the_installed_command_tells_errors_in_one_piece() -> None:
    done = started("train", "alexnot")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "Error: There is no architecture 'alexnot'. Did you mean 'alexnet'?\n"


def test_the_installed_command_lists_with_broken_plugins(
    install: Callable[[str, str], Path],
) -> None:
    site = install("unlicensed_net", "raise RuntimeError('no licence')")
    done = started("list", "--json", PYTHONPATH=str(site))
    assert done.returncode == 0
    listed = json.loads(done.stdout)
    assert "no licence" in listed["broken"][0]["reason"]
    assert listed["architectures"]


@pytest.mark.slow
def test_the_installed_command_predicts_from_a_copied_run(
    run_copy: Path, picture: Callable[..., Path], tmp_path: Path
) -> None:
    """In another process, folder and machine, as it were: without the plugin that built it."""
    moved = shutil.move(run_copy, tmp_path / "moved")
    done = started("predict", moved, picture("a.png"), "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["predictions"]) == 1
    assert done.stderr == "Run: moved\n"


LIGHT = """
import sys
from click.testing import CliRunner
from zoo.cli import main

for arguments in {commands}:
    CliRunner().invoke(main, arguments)
    heavy = {{"tensorflow", "keras", "sklearn", "shap", "matplotlib", "scipy"}} & sys.modules.keys()
    assert not heavy, (arguments, heavy)
"""


def test_quick_commands_load_nothing_heavy(tmp_path: Path) -> None:
    commands = [
        ["--help"],
        ["list"],
        ["list", "--json"],
        ["show", "efficientnet"],
        ["train", "--help"],
        ["trian"],
        ["train", "alexnot"],
        ["train", "alexnet", "--set", "a=b"],
        ["train", "alexnet", "--data", "nowhere"],
        ["predict", "nowhere.png"],
        ["runs"],
        ["explain", "--method", "x", "nowhere.png"],
        ["train", "--resume", "x"],
    ]
    script = LIGHT.format(commands=commands)
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
