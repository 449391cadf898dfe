"""A run made ready to answer and to explain uploads."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zoo.base.registry import Registry
from zoo.base.types import Images
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.network.engines.engine import AUTO
from zoo.runs import engine_choice
from zoo.runs.answering import Answerer
from zoo.runs.run_folder import Run
from zoo.web.service.limits import Limits
from zoo.web.service.queue import Deadline, Told, timed, untold
from zoo.web.service.uploads import Upload, as_images
from zoo.workflows.predict import Prediction, predictions

if TYPE_CHECKING:
    from zoo.interpret.case import Case

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
