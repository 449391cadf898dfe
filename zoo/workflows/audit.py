"""Measure the explanation methods of a run on a sample of a data set, and rank them.

`write` leaves in a folder

    report.html   everything on one page
    audit.json    the numbers (schema 1), see `zoo.interpret.trust.ranking.Audit`
    ranking.png   the ranking
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.explanations import Explanation
from zoo.base.files import write_bytes, write_json, write_text
from zoo.base.locks import in_turn
from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST, Images, Sample
from zoo.data.masks import find_masks as find_masks
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview.sampling import Batch, Reader, stratified
from zoo.interpret.trust import perturbation, randomisation, stability
from zoo.interpret.trust.controls import controls
from zoo.interpret.trust.localisation import located
from zoo.interpret.trust.panel import maps_by_method, scores_of
from zoo.interpret.trust.ranking import LOCATED, TESTS, Audit, Key, Measurements, standings
from zoo.interpret.trust.seen import seen_by
from zoo.report.facts import facts
from zoo.report.pages.audit import audit_page, ranking_figure
from zoo.runs.run_folder import Run
from zoo.runs.selection import Selection, open_selection

SAMPLE = 100
STABILITY_SAMPLE = 20
"""Images that each method explains again to see whether its maps are stable."""
PAGE, DATA, FIGURE = "report.html", "audit.json", "ranking.png"

Maps = dict[str, np.ndarray]
Measures = dict[Key, dict[str, np.ndarray]]


def audit(
    run: Run,
    source: str | None = None,
    *,
    sample: int = SAMPLE,
    methods: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    masks: str | Path | None = None,
    registry: Registry | None = None,
    skip_broken: bool = False,
    steps: int = perturbation.STEPS,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Audit:
    """Measure how far each method's maps can be believed, on images that the run has not seen.

    Of the run's own data (default) its test part is used, of other data all that it was not
    trained on; `sample` images of them, evenly of each class. `methods` names explainers (default:
    all that can explain it), `changes` sets their options; `masks` is a folder of lung masks, named
    as the images. Where the data know the place of a finding, maps are compared with it; there the
    true class is explained, everywhere else the one that is called.

    Raises:
        ZooError: the run, the data, a method or an option cannot be used.

    Example:
        >>> audit = zoo.audit(run, methods=["gradcam"], sample=4)
        >>> [standing.name for standing in audit.standings if not standing.control]
        ['gradcam']
    """
    registry = registry or load_registry()
    interpreter = Interpreter(
        run, methods=methods, every=not methods, changes=changes, registry=registry, trust=False
    )
    selection = open_selection(
        run, registry, source, TEST, skip_broken=skip_broken, progress=progress
    )
    chosen = stratified(selection.samples, sample, seed)
    lungs = None if masks is None else find_masks(Path(masks), chosen)
    reader = Reader(selection.verified, lungs, interpreter.classifier.input_shape)
    work = _Work(interpreter, selection, chosen, steps, seed, progress)
    progress.start("auditing", len(chosen) * (len(interpreter.explainers) + 1))
    try:
        measured = [work.measure(batch) for batch in reader.batches(chosen)]
    finally:
        progress.stop()
    measurements = _joined(measured, chosen, work.random, interpreter.faults)
    ranked, best = standings(measurements, scores_of(run), seed)
    known = np.isfinite(next(iter(measurements.values.values()))["area"])
    inside = np.isfinite(next(iter(measurements.values.values()))["lungs_area"])
    return Audit(
        run=run.name,
        source=source or run.record["data"]["source"],
        own=selection.own,
        notes=(*selection.notes.told(), *interpreter.faults.values()),
        images=len(chosen),
        available=len(selection.samples),
        patients=len({one.patient for one in chosen}),
        right=int(measurements.right.sum()),
        located={"right": int((known & measurements.right).sum()), "all": int(known.sum())},
        lungs=int(inside.sum()),
        steps=steps,
        seed=seed,
        synthetic=selection.verified.dataset.synthetic,
        best=best,
        standings=ranked,
        options={name: interpreter.options[name] for name in work.random},
    )


def write_audit(audit: Audit, folder: Path, run: Run) -> Path:
    """Write the page, the figure and the numbers into a folder; return the page."""
    with in_turn(folder):
        if (picture := ranking_figure(audit)) is not None:
            write_bytes(folder / FIGURE, picture)
        write_text(folder / PAGE, audit_page(audit, information=facts(run)))
        write_json(folder / DATA, audit.to_record())
    return folder / PAGE


class _Work:
    """What is measured of a batch, and once of each method."""

    def __init__(
        self,
        interpreter: Interpreter,
        selection: Selection,
        chosen: Sequence[Sample],
        steps: int,
        seed: int,
        progress: Progress,
    ) -> None:
        self.progress = progress
        self.interpreter, self.classifier = interpreter, interpreter.classifier
        self.dataset = selection.verified.dataset
        self.samples = {one.name: one for one in chosen}
        self.repeated = {one.name for one in stratified(chosen, STABILITY_SAMPLE, seed)}
        self.steps, self.seed = steps, seed
        self.random: dict[str, randomisation.Randomisation | None] = {}

    def measure(self, batch: Batch) -> tuple[Measures, np.ndarray]:
        """Return every measure of every map, `(batch,)`, and which images are called right."""
        images, interpreter = batch.images, self.interpreter
        targets = interpreter.targets(interpreter.answer(images))
        maps = _maps(interpreter.explanations(images, targets, self.progress))
        if not self.random:
            self._randomise(list(maps), images, targets)
        seen = seen_by(self.classifier, images.pixels)
        chance = controls(seen.pixels, self.seed)
        drawn = {name: np.nan_to_num(values) for name, values in maps.items()}
        place, pixels = self.classifier.place, images.pixels
        keyed: dict[Key, np.ndarray] = {(False, name): values for name, values in drawn.items()}
        keyed |= {(True, name): place(values, pixels) for name, values in chance.items()}
        in_boxes = {(False, name): seen.maps(values) for name, values in drawn.items()}
        in_boxes |= {(True, name): values for name, values in chance.items()}
        right = np.array(targets) == np.array(batch.labels)
        findings = self._findings(images)
        explained = self._of_true_class(batch, keyed, right, findings)
        measures: Measures = defaultdict(dict)
        for key, faithful in perturbation.perturbation_test(
            seen.classifier, seen.pixels, targets, in_boxes, steps=self.steps, seed=self.seed
        ).items():
            for test in TESTS:
                measures[key][test] = np.array([getattr(one, test) for one in faithful])
        lungs = seen.masks(batch.lungs)
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

    def _randomise(self, methods: Sequence[str], images: Images, targets: Sequence[int]) -> None:
        """Compare maps with those of random networks: once a run, and kept in its folder."""
        of = self.interpreter
        copies = randomisation.copies_of(self.classifier, images, of.reference)
        for method in methods:
            with of.leaving_out(self.progress):
                self.random[method] = randomisation.of_run(
                    of.run,
                    of.registry.explainer(method),
                    of.options[method],
                    self.classifier,
                    images,
                    targets,
                    of.reference,
                    copies,
                )

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


def _joined(
    measured: Sequence[tuple[Measures, np.ndarray]],
    chosen: Sequence[Sample],
    random: Mapping[str, randomisation.Randomisation | None],
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
        random=random,
    )
