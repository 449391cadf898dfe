from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from zoo.base import locks

HOLDER = """
import sys
from pathlib import Path
from zoo.base import locks

with locks.holding(Path(sys.argv[1]), wait=False) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_another_process_is_kept_out_until_the_holder_is_killed(tmp_path: Path) -> None:
    holder = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    with locks.holding(tmp_path, wait=False) as held:
        assert not held
    holder.kill()
    holder.communicate()
    with locks.holding(tmp_path, wait=True) as held:
        assert held
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_locked_is_not_in_the_way(tmp_path: Path) -> None:
    with locks.holding(tmp_path / "nowhere", wait=False) as held:
        assert held


def test_who_looks_sees_the_holder_and_is_in_nobodys_way(tmp_path: Path) -> None:
    assert not locks.is_held(tmp_path)
    assert not locks.is_held(tmp_path / "nowhere")
    with locks.holding(tmp_path, wait=False) as held:
        assert held
        assert locks.is_held(tmp_path)
    assert not locks.is_held(tmp_path)
