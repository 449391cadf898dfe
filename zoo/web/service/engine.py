"""Runs made ready to answer: one engine a run, a few of them loaded, two queues for all."""

from __future__ import annotations

import copy
import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from zoo.base import interruption
from zoo.base.errors import UnknownName
from zoo.base.registry import Registry, load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.network.engines.engine import AUTO
from zoo.runs import engine_choice, run_folder
from zoo.runs.answering import Answerer
from zoo.runs.run_folder import Run
from zoo.web.service.limits import Limits
from zoo.web.service.queue import Deadline, Queue, Told, timed, untold
from zoo.web.service.uploads import Upload, as_images
from zoo.workflows.predict import Prediction, predictions

if TYPE_CHECKING:
    from zoo.interpret.case import Case

Result = TypeVar("Result")

NAME_LENGTH = 255
JUDGING_SHARE = 0.5
"""Of the time a request has left: what judging its maps may take."""


class Engine:
    """A run, loaded once, that answers uploads. It is asked from one thread a queue."""

    def __init__(
        self,
        run: Run,
        limits: Limits,
        registry: Registry | None = None,
        *,
        engine: str = AUTO,
        told: Told = untold,
    ) -> None:
        self.run, self.limits, self._told = run, limits, told
        self._interpreter = Interpreter(run, registry=registry)
        # What is explained is answered by Keras, in the pass that the explanations rest on.
        self._classifier = engine_choice.classifier_of(
            run, engine, loaded=self._interpreter.classifier
        )
        # The first pass builds the graphs, in seconds, in which nobody could end an explanation.
        blank = np.zeros((1, *run.record["input_shape"]), np.uint8)
        blank.flags.writeable = False
        self._interpreter.classifier.prime(blank)
        self._interpreter.answerer.answer(blank)
        self._answerer(None, None).answer(blank)

    def predict(
        self,
        uploads: Sequence[Upload],
        *,
        sensitivity: float | None = None,
        prevalence: float | None = None,
    ) -> list[Prediction]:
        """Answer to each upload, in order (as zoo.workflows.predict.predict does to files).

        Raises:
            BadInput: a file is damaged.
            InvalidSetting: a sensitivity or prevalence that this run cannot use.
        """
        images = self._decoded(uploads)
        with timed("answering", self._told):
            answers = self._answerer(sensitivity, prevalence).answer(images.pixels)
        return list(predictions(self.run, images.names, answers))

    def read(self, upload: Upload) -> Case:
        """Answer to an upload, without explaining: what can be shown first.

        Raises:
            BadInput: the file is damaged.
        """
        quick = copy.copy(self._interpreter)
        quick.explainers, quick.trust = [], False
        images = self._decoded([upload])
        with timed("answering", self._told):
            return quick.cases(images)[0]

    def explain(
        self,
        uploads: Sequence[Upload],
        *,
        methods: Sequence[str] = (),
        target: str | None = None,
        trust: bool = True,
        deadline: Deadline | None = None,
    ) -> list[Case]:
        """Answer and explain each upload, in order; one at a time, so that it can be ended between.

        Raises:
            UnknownName: no method or class of that name.
            BadInput: a file is damaged.
            Expired: the deadline has come.
        """
        deadline = deadline or Deadline(self.limits.seconds)
        budget = min(BUDGET, JUDGING_SHARE * deadline.left / len(uploads))
        interpreter = self.interpreter(methods, trust=trust, budget=budget)
        cases: list[Case] = []
        for upload in uploads:
            images = self._decoded([upload])
            with timed("explaining", self._told):
                cases.extend(interpreter.cases(images, target, progress=deadline))
        return cases

    def interpreter(
        self, methods: Sequence[str] = (), *, trust: bool = True, budget: float = BUDGET
    ) -> Interpreter:
        """Return an interpreter of this network with other methods.

        Raises:
            UnknownName: no method of that name.
        """
        other = copy.copy(self._interpreter)
        other.trust, other.budget = trust, budget
        other.ask(methods)
        return other

    @property
    def registry(self) -> Registry:
        """Return what is installed."""
        return self._interpreter.registry

    def _decoded(self, uploads: Sequence[Upload]) -> Images:
        with timed("decoding", self._told):
            return as_images(uploads, self.run)

    def _answerer(self, sensitivity: float | None, prevalence: float | None) -> Answerer:
        interpreter = self._interpreter
        by_keras = self._classifier is interpreter.classifier
        if by_keras and sensitivity is None and prevalence is None:
            return interpreter.answerer
        return Answerer(
            self.run,
            self._classifier,
            interpreter.reference,
            sensitivity=sensitivity,
            prevalence=prevalence,
        )


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
        self._engines: OrderedDict[str, Engine] = OrderedDict()
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

        Raises:
            UnknownName: there is none.
        """
        if self._default is None:
            self._default = run_folder.open_run(None, self.folder).name
        return self._default

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
                self._engines[name] = engine
            return engine

    def _ready(self, name: str) -> Engine | None:
        with self._lock:
            if name in self._engines:
                self._engines.move_to_end(name)
            return self._engines.get(name)

    def forget(self, name: str) -> None:
        """Drop what is loaded of a run that was renamed or removed: another may take its name."""
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
            if len(name) > NAME_LENGTH:
                raise UnknownName("There is no run of so long a name. See the list of runs.")
            raise UnknownName.among("run", name, known)
        return name
