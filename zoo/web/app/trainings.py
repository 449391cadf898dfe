"""Trainings that were started here: processes of their own, found again by whoever comes later."""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from zoo.base.errors import InvalidSetting, UnknownName, ZooError
from zoo.base.files import write_json, write_text
from zoo.base.locks import is_held
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.web.app import processes
from zoo.web.app.training_state import LATER, STOPPED, State, judged, state_of
from zoo.web.app.words import for_a_page

FOLDER = ".trainings"
"""In the folder of the runs: for each training what is known of it, and what it writes."""
LOG_BYTES = 64_000
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

    @property
    def full(self) -> bool:
        """Whether no other training may be started or resumed now."""
        return len(self.alive()) >= self.most

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
        word, sentence = judged(self._asked(training.id).exists(), alive, run, log)
        if run is None and training.run and not alive:
            word, sentence = STOPPED, "Its run is not in this folder any more."
        held = run is not None and not alive and is_held(run.path)
        if held:
            sentence = "Another process goes on with it now. Watch it from the page Runs."
        resumable = not alive and not held and run is not None and not run.done
        if resumable and self.full:
            resumable, sentence = False, f"{sentence} {LATER}"
        return state_of(word, for_a_page(sentence), run, log, resumable=resumable)

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
        name = training.run
        if not name or not (self.folder / name).is_dir():  # not known yet, or renamed since
            name = self._written_by(training)
        if not name:
            return None
        if name != training.run:
            self._write(replace(training, run=name))
        try:
            return run_folder.read(self.folder / name)
        except ZooError:
            return None

    def _written_by(self, training: Training) -> str:
        command = ["zoo", *training.arguments]
        others = [other for other in self.all() if other.id != training.id]
        taken = {other.run for other in others}
        begun = training.started, training.born
        alike = (other for other in others if other.arguments == training.arguments)
        later = (one.started for one in alike if (one.started, one.born) > begun)
        next_began = min(later, default=None)  # what came from then on is not of this one
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
            if run.record.get("command") != command or created < training.started:
                continue
            if next_began is None or created < next_began:
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
