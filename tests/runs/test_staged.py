"""A run that is written in one go is there whole, or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zoo import NotWritten
from zoo.base import leftovers
from zoo.runs import run_folder
from zoo.runs.staged import staged

KILLED = """
import os, signal, sys
from pathlib import Path
from zoo.runs.staged import staged

with staged(Path(sys.argv[1]), "net") as path:
    (path / "run.json").write_text("{}")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def written(path: Path) -> None:
    run_folder.write_record(path, {"architecture": "net"})


def test_a_run_is_in_its_place_only_when_it_is_whole(tmp_path: Path) -> None:
    with staged(tmp_path, "net") as path:
        written(path)
        assert run_folder.survey(tmp_path) == ([], [])
    (made,) = tmp_path.iterdir()
    assert made.name == path.name
    assert made.name.startswith("net-")
    assert [file.name for file in made.iterdir()] == [run_folder.RECORD]


def test_of_one_that_fails_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), staged(tmp_path, "net") as path:
        written(path)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_two_at_a_time_and_a_training_have_other_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_folder, "names", lambda _: iter(["net", "net-2", "net-3"]))
    run_folder.create(tmp_path, "net")
    with staged(tmp_path, "net") as one, staged(tmp_path, "net") as other:
        assert [one.name, other.name] == ["net-2", "net-3"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net", "net-2", "net-3"]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_what_is_left_of_one_that_was_killed_is_no_run_and_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = subprocess.run(  # noqa: S603 (our own code)
        [sys.executable, "-c", KILLED, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(leftovers.PREFIX)
    assert run_folder.survey(tmp_path) == ([], [])
    monkeypatch.setattr(leftovers, "_swept", set())
    made = run_folder.create(tmp_path, "net")
    assert list(tmp_path.iterdir()) == [made]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotWritten, match="cannot be written"), staged(tmp_path / "file", "net"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
