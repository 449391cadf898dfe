"""Measure a finished run on a part of its own data, or on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import baselines, novelty, runs
from zoo.answering import decision_of, gate_of
from zoo.assessment import assess, score_baselines
from zoo.classifier import TrainedClassifier, softmax
from zoo.decision import UNCERTAIN, UNKNOWN
from zoo.difference import difference
from zoo.errors import InvalidSetting
from zoo.history import read_history
from zoo.leaderboard import share
from zoo.outputs import Outputs, gather
from zoo.pipeline import batches, reading_errors
from zoo.prevalence import stated_shares
from zoo.progress import SILENT, Progress, track
from zoo.registry import Registry, load
from zoo.report import figures
from zoo.report.card import model_card
from zoo.report.coverage_figure import coverage_figure
from zoo.report.decision_figure import decision_figure
from zoo.report.pages import evaluation_page
from zoo.report.reliability import reliability_diagram
from zoo.report.run_facts import facts
from zoo.runs import Run
from zoo.selection import Selection, open_selection
from zoo.sources import written
from zoo.storage import write_bytes, write_json, write_text
from zoo.thresholds import operating_point, validation_shares
from zoo.top_losses import top_losses
from zoo.types import TEST, Dataset, Sample


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
    sensitivity: float | None = None,
    prevalence: float | None = None,
    skip_broken: bool = False,
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Score a run on the part `split` of its own data, or on the data set `source`.

    Of other data everything is used that the run has not been trained or tuned on; the source's
    own part `split` where it has one. `sensitivity` chooses another threshold on the validation
    part, for this evaluation alone. `prevalence` is the share of the positive class for which
    predictive values are told. Scores, pictures and a page are written into the run folder.

    Raises:
        ZooError: the part or the data cannot be used.
    """
    registry = registry or load()
    point = operating_point(run, sensitivity)
    selection = open_selection(
        run, registry, source, split, skip_broken=skip_broken, progress=progress
    )
    classifier = runs.load_classifier(run)
    dataset, samples = selection.verified.dataset, selection.samples
    logits, embeddings, shapes = outputs_of(classifier, dataset, samples, progress)
    answers, cases = gather(logits, samples), runs.load_reference(run)
    result: dict[str, Any] = {
        **assess(answers, run.class_names, classifier.positive, run.temperature, point),
        "own": selection.own,
        "baselines": _baselines(run, selection, answers, progress),
        "refusals": _refusals(
            run, answers, gate_of(run, cases).distances([embeddings, shapes]), point
        ),
    }
    if not selection.own:
        result["difference"] = difference(run, cases, answers, embeddings)
    result["prevalence"] = at_prevalence(result, run, prevalence)
    losses = top_losses(run, classifier, selection, answers, result["threshold"], registry, cases)
    name = split if source is None else f"{written(source)}-{split}"
    folder = run.path / runs.EVALUATIONS / name
    _write(folder, run, result, selection, name, losses)
    return Evaluation(result, selection.notes, folder)


def at_prevalence(
    result: Mapping[str, Any], run: Run, stated: float | None
) -> dict[str, float | None] | None:
    """Return what a positive and a negative answer are worth where the class is so frequent.

    Sensitivity and specificity are those of the evaluation; None without a stated prevalence.

    Raises:
        InvalidSetting: more than two classes, or no share between 0 and 1.
    """
    if stated is None:
        return None
    positive = run.record["positive"]
    shares = validation_shares(run)
    stated_shares(stated, positive, shares)  # refuses what is no share
    if len(shares) != 2:
        raise InvalidSetting(
            f"A prevalence was given for {len(shares)} classes; predictive values need two."
        )
    found, spared = (result["metrics"][name]["value"] for name in ("sensitivity", "specificity"))
    values: dict[str, float | None] = {
        "stated": stated,
        "validation": shares[positive],
        "sensitivity": found,
        "specificity": spared,
        "ppv": None,
        "npv": None,
    }
    if found is None or spared is None:
        return values
    alarms = stated * found + (1 - stated) * (1 - spared)
    cleared = (1 - stated) * spared + stated * (1 - found)
    values["ppv"] = stated * found / alarms if alarms else None
    values["npv"] = (1 - stated) * spared / cleared if cleared else None
    return values


def _baselines(
    run: Run, selection: Selection, answers: Outputs, progress: Progress
) -> list[dict[str, Any]]:
    """Score the baselines that never see the lungs, as they were fitted with the run."""
    dataset, samples = selection.verified.dataset, selection.samples
    measured = baselines.measure(dataset, samples, progress=progress)
    return score_baselines(
        baselines.load(run.path / runs.BASELINES),
        measured,
        answers.labels == run.record["positive"],
        answers.patients,
    )


def outputs_of(
    classifier: TrainedClassifier, dataset: Dataset, samples: Sequence[Sample], progress: Progress
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return logits, embeddings and shapes of the samples, `(samples, …)` each, streamed."""
    streamed = batches(dataset, samples, classifier.input_shape)
    parts = []
    with reading_errors():
        for batch in track(progress, streamed, "evaluating", len(streamed)):
            pixels = batch.numpy()
            parts.append((*classifier.outputs(pixels), novelty.shapes(pixels)))
    logits, embeddings, shapes = (np.concatenate(part) for part in zip(*parts, strict=True))
    return logits, embeddings, shapes


def _refusals(
    run: Run, answers: Outputs, distances: np.ndarray, point: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return which shares of the images are refused, and how often the rest is called right."""
    probabilities = softmax(answers.logits / run.temperature)
    verdicts = decision_of(run, point).decide(probabilities, distances)
    refused = np.array([verdict.refused for verdict in verdicts])
    right = np.array([verdict.predicted for verdict in verdicts]) == answers.labels
    kept = share(right, refused == "", answers.patients)
    return {
        "unknown": float((refused == UNKNOWN).mean()),
        "uncertain": float((refused == UNCERTAIN).mean()),
        "accuracy_kept": kept.within(answers.patients),
        "images": len(refused),
    }


def _write(
    folder: Path,
    run: Run,
    result: Mapping[str, Any],
    selection: Selection,
    name: str,
    losses: Sequence[Mapping[str, Any]],
) -> None:
    history = read_history(run.path / runs.HISTORY)
    best_epoch = run.record["training"]["best_epoch"]
    pictures = {
        "confusion_matrix": figures.confusion_matrix(result),
        "roc": figures.roc_curve(result),
        "precision_recall": figures.pr_curve(result),
        "reliability": reliability_diagram(result["calibration"]),
        "coverage": coverage_figure(result["coverage"]),
        "decision_curve": (
            decision_figure(result["decision_curve"], run.class_names[result["positive"]])
            if result["decision_curve"]
            else None
        ),
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
        notes=selection.notes,
        top_losses=losses,
        synthetic=selection.verified.dataset.synthetic,
    )
    write_text(folder / "report.html", page)
    write_json(folder / runs.METRICS, result)
    if not selection.own:
        write_text(run.path / runs.CARD, model_card(run))  # it tells of every other data set
