from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zoo import NotWritten
from zoo.base.files import write_text
from zoo.base.folders import made_folder, replacing_folder

KILLED = """
import os, signal
from pathlib import Path
from zoo.base.folders import replacing_folder

replace, done = Path.replace, []

def killed(*paths):
    if len(done) == %d:
        os.kill(os.getpid(), signal.SIGKILL)
    done.append(replace(*paths))

Path.replace = killed
with replacing_folder(Path("export")) as new:
    (new / "a.txt").write_text("new")
Path.replace(new, new)
"""


def test_a_folder_that_no_system_takes_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotWritten, match="cannot be written"), made_folder(tmp_path / ("x" * 300)):
        raise AssertionError("it was made")


@pytest.mark.parametrize(("renames", "left"), [(0, "old"), (1, "old"), (2, "new")])
def test_a_kill_between_two_renames_loses_nothing(renames: int, left: str, tmp_path: Path) -> None:
    write_text(tmp_path / "export/a.txt", "old")
    program = [sys.executable, "-c", KILLED % renames]
    killed = subprocess.run(program, cwd=tmp_path, check=False)  # noqa: S603
    assert killed.returncode == -9
    write_text(tmp_path / "other.txt", "the next that is written there")
    assert (tmp_path / "export/a.txt").read_text() == left
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "other.txt"]


def test_a_folder_that_cannot_be_replaced_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_text(tmp_path / "export/a.txt", "old")
    replace = Path.replace

    def refused(source: Path, target: Path) -> Path:
        if source.name == "new":
            raise PermissionError(13, "Permission denied")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(NotWritten), replacing_folder(tmp_path / "export") as new:
        (new / "a.txt").write_text("new")
    assert [path.read_text() for path in tmp_path.rglob("*.txt")] == ["old"]
