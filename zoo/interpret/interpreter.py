"""A run made ready to explain: images in, cases out, for the command line, the app and the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import UnknownName
from zoo.base.explanations import AUTO, Attribution, Explainer, Explanation
from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.types import Images
from zoo.interpret.case import Case
from zoo.interpret.choice import Choice, choose, chosen_methods, options_of, serves
from zoo.interpret.methods import BrokenMethod, explained
from zoo.interpret.trust import kept
from zoo.interpret.trust.agreement import agreements, compared
from zoo.interpret.trust.panel import judge_maps, maps_by_method
from zoo.network.frame import box_of
from zoo.runs import model_file, run_folder
from zoo.runs.answering import Answerer, Answers
from zoo.runs.run_folder import Run

BUDGET = 10.0
"""Seconds for each image that judging its maps may take."""
FIRST_TIME = (
    "Each method is tried on networks with shuffled weights, once for this run: that takes up to "
    "half a minute and is kept in the run's folder."
)


class Interpreter:
    """A run, its network and explanation methods, loaded once and used for many images.

    `methods` names explainers, or `auto` for the one that the run's audit chose (default: those
    shown by default; with `every` all that can explain the network); `changes` sets their options.
    With `trust` each map comes with a verdict on whether to believe it, for which each image may
    take `budget` seconds. A method that breaks a promise is left out from then on; `faults` says
    of each why, and it stands in the notes of every case.

    Raises:
        ZooError: an unknown method or option, or a run that cannot be used.
    """

    explainers: list[Explainer]

    def __init__(
        self,
        run: Run,
        *,
        methods: Sequence[str] = (),
        every: bool = False,
        changes: Mapping[str, Any] | None = None,
        registry: Registry | None = None,
        trust: bool = True,
        budget: float = BUDGET,
    ) -> None:
        self.run, self.trust, self.budget = run, trust, budget
        self.registry = registry or load_registry()
        asked = tuple(self.registry.explainers) if every else methods
        if AUTO not in asked:  # a wrong name or option costs no time
            options_of(chosen_methods(self.registry, asked), changes or {})
        self.classifier = model_file.load_classifier(run)
        self.reference = run_folder.load_reference(run)
        self.ask(asked, changes)
        if every:
            self.named = False
            self.explainers = [one for one in self.explainers if serves(one, self.classifier)]
        self.finder = model_file.load_finder(run) if trust else None
        self.answerer = Answerer(run, self.classifier, self.reference)

    def ask(self, methods: Sequence[str] = (), changes: Mapping[str, Any] | None = None) -> None:
        """Explain by these methods from here on; `auto` is what the run's audit chose, the first.

        Raises:
            ZooError: an unknown method or option.
        """
        self.named = any(name != AUTO for name in methods)
        self.choice: Choice | None = None
        names = [name for name in methods if name != AUTO]
        if AUTO in methods:
            self.choice = choose(self.run, self.registry, self.classifier)
            names = [name for name in (self.choice.method, *names) if name]
        self.explainers = chosen_methods(self.registry, names) if names or not methods else []
        if not methods:
            self.explainers = [one for one in self.explainers if serves(one, self.classifier)]
        self.options = options_of(self.explainers, changes or {})
        self.faults: dict[str, str] = {}
        self.__dict__.pop("summaries", None)

    def cases(
        self,
        images: Images,
        target: str | None = None,
        *,
        masks: Sequence[np.ndarray | None] | None = None,
        labels: Sequence[int] | None = None,
        progress: Progress = SILENT,
    ) -> list[Case]:
        """Answer and explain each image.

        `target` names the class to explain (default: the predicted one); `masks[i]` is
        `(height, width)` bool, the lungs of the image where they are known; `labels` are the true
        classes where they are known.

        Raises:
            UnknownName: the run has no class of that name.
        """
        answers = self.answer(images, target)
        targets = self.targets(answers, target)
        said = self.explanations(images, targets, progress)
        if self.trust and self.untried(said):
            progress.note(FIRST_TIME)
        judged, explanations = self._judged(images, targets, said, masks, progress)
        progress.advance(len(targets) if self.trust else 0)
        shown = [
            tuple(one for one in of_image if self._shown(one.method, of_maps))
            for of_image, of_maps in zip(explanations, judged, strict=True)
        ]
        boxes = [box_of(box) for box in answers.boxes]
        alike = [
            agreements([one for one in of_image if isinstance(one, Attribution)], box)
            for of_image, box in zip(shown, boxes, strict=True)
        ]
        return [
            Case(
                name=Path(name).name,
                pixels=images.pixels[i],
                shape=images.shapes[i] if images.shapes else None,
                probabilities=tuple(map(float, answers.probabilities[i])),
                predicted=answers.verdicts[i].predicted,
                threshold=self.run.threshold,
                refused=answers.verdicts[i].label if answers.verdicts[i].refused else "",
                reason=answers.verdicts[i].reason,
                class_names=self.run.class_names,
                box=boxes[i],
                explanations=shown[i],
                trust=compared(judged[i], alike[i]),
                agreements=alike[i],
                reference=self.reference,
                run=self.run.name,
                label=None if labels is None else labels[i],
                chosen="" if self.choice is None else self.choice.reason,
                summaries=self.summaries,
                notes=(*map(str, self.run.alarms), *self.faults.values()),
                synthetic=self.run.record["data"]["synthetic"],
            )
            for i, name in enumerate(images.names)
        ]

    def answer(self, images: Images, target: str | None = None) -> Answers:
        """Answer to images; what the network computed is kept for explaining the same pixels.

        One pass through the network and back serves the answer and every method that asks for
        gradients.
        """
        images.pixels.flags.writeable = False
        asked = {explainer.gradients for explainer in self.explainers} - {""}
        if asked and self.classifier.differentiable:
            by_pixels = "pixels" in asked
            if target is None:
                threshold = self.answerer.decision.threshold
                self.classifier.prime(images.pixels, threshold, by_pixels=by_pixels)
            else:
                wanted = [self._index(target)] * len(images.pixels)
                self.classifier.gradients(images.pixels, wanted, by_pixels=by_pixels)
        return self.answerer.answer(images.pixels)

    def targets(self, answers: Answers, target: str | None = None) -> list[int]:
        """Return the class to be explained of each image.

        Raises:
            UnknownName: the run has no class of that name.
        """
        predicted = [verdict.predicted for verdict in answers.verdicts]
        return predicted if target is None else [self._index(target)] * len(predicted)

    def explanations(
        self, images: Images, targets: Sequence[int], progress: Progress = SILENT
    ) -> list[list[Explanation]]:
        """Return for each image what each method says; what is left out is told in `faults`.

        Raises:
            BrokenMethod: no method is left.
        """
        said: list[list[Explanation]] = [[] for _ in targets]
        for explainer in self.explainers:
            if explainer.name not in self.faults:
                options = self.options[explainer.name]
                with self.leaving_out(progress):
                    given = explained(
                        explainer, self.classifier, images, targets, self.reference, options
                    )
                    for told, explanation in zip(said, given, strict=True):
                        told.append(explanation)
            progress.advance(len(targets))
        return said

    def untried(self, said: Sequence[Sequence[Explanation]]) -> list[Explainer]:
        """Return methods that gave maps and were not yet tried on shuffled networks of the run.

        None of a network that cannot be shuffled.
        """
        if not self.classifier.differentiable:
            return []
        maps, options = maps_by_method(said), self.options
        drawn = [explainer for explainer in self.explainers if explainer.name in maps]
        return [one for one in drawn if not kept.is_known(self.run, one, options[one.name])]

    @contextmanager
    def leaving_out(self, progress: Progress) -> Iterator[None]:
        """Ask a method that is broken no more; without any other there is nothing to show."""
        try:
            yield
        except BrokenMethod as broken:
            self.faults[broken.method] = str(broken)
            if all(explainer.name in self.faults for explainer in self.explainers):
                raise
            progress.warn(str(broken))

    @cached_property
    def summaries(self) -> dict[str, str]:
        """Return what each method says of itself, by its name."""
        return {explainer.name: explainer.summary for explainer in self.explainers}

    @property
    def stages(self) -> int:
        """Return how many steps of progress an image is worth."""
        return len(self.explainers) + self.trust

    def _index(self, target: str) -> int:
        names = self.run.class_names
        if target not in names:
            raise UnknownName.among("class", target, names)
        return names.index(target)

    def _judged(
        self,
        images: Images,
        targets: Sequence[int],
        explanations: Sequence[Sequence[Explanation]],
        masks: Sequence[np.ndarray | None] | None,
        progress: Progress,
    ) -> tuple[list[dict[str, Any]], Sequence[Sequence[Explanation]]]:
        """Judge all maps; a method that fails only now is left out, with what it said before."""
        while True:
            with self.leaving_out(progress):
                return self._judge(images, targets, explanations, masks), explanations
            explanations = [
                [one for one in said if one.method not in self.faults] for said in explanations
            ]

    def _judge(
        self,
        images: Images,
        targets: Sequence[int],
        explanations: Sequence[Sequence[Explanation]],
        masks: Sequence[np.ndarray | None] | None,
    ) -> list[dict[str, Any]]:
        if not self.trust:
            return [{} for _ in targets]
        masks = self._lungs_of(images, masks)
        return judge_maps(
            self.run,
            self.classifier,
            images,
            targets,
            explanations,
            self.explainers,
            self.options,
            self.reference,
            masks=masks,
            seconds=self.budget,
        )

    def _lungs_of(
        self, images: Images, masks: Sequence[np.ndarray | None] | None
    ) -> Sequence[np.ndarray | None] | None:
        """Return the masks that were given, and where there is none what the localiser finds."""
        if self.finder is None:
            return masks
        shown = self.finder(images.pixels)
        given = [None] * len(shown) if masks is None else masks
        return [
            guessed if known is None else known for guessed, known in zip(shown, given, strict=True)
        ]

    def _shown(self, method: str, judged: Mapping[str, Any]) -> bool:
        """Tell whether a map is shown: one that ignores the weights only when asked for by name."""
        return self.named or method not in judged or judged[method].depends
