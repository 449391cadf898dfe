"""Measure a finished run on a part of its own data, or on other data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo import metrics, runs
from zoo.calibration import assess
from zoo.classifier import TrainedClassifier, softmax
from zoo.errors import BadInput, InvalidSetting
from zoo.explaining import facts
from zoo.history import read_history
from zoo.pipeline import batches, reading_errors
from zoo.progress import SILENT, Progress, track
from zoo.registry import Registry, load
from zoo.report import figures
from zoo.report.pages import evaluation_page
from zoo.report.reliability import reliability_diagram
from zoo.runs import Run
from zoo.sources import parse
from zoo.storage import write_bytes, write_json, write_text
from zoo.types import SPLITS, TEST, Dataset, Sample
from zoo.verification import Verified, verify


@dataclass(frozen=True)
class Evaluation:
    """The scores, what was measured on, and where they were written."""

    result: Mapping[str, Any]
    notes: tuple[str, ...]
    folder: Path


def evaluate(
    run: Run,
    source: str | None = None,
    *,
    split: str = TEST,
    skip_broken: bool = False,
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Score a run on the part `split` of its own data, or on the data set `source`.

    Of other data everything is used that the run has not been trained or tuned on; the source's
    own part `split` where it has one. Scores, pictures and a page are written into the run folder.

    Raises:
        ZooError: the part or the data cannot be used.
    """
    if split not in SPLITS:
        raise InvalidSetting(f"There is no split '{split}'; expected one of: {', '.join(SPLITS)}.")
    registry = registry or load()
    data = run.record["data"]
    dataset = registry.dataset(source or data["source"])
    dataset = _with_classes_of(run, dataset)
    verified = verify(
        dataset, skip_broken=skip_broken or (not source and data["skip_broken"]), progress=progress
    )
    samples, notes = select(run, verified, split)
    for note in notes:
        progress.note(note)
    classifier = runs.load_classifier(run)
    logits = _logits(classifier, dataset, samples, progress)
    labels = np.array([s.label for s in samples])
    scores = metrics.evaluate(
        labels,
        softmax(logits / classifier.temperature),
        np.array([s.patient for s in samples]),
        run.class_names,
        classifier.positive,
    )
    result = {**scores, "calibration": assess(logits, labels, classifier.temperature)}
    name = split if source is None else f"{_written(source)}-{split}"
    folder = run.path / "evaluation" / name
    _write(folder, run, result, notes, dataset, name)
    return Evaluation(result, notes, folder)


def select(run: Run, verified: Verified, split: str) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    """Choose the samples to be scored, by content: file names and folders may have changed."""
    parts = {part: set(run.record["splits"][part]["members"]) for part in SPLITS}
    known = set.union(*parts.values())
    samples, digests = verified.dataset.samples, verified.digests
    own = [s for s in samples if digests[s.name] in known]
    if len(own) > len(samples) / 2:
        chosen = tuple(s for s in own if digests[s.name] in parts[split])
        note = f"{len(chosen)} images of the run's {split} part."
        if not chosen:
            raise BadInput(f"None of the images are in the {split} part of '{run.name}'.")
        return chosen, (note,)
    seen = parts["train"] | parts["validation"]
    has_part = any(s.split == split for s in samples)
    candidates = [s for s in samples if not has_part or s.split == split]
    chosen = tuple(s for s in candidates if digests[s.name] not in seen)
    if not chosen:
        raise BadInput(
            "The run was trained on every one of these images: nothing is left to score."
        )
    notes = [f"{len(chosen)} images the run has not seen, of other data than it was trained on."]
    if len(chosen) < len(candidates):
        notes.append(
            f"{len(candidates) - len(chosen)} images were left out: the run has seen them."
        )
    return chosen, tuple(notes)


def _written(source: str) -> str:
    """Name a source, its options included, in letters that every file system takes."""
    location, options = parse(source)
    parts = [Path(location).resolve().name, *(f"{key}-{value}" for key, value in options.items())]
    return re.sub(r"[^\w.-]+", "_", "-".join(parts))


def _with_classes_of(run: Run, dataset: Dataset) -> Dataset:
    """Number the classes as the run does.

    Raises:
        BadInput: the data have other classes.
    """
    if set(dataset.class_names) != set(run.class_names):
        raise BadInput(
            f"The data have the classes {', '.join(dataset.class_names)}; the run '{run.name}' "
            f"knows {', '.join(run.class_names)}. Rename the folders or labels to match."
        )
    order = [run.class_names.index(name) for name in dataset.class_names]
    samples = tuple(replace(s, label=order[s.label]) for s in dataset.samples)
    return replace(dataset, class_names=run.class_names, samples=samples)


def _logits(
    classifier: TrainedClassifier, dataset: Dataset, samples: Sequence[Sample], progress: Progress
) -> np.ndarray:
    streamed = batches(dataset, samples, classifier.input_shape)
    with reading_errors():
        logits = [
            classifier.logits(batch.numpy())
            for batch in track(progress, streamed, "evaluating", len(streamed))
        ]
    return np.concatenate(logits)


def _write(
    folder: Path,
    run: Run,
    result: Mapping[str, Any],
    notes: Sequence[str],
    dataset: Dataset,
    name: str,
) -> None:
    history = read_history(run.path / runs.HISTORY)
    best_epoch = run.record["training"]["best_epoch"]
    pictures = {
        "confusion_matrix": figures.confusion_matrix(result),
        "roc": figures.roc_curve(result),
        "precision_recall": figures.pr_curve(result),
        "reliability": reliability_diagram(result["calibration"]),
        "learning_curves": figures.learning_curves(history, best_epoch),
    }
    for title, picture in pictures.items():
        if picture is not None:
            write_bytes(folder / f"{title}.png", picture)
    page = evaluation_page(
        result,
        title=f"{run.name} on {name}",
        history=history,
        best_epoch=best_epoch,
        alarms=run.alarms,
        information=facts(run),
        notes=tuple(notes),
        synthetic=dataset.synthetic,
    )
    write_text(folder / "report.html", page)
    write_json(folder / runs.METRICS, result)
