"""Processes that outlive the application: known again by number and time of birth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from zoo.web.service.security import VARIABLE

PATIENCE = 15.0
"""Seconds that a process has to end by itself before it is ended."""
LOOK = 0.2


def start(arguments: Sequence[str], log: Path) -> tuple[int, str]:
    """Start a `zoo` command that goes on when this process ends; return its number and birth.

    All it writes goes to `log`. It is told no password.
    """
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as written:
        process = subprocess.Popen(  # noqa: S603 (every argument was chosen from a list)
            [sys.executable, "-m", "zoo.cli", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    # Whoever started a process has to take note of its end, or it stays in the list of processes.
    threading.Thread(target=process.wait, daemon=True, name=f"waits for {process.pid}").start()
    return process.pid, birth(process.pid)


def birth(pid: int) -> str:
    """Return when a living process was started, in the system's own words; empty for none.

    A number is given to another process sooner or later; number and birth together are not.
    """
    if Path("/proc/self/stat").exists():
        try:
            fields = (
                Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            )
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    asked = subprocess.run(  # noqa: S603
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)],  # noqa: S607
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    state, _, when = asked.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else when.strip()


def lives(pid: int, born: str) -> bool:
    """Tell whether that very process still runs."""
    return bool(born) and birth(pid) == born


def stop(pid: int, born: str, patience: float = PATIENCE) -> None:
    """Ask a process and its children to end, as Ctrl-C does; end them if they do not in time."""
    if lives(pid, born):
        _signal(pid, signal.SIGINT)
        waiting = threading.Thread(
            target=_insist, args=(pid, born, patience), daemon=True, name=f"insists on {pid}"
        )
        waiting.start()


def _insist(pid: int, born: str, patience: float) -> None:
    for harder in (signal.SIGTERM, signal.SIGKILL):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not lives(pid, born):
                return
            time.sleep(LOOK)
        _signal(pid, harder)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it ended in this moment
        os.killpg(pid, number)
