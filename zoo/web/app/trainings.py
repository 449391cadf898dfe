"""Trainings that were started here: processes of their own, found again by whoever comes later."""

from __future__ import annotations

import json
import math
import re
import secrets
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base.errors import InvalidSetting, UnknownName, ZooError
from zoo.base.files import write_json, write_text
from zoo.runs import run_folder
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run
from zoo.web.app import processes

FOLDER = ".trainings"
"""In the folder of the runs: for each training what is known of it, and what it writes."""
RUNNING, STOPPING, FINISHED, STOPPED, FAILED = (
    "running",
    "stopping",
    "finished",
    "stopped",
    "failed",
)
ALIVE = frozenset({RUNNING, STOPPING})
ERROR, WARNING, TRACE, HALTED = (
    "Error: ",
    "Warning: ",
    "Traceback (most recent call last):",
    "Stopped.",
)
LOG_BYTES, LOG_LINES = 64_000, 40
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, kw_only=True)
class Training:
    """One process that trains: what was asked for, and the run it writes as soon as that is known.

    `born` is the birth of the process (zoo.web.app.processes).
    """

    id: str
    title: str
    arguments: tuple[str, ...]
    pid: int
    born: float
    started: str
    run: str = ""


@dataclass(frozen=True, kw_only=True)
class State:
    """How a training stands: a word, a sentence, its epochs so far, and what it wrote."""

    state: str
    sentence: str
    run: str
    synthetic: bool
    resumable: bool
    epoch: int
    epochs: int
    rows: list[dict[str, Any]]
    alarms: list[str]
    log: list[str]

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.state in ALIVE


class Trainings:
    """The trainings of a folder of runs, at most `most` at a time."""

    def __init__(self, folder: Path, most: int = 1) -> None:
        self.folder, self.most = folder, most
        self._lock = threading.Lock()

    def all(self) -> list[Training]:
        """Return the trainings that were started here, the newest first."""
        trainings = []
        for path in (self.folder / FOLDER).glob("*.json"):
            try:
                told = json.loads(path.read_text("utf-8"))
                arguments, born = tuple(told["arguments"]), float(told["born"])
                trainings.append(Training(**{**told, "arguments": arguments, "born": born}))
            except (OSError, ValueError, TypeError, KeyError):
                continue  # not written by this application
        return sorted(trainings, key=lambda training: training.started, reverse=True)

    def find(self, key: str) -> Training:
        """Return a training by its id, which is compared and never made a path.

        Raises:
            UnknownName: there is none.
        """
        for training in self.all():
            if training.id == key:
                return training
        raise UnknownName("There is no such training. See the list on the page Train.")

    def alive(self) -> list[Training]:
        """Return the trainings that run now."""
        return [training for training in self.all() if processes.lives(training.pid, training.born)]

    def start(self, title: str, arguments: Sequence[str], run: str = "") -> Training:
        """Start `zoo ARGUMENTS`, which goes on when the browser or this application ends.

        Raises:
            InvalidSetting: another training runs.
        """
        with self._lock:
            running = self.alive()
            if len(running) >= self.most:
                number = "one training runs" if self.most == 1 else f"{self.most} trainings run"
                raise InvalidSetting(
                    f"'{running[0].title}' is in training, and only {number} at a time. "
                    "Wait until it has ended, or stop it."
                )
            key = secrets.token_hex(8)
            pid, born = processes.start(arguments, self._log(key))
            training = Training(
                id=key,
                title=title,
                arguments=tuple(arguments),
                pid=pid,
                born=born,
                run=run,
                started=datetime.now(UTC).isoformat(timespec="seconds"),
            )
            self._write(training)
        return training

    def stop(self, training: Training) -> None:
        """Ask a training to stop; its last whole epoch stays."""
        if processes.lives(training.pid, training.born):
            write_text(self._asked(training.id), "")
            processes.stop(training.pid, training.born)

    def state(self, training: Training) -> State:
        """Look at a training now."""
        alive = processes.lives(training.pid, training.born)  # before its files, which come first
        log = self.log(training)
        run = self._run(training)
        word, sentence = _judged(self._asked(training.id).exists(), alive, run, log)
        rows = _rows(run)
        recipe = run.record["recipe"] if run else {}
        return State(
            state=word,
            sentence=sentence,
            run=run.name if run else "",
            synthetic=bool(run and run.record["data"].get("synthetic")),
            resumable=not alive and run is not None and not run.done,
            epoch=len(rows),
            epochs=int(recipe.get("epochs", 0)) + int(recipe.get("fine_tune_epochs", 0)),
            rows=rows,
            alarms=_alarms(run, log),
            log=_without_traces(log)[-LOG_LINES:],
        )

    def log(self, training: Training) -> list[str]:
        """Return the last lines that a training wrote."""
        try:
            with self._log(training.id).open("rb") as file:
                file.seek(0, 2)
                file.seek(max(0, file.tell() - LOG_BYTES))
                text = file.read().decode("utf-8", "replace")
        except OSError:
            return []
        return COLOURS.sub("", text).splitlines()

    def _run(self, training: Training) -> Run | None:
        """Return the run that a training writes, and remember it: the first that came after it."""
        name = training.run or self._written_by(training)
        if not name:
            return None
        if not training.run:
            self._write(replace(training, run=name))
        try:
            return run_folder.read(self.folder / name)
        except ZooError:
            return None

    def _written_by(self, training: Training) -> str:
        command, taken = ["zoo", *training.arguments], {other.run for other in self.all()}
        began = datetime.fromisoformat(training.started).timestamp()
        for record in self.folder.glob(f"*/{run_folder.RECORD}"):
            name = record.parent.name
            if name in taken or record.stat().st_mtime < began - 1:
                continue
            try:
                run = run_folder.read(record.parent)
            except ZooError:
                continue
            created = run.record.get("created", "")
            if run.record.get("command") == command and created >= training.started:
                return name
        return ""

    def _write(self, training: Training) -> None:
        write_json(self.folder / FOLDER / f"{training.id}.json", asdict(training))

    def _log(self, key: str) -> Path:
        return self.folder / FOLDER / f"{key}.log"

    def _asked(self, key: str) -> Path:
        """Return the file that is there once a training was told to stop.

        Whoever watches writes the record as it was read, so nothing else may be kept in that.
        """
        return self.folder / FOLDER / f"{key}.stop"


