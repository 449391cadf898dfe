"""Tab in bash, zsh and fish themselves: what stands on the line after it."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

TYPED = {
    "zoo tra": "zoo train",
    "zoo runs f": "zoo runs fetch",
    "zoo train effi": "zoo train efficientnet",
    "zoo tune scr": "zoo tune scratch",
    "zoo train keras:DenseNet12": "zoo train keras:DenseNet121",
    "zoo train keras:VGG16 --pres": "zoo train keras:VGG16 --preset",
    "zoo train --preset f": "zoo train --preset fast",
    "zoo train --preset=f": "zoo train --preset=fast",
    "zoo train --resume ": "zoo train --resume second-2",
    "zoo evaluate fi": "zoo evaluate first-1",
    "zoo evaluate runs/sec": "zoo evaluate runs/second-2",
    "zoo explain --method smoothg": "zoo explain --method smoothgrad",
    "zoo check phan": "zoo check phantom",
    "zoo check pict": "zoo check pictures",
    "zoo check FOLDER/pict": "zoo check FOLDER/pictures",
    "zoo train scratch --data pict": "zoo train scratch --data pictures",
    "zoo train scratch --data=pict": "zoo train scratch --data=pictures",
    "zoo train scratch --data=phan": "zoo train scratch --data=phantom",
}
SHELLS = {
    "bash": (
        ("bash", "--norc", "--noprofile", "-i"),
        'bind "set enable-bracketed-paste off"; eval "$(_ZOO_COMPLETE=bash_source zoo)"',
    ),
    "zsh": (
        ("zsh", "-f", "-i"),
        (
            "unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; "
            'eval "$(_ZOO_COMPLETE=zsh_source zoo)"'
        ),
    ),
}
PATIENCE = 60.0
"""Seconds until a shell that says nothing is given up."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place with a command `zoo`, two runs and a folder of pictures."""
    (tmp_path / "pictures").mkdir()
    (tmp_path / "programs").mkdir()
    for name in ("first-1", "second-2"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").touch()
    (tmp_path / "runs" / "second-2" / "checkpoint.npz").touch()
    command = tmp_path / "programs" / "zoo"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zoo "$@"\n')
    command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{command.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ZOO_RUNS", "runs")
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


class Terminal:
    """A terminal with a shell in it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self._said = descriptor, ""

    def write(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def wait(self, pattern: str) -> str:
        """Return what is in the first group, once the pattern was said, and forget all before."""
        until = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self._said)):
            assert time.monotonic() < until, self._said
            if select.select([self._descriptor], [], [], 0.2)[0]:
                self._said += os.read(self._descriptor, 65536).decode(errors="replace")
        self._said = self._said[found.end() :]
        return found[1]

    def after_tab(self, typed: str) -> str:
        """Return the line as it is after Tab: the shell itself prints it, in single quotes."""
        self.write(f"{typed}\t\x01echo '@<\x05>@'\n")
        return self.wait(r"\n@<([^\n]*?)>@\r?\n").rstrip(" /")


@contextmanager
def terminal(shell: str) -> Iterator[Terminal]:
    """Run an interactive shell that knows nothing but the line of the documentation."""
    command, setup = SHELLS[shell]
    process, descriptor = pty.fork()
    if process == 0:
        os.environ.update(TERM="dumb", HISTFILE="/dev/null", INPUTRC="/dev/null", COLUMNS="200")
        os.execvp(command[0], command)  # noqa: S606 - one of two constants
    try:
        inside = Terminal(descriptor)
        inside.write(f"stty cols 200; {setup}; echo 're''ady'\n")
        inside.wait(r"\n(ready)")
        yield inside
        inside.write("exit\n")
    finally:
        os.close(descriptor)
        os.waitpid(process, 0)


def installed(shell: str) -> None:
    """Skip where a shell is not there."""
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_the_line(shell: str, folder: Path) -> None:
    installed(shell)
    with terminal(shell) as inside:
        lines = {typed: inside.after_tab(typed.replace("FOLDER", str(folder))) for typed in TYPED}
    assert {typed: line.replace(str(folder), "FOLDER") for typed, line in lines.items()} == TYPED


@pytest.mark.slow
def test_tab_completes_the_line_in_fish(folder: Path) -> None:
    installed("fish")

    def fish(code: str) -> list[str]:
        return subprocess.run(  # noqa: S603 - a shell that is there, and our own code
            ["fish", "--no-config", "-c", code],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()

    setup = "env _ZOO_COMPLETE=fish_source zoo | source"
    asked = "; echo ---; ".join(f"complete -C '{typed}'" for typed in TYPED)
    said = "\n".join(fish(f"{setup}; {asked}".replace("FOLDER", str(folder)))).split("---")
    lines = {
        typed: f"{typed.rpartition(' ')[0]} {offered.strip().split(chr(9))[0].rstrip('/')}"
        for typed, offered in zip(TYPED, said, strict=True)
    }
    assert {typed: line.replace(str(folder), "FOLDER") for typed, line in lines.items()} == TYPED
    described = fish(f"{setup}; complete -C 'zoo train --backe'")
    assert described == ["--backend\tThis machine, or a Dask cluster."]
