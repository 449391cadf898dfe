"""Measure the explanation methods of a run on a sample of a data set, and rank them.

`write_audit` leaves in a folder

    report.html   everything on one page
    audit.json    the numbers (schema 2), see `zoo.interpret.trust.ranking.Audit`
    ranking.png   the ranking
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.files import write_bytes, write_json, write_text
from zoo.base.listeners import listener
from zoo.base.locks import in_turn
from zoo.base.progress import Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST
from zoo.data.masks import find_masks
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview.sampling import Reader, stratified
from zoo.interpret.trust import perturbation
from zoo.interpret.trust.panel import scores_of
from zoo.interpret.trust.ranking import Audit, standings
from zoo.report.facts import facts
from zoo.report.pages.audit import audit_page, ranking_figure
from zoo.runs.result_folder import source_of
from zoo.runs.run_folder import MODEL, Run
from zoo.runs.selection import open_selection
from zoo.workflows.auditor import Auditor, joined

SAMPLE = 100
PAGE, DATA, FIGURE = "report.html", "audit.json", "ranking.png"


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
    progress: Progress | None = None,
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
    progress = listener(progress)
    registry = registry or load_registry()
    interpreter = Interpreter(
        run, methods=methods, every=not methods, changes=changes, registry=registry, trust=False
    )
    selection = open_selection(
        run, registry, source, TEST, skip_broken=skip_broken, progress=progress
    )
    chosen = stratified(selection.samples, sample, seed)
    lungs, dataset = None, selection.verified.dataset
    if masks is not None:
        lungs = find_masks(Path(masks), chosen, dataset.digest, beside=dataset.samples)
    reader = Reader(selection.verified, lungs, interpreter.classifier.input_shape)
    auditor = Auditor(interpreter, selection, chosen, steps, seed, masks is not None, progress)
    progress.start("auditing", len(chosen) * (len(interpreter.explainers) + 1))
    try:
        measured = [auditor.measure(batch) for batch in reader.batches(chosen)]
    finally:
        progress.stop()
    measurements = joined(measured, chosen, auditor, interpreter.faults)
    inside = np.isfinite(next(iter(measurements.values.values()))["lungs_area"])
    return Audit(
        run=run.name,
        network=run.record.get("files", {}).get(MODEL, ""),
        source=source_of(run, source),
        own=selection.own,
        notes=(*selection.notes.told(), *interpreter.faults.values()),
        images=len(chosen),
        available=len(selection.samples),
        patients=len({one.patient for one in chosen}),
        right=int(measurements.right.sum()),
        located={name: int(among.sum()) for name, among in measurements.groups().items()},
        lungs=int(inside.sum()),
        steps=steps,
        seed=seed,
        synthetic=selection.verified.dataset.synthetic,
        standings=standings(measurements, scores_of(run), seed),
        options={name: interpreter.options[name] for name in auditor.random},
    )


def write_audit(audit: Audit, folder: Path, run: Run) -> Path:
    """Write the page, the figure and the numbers into a folder; return the page."""
    with in_turn(folder):
        if (picture := ranking_figure(audit)) is not None:
            write_bytes(folder / FIGURE, picture.png())
        write_text(folder / PAGE, audit_page(audit, information=facts(run)))
        write_json(folder / DATA, audit.to_record())
    return folder / PAGE