def _judged(asked: bool, alive: bool, run: Run | None, log: Sequence[str]) -> tuple[str, str]:
    """Return the state of a training and a sentence on it."""
    if alive and asked:
        return STOPPING, "It stops after the step it is at. The last whole epoch stays."
    if alive and run is None:
        return RUNNING, "It reads the data and makes ready. The first epoch comes soon."
    if alive:
        return RUNNING, "It goes on when this page, the browser or the application is closed."
    if run is not None and run.done:
        return FINISHED, "It is finished: the best epoch was kept and measured on the test part."
    ends = "Resume goes on after its last whole epoch." if run else "Start it again."
    if asked or HALTED in log[-3:] or "KeyboardInterrupt" in log[-1:]:
        return STOPPED, f"It was stopped. {ends}"
    if error := _error(log):
        return FAILED, error
    if any(line.startswith(TRACE) for line in log):
        return FAILED, f"A mistake of the program ended it; its log has the trace. {ends}"
    return STOPPED, f"It ended without a word, as when it is killed or the machine goes off. {ends}"


def _error(log: Sequence[str]) -> str:
    """Return the last error that a command told, with all its lines; empty without one."""
    starts = [place for place, line in enumerate(log) if line.startswith(ERROR)]
    return "\n".join(log[starts[-1] :]).removeprefix(ERROR).strip() if starts else ""


def _without_traces(log: Sequence[str]) -> list[str]:
    """Return the lines of a log without those of a trace, which are not for people."""
    kept: list[str] = []
    inside = False
    for line in log:
        inside = line.startswith(TRACE) or (inside and line.startswith((" ", "\t")))
        if not inside:
            kept.append(line)
    return kept


def _alarms(run: Run | None, log: Sequence[str]) -> list[str]:
    if run is not None and run.done:
        return [str(alarm) for alarm in run.alarms]
    told = [line.removeprefix(WARNING) for line in log if line.startswith(WARNING)]
    return list(dict.fromkeys(told))


def _rows(run: Run | None) -> list[dict[str, Any]]:
    """Return the epochs of a run; what is not a finite number is left empty."""
    if run is None:
        return []
    try:
        rows = read_history(run.path / run_folder.HISTORY)
    except (OSError, ValueError, TypeError):
        return []  # before the first epoch
    return [{name: _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def state_record(state: State) -> Mapping[str, Any]:
    """Return a state as plain data that JSON takes."""
    return {**asdict(state), "alive": state.alive}
