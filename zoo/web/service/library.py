"""The runs of a folder, opened when they are asked for: a few of them loaded, two queues."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

from zoo.base import interruption
from zoo.base.errors import UnknownName
from zoo.base.registry import Registry, load_registry
from zoo.network.engines.engine import AUTO
from zoo.runs import engine_choice, run_folder
from zoo.runs.run_folder import Run
from zoo.web.service.engine import Engine
from zoo.web.service.limits import Limits
from zoo.web.service.queue import Deadline, Queue, Told, timed, untold

Result = TypeVar("Result")

NAME_LENGTH = 255

Stamp = tuple[int, int]
"""Inode and time of a run's record: another run under the same name has another."""


class Library:
    """The finished runs of a folder, opened by name when they are asked for.

    Only names of runs in that folder are known, and of these only `only` where it is given.
    Answering and explaining have a queue each: nobody waits for a short answer behind a long one.
    `engine` answers where nothing is explained.
    """

    def __init__(
        self,
        folder: Path,
        *,
        only: Sequence[str] = (),
        limits: Limits | None = None,
        registry: Registry | None = None,
        engine: str = AUTO,
    ) -> None:
        engine_choice.check(engine)
        self.engine_name = engine
        self.folder, self.only, self.limits = folder, tuple(only), limits or Limits()
        self.registry = registry or load_registry()
        self.answering = Queue("answering", self.limits.waiting)
        self.explaining = Queue("explaining", self.limits.waiting)
        self._told: Told = untold
        self._engines: OrderedDict[str, tuple[Stamp, Engine]] = OrderedDict()
        self._lock, self._loading = threading.Lock(), threading.Lock()
        finished = self.runs()
        self._default = finished[-1].name if finished else None

    def runs(self) -> list[Run]:
        """Return the finished runs that may be asked, oldest first."""
        runs = [run for run in run_folder.listing(self.folder) if run.done]
        return [run for run in runs if not self.only or run.name in self.only]

    @property
    def default(self) -> str:
        """Return the run that answers when none is named: the newest one at the start.

        Where that is gone, it is the newest one that there is then. Where there is none, as when
        a shared folder cannot be reached, what is loaded goes on answering from memory.

        Raises:
            UnknownName: there is none.
        """
        known = self._default
        if known is None or self._stamp(known) is None:
            self._default = known = self._newest()
        return known

    def _newest(self) -> str:
        if finished := self.runs():
            return finished[-1].name
        if self._default in self.loaded:
            return str(self._default)
        if self.only:
            raise UnknownName(
                f"What this was started with is gone: {', '.join(self.only)} was renamed or "
                "removed. Give it back its name, or start again with another run."
            )
        raise UnknownName(  # the folder is nobody's business who asks from elsewhere
            "There is no finished run to answer with. Train one first: zoo train efficientnet"
        )

    @property
    def loaded(self) -> tuple[str, ...]:
        """Return the runs that are ready, the one used last at the end."""
        with self._lock:
            return tuple(self._engines)

    def engine(self, name: str | None = None) -> Engine:
        """Return a run ready to answer; loading it takes seconds, the first time.

        One is loaded at a time; those that are ready do not wait for it.

        Raises:
            UnknownName: no run of that name is in the folder.
            DamagedRun: it is unfinished, incomplete or altered.
        """
        name = self.default if name is None else self._known(name)
        if (ready := self._ready(name)) is not None:
            return ready
        with self._loading:
            if (ready := self._ready(name)) is not None:  # loaded while this waited
                return ready
            stamp = self._stamp(name)
            run = run_folder.open_run(self.folder / name)
            with self._lock:
                while len(self._engines) >= self.limits.loaded:
                    self._engines.popitem(last=False)
            gc.collect()  # networks hold themselves in circles, which are found late
            with timed("loading", self._tell):
                engine = Engine(
                    run, self.limits, self.registry, engine=self.engine_name, told=self._tell
                )
            with self._lock:
                if stamp is not None and stamp == self._stamp(name):  # nor was it renamed meanwhile
                    self._engines[name] = stamp, engine
            return engine

    def _ready(self, name: str) -> Engine | None:
        """Return what is loaded of a run, unless another one has its name by now."""
        stamp = self._stamp(name)
        with self._lock:
            loaded, engine = self._engines.get(name, (None, None))
            if engine is None or stamp not in (loaded, None):
                self._engines.pop(name, None)
                return None
            self._engines.move_to_end(name)
            return engine

    def _stamp(self, name: str) -> Stamp | None:
        try:
            status = (self.folder / name / run_folder.RECORD).stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def forget(self, name: str) -> None:
        """Drop what is loaded of a run that was renamed or removed."""
        with self._lock:
            self._engines.pop(name, None)
            if self._default == name:
                self._default = None

    def answer(
        self, name: str | None, work: Callable[[Engine], Result], deadline: Deadline | None = None
    ) -> Future[Result]:
        """Queue short work for a run; it is ended between two steps when its deadline has come.

        Raises:
            UnknownName: no run of that name.
            Overloaded: too many wait already.
        """
        return self._queued(self.answering, name, work, deadline)

    def explain(
        self, name: str | None, work: Callable[[Engine], Result], deadline: Deadline | None = None
    ) -> Future[Result]:
        """Queue long work for a run; as `answer` does with short work."""
        return self._queued(self.explaining, name, work, deadline)

    def close(self) -> None:
        """Drop what waits, and end what is at work at its next step."""
        self.answering.close()
        self.explaining.close()

    def tell(self, told: Told) -> None:
        """Tell of each step and its seconds from now on."""
        self._told = self.answering.told = self.explaining.told = told

    def _tell(self, step: str, seconds: float) -> None:
        self._told(step, seconds)

    def _queued(
        self,
        queue: Queue,
        name: str | None,
        work: Callable[[Engine], Result],
        deadline: Deadline | None,
    ) -> Future[Result]:
        if name is not None:
            self._known(name)

        def done() -> Result:
            with nullcontext() if deadline is None else interruption.asking(deadline.check):
                interruption.check()
                return work(self.engine(name))

        return queue.submit(done)

    def _known(self, name: str) -> str:
        """Return the name if the folder holds such a run; it is compared, never made a path."""
        entries = {record.parent.name for record in self.folder.glob(f"*/{run_folder.RECORD}")}
        known = entries.intersection(self.only) if self.only else entries
        if name not in known:
            raise unknown_run(name, known)
        return name


def unknown_run(name: str, known: Iterable[str]) -> UnknownName:
    """Build the error for a run that is not there; a name that none can have is not repeated."""
    if len(name) > NAME_LENGTH:
        return UnknownName("There is no run of so long a name. See the list of runs.")
    return UnknownName.among("run", name, known)
