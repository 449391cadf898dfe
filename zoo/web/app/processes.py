"""Processes that outlive the application: known again by number and time of birth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from zoo.web.service.security import VARIABLE

PATIENCE = 15.0
"""Seconds that a process has to end by itself before it is ended."""
INTERRUPT = signal.SIGINT if os.name == "posix" else signal.SIGTERM
"""What Ctrl-C sends; elsewhere nothing as gentle can be sent to one process."""
APART = 2.0
"""Seconds by which two readings of one birth may differ: systems know their start to a second."""


def start(arguments: Sequence[str], log: Path) -> tuple[int, float]:
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
    return process.pid, birth(process.pid) or 0.0


def birth(pid: int) -> float | None:
    """Return how many seconds after the machine a living process was started; None for none.

    A number is given to another process sooner or later; number and birth together are not. The
    time of day would change with the clock.
    """
    try:
        process = psutil.Process(pid)
        if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return None
        return process.create_time() - psutil.boot_time()
    except psutil.Error:
        return None


def lives(pid: int, born: float) -> bool:
    """Tell whether that very process still runs."""
    born_at = birth(pid)
    return born_at is not None and abs(born_at - born) < APART


def stop(pid: int, born: float, patience: float = PATIENCE) -> None:
    """Ask a process and its children to end, as Ctrl-C does; end them if they do not in time."""
    if not lives(pid, born):
        return
    try:
        process = psutil.Process(pid)
        everyone = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:  # it ended in this moment
        return
    _each(everyone, lambda own: own.send_signal(INTERRUPT))
    threading.Thread(
        target=_insist, args=(everyone, patience), daemon=True, name=f"insists on {pid}"
    ).start()


def _insist(processes: Sequence[psutil.Process], patience: float) -> None:
    for harder in (psutil.Process.terminate, psutil.Process.kill):
        _, processes = psutil.wait_procs(processes, timeout=patience)
        _each(processes, harder)


def _each(processes: Iterable[psutil.Process], end: Callable[[psutil.Process], None]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):  # it ended in this moment
            end(process)
