"""What an audit measures of each batch of images, for every method and every control."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from zoo.base.explanations import Explanation
from zoo.base.progress import Progress
from zoo.base.types import Images, Sample
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview.sampling import Batch, stratified
from zoo.interpret.trust import kept, perturbation, stability
from zoo.interpret.trust.controls import LUNGS, MOVED, controls, lung_maps, moved
from zoo.interpret.trust.localisation import located
from zoo.interpret.trust.panel import maps_by_method
from zoo.interpret.trust.randomisation import Randomisation, explaining_seconds, first
from zoo.interpret.trust.ranking import ELSEWHERE, LOCATED, TESTS, Key, Measurements
from zoo.interpret.trust.seen import Seen, seen_by
from zoo.runs import model_file
from zoo.runs.selection import Selection

STABILITY_SAMPLE = 20
"""Images that each method explains again to see whether its maps are stable."""

Maps = dict[str, np.ndarray]
Measures = dict[Key, dict[str, np.ndarray]]


class Auditor:
    """Measures each batch, and once each method."""

    def __init__(
        self,
        interpreter: Interpreter,
        selection: Selection,
        chosen: Sequence[Sample],
        steps: int,
        seed: int,
        masked: bool,
        progress: Progress,
    ) -> None:
        self.progress = progress
        self.interpreter, self.classifier = interpreter, interpreter.classifier
        self.dataset = selection.verified.dataset
        self.samples = {one.name: one for one in chosen}
        self.repeated = {one.name for one in stratified(chosen, STABILITY_SAMPLE, seed)}
        self.steps, self.seed = steps, seed
        self.random: dict[str, Randomisation | None] = {}
        self.seconds: dict[str, float] = {}
        self.finder = model_file.load_finder(interpreter.run)
        self.knows_lungs = masked or self.finder is not None

    def measure(self, batch: Batch) -> tuple[Measures, np.ndarray]:
        """Return every measure of every map, `(batch,)`, and which images are called right."""
        images, interpreter = batch.images, self.interpreter
        targets = interpreter.targets(interpreter.answer(images))
        maps = _maps(interpreter.explanations(images, targets, self.progress))
        if not self.random:
            self._randomise(list(maps), images, targets)
        seen = seen_by(self.classifier, images.pixels)
        lungs = seen.masks(batch.lungs)
        chance = controls(seen.pixels, self.seed) | self._lung_control(seen, images, lungs)
        drawn = {name: np.nan_to_num(values) for name, values in maps.items()}
        place, pixels = self.classifier.place, images.pixels
        keyed: dict[Key, np.ndarray] = {(False, name): values for name, values in drawn.items()}
        keyed |= {(True, name): place(values, pixels) for name, values in chance.items()}
        in_boxes = {(False, name): seen.maps(values) for name, values in drawn.items()}
        in_boxes |= {(True, name): values for name, values in chance.items()}
        right = np.array(targets) == np.array(batch.labels)
        findings = self._findings(images)
        explained = self._of_true_class(batch, keyed, right, findings)
        measures = self._faithful(seen, targets, in_boxes)
        for key, values in keyed.items():
            inside = located(in_boxes[key], lungs, ("inside", "area"))
            measures[key] |= {
                **located(explained[key], findings, LOCATED),
                "lungs": inside["inside"],
                "lungs_area": inside["area"],
                **self._stable(key, images, targets, values),
            }
        self.progress.advance(len(targets))
        return measures, right

    def _faithful(
        self, seen: Seen, targets: Sequence[int], in_boxes: Mapping[Key, np.ndarray]
    ) -> Measures:
        """Hide what each map marks, and the same places of the map when it is moved."""
        measures: Measures = defaultdict(dict)
        own = {(key, "own"): values for key, values in in_boxes.items()}
        elsewhere = {
            (key, MOVED): one
            for key, values in in_boxes.items()
            for one in moved(values, seen.pixels, self.seed, copies=1).values()
        }
        tested = perturbation.perturbation_test(
            seen.classifier,
            seen.pixels,
            targets,
            own | elsewhere,
            steps=self.steps,
            seed=self.seed,
        )
        for (key, place), faithful in tested.items():
            for test in TESTS:
                name = ELSEWHERE[test] if place == MOVED else test
                measures[key][name] = np.array([getattr(one, test) for one in faithful])
        return measures

    def _randomise(self, methods: Sequence[str], images: Images, targets: Sequence[int]) -> None:
        """Compare maps with those of random networks: once a run, and kept in its folder."""
        of, left = self.interpreter, list(methods)
        while left:
            with of.leaving_out(self.progress):
                explainers = [of.registry.explainer(method) for method in left]
                self.random = kept.of_run(
                    of.run,
                    explainers,
                    of.options,
                    self.classifier,
                    images,
                    targets,
                    of.reference,
                )
                one, target = first(images, targets, 1)
                self.seconds = {
                    explainer.name: explaining_seconds(
                        explainer,
                        of.options[explainer.name],
                        self.classifier,
                        one,
                        target,
                        of.reference,
                        calls=1,
                    )
                    for explainer in explainers
                }
                return
            left = [method for method in left if method not in of.faults]

    def _lung_control(self, seen: Seen, images: Images, given: Sequence[np.ndarray | None]) -> Maps:
        """Return the control that marks the middle of the lungs, where they are known or found.

        Where lungs are known at all every batch has it, also one in which none are.
        """
        if not self.knows_lungs:
            return {}
        if self.finder is not None and any(mask is None for mask in given):
            found = seen.masks(list(self.finder(images.pixels)))
            given = [
                guess if mask is None else mask for mask, guess in zip(given, found, strict=True)
            ]
        size = seen.pixels.shape[1:3]
        nowhere = np.zeros(size, bool)
        return {LUNGS: lung_maps([nowhere if mask is None else mask for mask in given])}

    def _findings(self, images: Images) -> list[np.ndarray | None]:
        """Return where the finding of each image is, None where there is none or it is unknown."""
        size, mask = self.classifier.input_shape[:2], self.dataset.mask
        if mask is None:
            return [None] * len(images.names)
        masks = [mask(self.samples[name], size) for name in images.names]
        return [place if place.any() else None for place in masks]

    def _of_true_class(
        self,
        batch: Batch,
        keyed: Mapping[Key, np.ndarray],
        right: np.ndarray,
        findings: Sequence[np.ndarray | None],
    ) -> Mapping[Key, np.ndarray]:
        """Explain the true class, too, of images with a finding that are called wrong."""
        wrong = [i for i, finding in enumerate(findings) if finding is not None and not right[i]]
        if not wrong:
            return keyed
        labels = [batch.labels[i] for i in wrong]
        again = _maps(self.interpreter.explanations(_some(batch.images, wrong), labels))
        explained = dict(keyed)
        for name, drawn in again.items():
            explained[False, name] = keyed[False, name].copy()
            explained[False, name][wrong] = np.nan_to_num(drawn)
        return explained

    def _stable(
        self, key: Key, images: Images, targets: Sequence[int], maps: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Explain some of the images again with noise, and with other random numbers."""
        control, method = key
        likeness = {name: np.full(len(targets), np.nan) for name in ("noise", "repeat")}
        rows = [i for i, name in enumerate(images.names) if name in self.repeated]
        if control or not rows:
            return likeness
        of = self.interpreter
        with of.leaving_out(self.progress):
            again = stability.stability_test(
                of.registry.explainer(method),
                of.options[method],
                self.classifier,
                _some(images, rows),
                [targets[i] for i in rows],
                of.reference,
                maps[rows],
                tries=1,
                repeats=1,
            )
            for name, values in likeness.items():
                values[rows] = [getattr(one, name) for one in again]  # None becomes NaN
        return likeness


def _maps(explanations: Sequence[Sequence[Explanation]]) -> Maps:
    """Stack the maps of each method that gives one for every image."""
    return {
        name: np.stack([one.values for one in of_method])
        for name, of_method in maps_by_method(explanations).items()
    }


def _some(images: Images, rows: Sequence[int]) -> Images:
    return replace(
        images,
        pixels=images.pixels[list(rows)],
        names=tuple(images.names[i] for i in rows),
        patients=tuple(images.patients[i] for i in rows),
        digests=tuple(images.digests[i] for i in rows),
    )


def joined(
    measured: Sequence[tuple[Measures, np.ndarray]],
    chosen: Sequence[Sample],
    auditor: Auditor,
    faults: Collection[str],
) -> Measurements:
    """Put the batches together; a method that was left out of one is left out of all."""
    first = measured[0][0]
    return Measurements(
        values={
            key: {name: np.concatenate([of[key][name] for of, _ in measured]) for name in values}
            for key, values in first.items()
            if key[0] or key[1] not in faults
        },
        patients=np.array([one.patient for one in chosen]),
        right=np.concatenate([right for _, right in measured]),
        random=auditor.random,
        seconds=auditor.seconds,
    )
