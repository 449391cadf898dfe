from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.base import leftovers
from zoo.base.files import write_text

KILLED = """
import os, signal
from pathlib import Path
from zoo.base.files import replacing

with replacing(Path("scores.json")) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_write_left_is_gone_after_the_next(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, check=False)  # noqa: S603
    assert killed.returncode == -9
    assert [path.read_text() for path in tmp_path.iterdir()] == ["half"]
    write_text(tmp_path / "other.txt", "whole")
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_files_of_processes_that_run_are_not_touched(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        own = tmp_path / leftovers.new_name(".npz")
        theirs = tmp_path / own.name.replace(f"-{os.getpid()}-", f"-{other.pid}-")
        for path in (own, theirs):
            path.write_text("half")
        leftovers.sweep(tmp_path)
        assert set(tmp_path.iterdir()) == {own, theirs}
    finally:
        other.kill()
        other.wait()
    leftovers.sweep(tmp_path)
    assert set(tmp_path.iterdir()) == {own}


def test_a_number_that_was_given_to_another_process_saves_nothing(tmp_path: Path) -> None:
    path = tmp_path / leftovers.new_name(".npz")
    path.write_text("from before the machine was started")
    os.utime(path, (1.0, 1.0))
    leftovers.sweep(tmp_path)
    assert not path.exists()


@pytest.mark.parametrize("name", [".partial-00000000-1-abcdef.npz", ".partial-xyz.npz"])
def test_of_another_machine_only_what_is_old_is_removed(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()  # an export is a folder
    (path / "model.onnx").write_text("half")
    leftovers.sweep(tmp_path)
    assert path.exists()
    long_ago = time.time() - 2 * leftovers.FOREIGN_SECONDS
    os.utime(path, (long_ago, long_ago))
    leftovers.sweep(tmp_path)
    assert not path.exists()


def test_a_folder_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    leftovers.sweep(tmp_path / "nowhere")
