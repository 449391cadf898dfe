"""Measure a finished run on a part of its own data, or on other data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import InvalidSetting
from zoo.base.explanations import Reference
from zoo.base.files import write_bytes, write_json, write_text
from zoo.base.listeners import listener
from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST, TRAIN
from zoo.checks.shift import Side, shift_between
from zoo.data.grouping import group_samples
from zoo.network.engines.engine import KERAS
from zoo.report.facts import facts
from zoo.report.pages.card import model_card
from zoo.report.pages.evaluation import evaluation_page, figures
from zoo.runs import engine_choice, model_file, run_folder
from zoo.runs.answering import decision_of, gate_of, operating_point, validation_shares
from zoo.runs.decision import UNCERTAIN, UNKNOWN
from zoo.runs.diagnosis import diagnose
from zoo.runs.history import read_history
from zoo.runs.novelty import Gate
from zoo.runs.outputs import Outputs
from zoo.runs.result_folder import result_folder, source_of
from zoo.runs.run_baselines import run_baselines
from zoo.runs.run_folder import Run
from zoo.runs.selection import Selection, open_selection
from zoo.stats.assessment import assess
from zoo.stats.delong import share
from zoo.stats.labelled_logits import LabelledLogits, gather
from zoo.stats.prevalence import stated_shares
from zoo.stats.probabilities import softmax
from zoo.workflows.by_group import scores_by_group
from zoo.workflows.top_losses import top_losses

TRAINED, OTHER = "training cases", "these data"


@dataclass(frozen=True, repr=False)
class Evaluation(Tabled, Drawn):
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
    by: str | Sequence[str] = (),
    skip_broken: bool = False,
    engine: str = KERAS,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Score a run on the part `split` of its own data, or on the data set `source`.

    Of other data everything is used that the run has not been trained or tuned on; the source's
    own part `split` where it has one. `sensitivity` chooses another threshold on the validation
    part, for this evaluation alone. `prevalence` is the share of the positive class for which
    predictive values are told. `by` names columns of the data (view, sex, age), or 'prefix' for
    how files are named: each group is scored by itself and compared. `engine` answers, as in
    `predict`; maps are Keras's. Scores, pictures and a page
    are written into the run folder.

    Raises:
        ZooError: the part or the data cannot be used, or have no such column.

    Example:
        >>> scores = zoo.evaluate(run).result
        >>> list(scores["metrics"]["roc_auc"])
        ['value', 'low', 'high', 'note']
        >>> [by_marker] = zoo.evaluate(run, by="marker").result["groups"]
        >>> by_marker["column"], list(by_marker["gaps"])[:3]
        ('marker', ['roc_auc', 'sensitivity', 'specificity'])
    """
    progress = listener(progress)
    registry = registry or load_registry()
    engine_choice.check(engine)
    columns = (by,) if isinstance(by, str) else tuple(dict.fromkeys(by))
    point = operating_point(run, sensitivity)
    selection = open_selection(
        run, registry, source, split, columns, skip_broken=skip_broken, progress=progress
    )
    groupings = [group_samples(selection.verified.dataset, selection.samples, c) for c in columns]
    classifier = model_file.load_classifier(run)
    dataset, samples = selection.verified.dataset, selection.samples
    cases = run_folder.load_reference(run)
    given = engine_choice.outputs(run, engine, classifier, dataset, samples, cases, point, progress)
    answers = gather(given.logits, samples)
    result: dict[str, Any] = {
        **assess(answers, run.class_names, classifier.positive, run.temperature, point),
        "source": source_of(run, source),
        "own": selection.own,
        "baselines": run_baselines(run, dataset, samples, answers, progress),
        "refusals": _refusals(run, answers, given, gate_of(run, cases), point),
    }
    if not selection.own:
        result["difference"] = data_difference(run, cases, answers, given.embeddings, progress)
    result["prevalence"] = at_prevalence(result, run, prevalence)
    result["groups"] = scores_by_group(run, answers, groupings, result["threshold"])
    losses = top_losses(run, classifier, selection, answers, result["threshold"], registry, cases)
    kept, file = run.path / run_folder.EVALUATIONS, run_folder.METRICS
    with result_folder(kept, run, source, file, own=split, ending=f"-{split}") as folder:
        _write(folder, run, result, selection, losses)
    return Evaluation(result, selection.notes.told(), folder)


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
    detected, spared = (result["metrics"][name]["value"] for name in ("sensitivity", "specificity"))
    values: dict[str, float | None] = {
        "stated": stated,
        "validation": shares[positive],
        "sensitivity": detected,
        "specificity": spared,
        "ppv": None,
        "npv": None,
    }
    if detected is None or spared is None:
        return values
    alarms = stated * detected + (1 - stated) * (1 - spared)
    cleared = (1 - stated) * spared + stated * (1 - detected)
    values["ppv"] = stated * detected / alarms if alarms else None
    values["npv"] = (1 - stated) * spared / cleared if cleared else None
    return values


def _refusals(
    run: Run,
    answers: LabelledLogits,
    given: Outputs,
    gate: Gate,
    point: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Return which shares of the images are refused, and how often the rest is called right."""
    probabilities = softmax(answers.logits / run.temperature)
    distances = gate.distances([given.embeddings, given.shapes])
    verdicts = decision_of(run, point).decide(probabilities, distances, given.boxes)
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
    losses: Sequence[Mapping[str, Any]],
) -> None:
    dataset = selection.verified.dataset
    history = read_history(run.path / run_folder.HISTORY)
    best_epoch = run.record["training"]["best_epoch"]
    drawn = figures(result, history, best_epoch)
    for picture_by_group in folder.glob("*-by-*.png"):
        picture_by_group.unlink()  # of columns that were asked for before
    for title, picture in drawn.items():
        write_bytes(folder / f"{title}.png", picture.png())
    write_json(
        folder / run_folder.METRICS, result
    )  # first: a score on other data may hold the run back
    page = evaluation_page(
        result,
        title=f"{run.name} on {folder.name}",
        drawn=drawn,
        history=history,
        best_epoch=best_epoch,
        causes=diagnose(run),
        alarms=run.alarms,
        information=facts(run),
        notes=(*selection.notes.told(), *(() if selection.own else dataset.notes)),
        top_losses=losses,
        synthetic=dataset.synthetic,
    )
    write_text(folder / "report.html", page)
    write_text(run.path / run_folder.CARD, model_card(run))  # it tells of other data and of groups


def data_difference(
    run: Run,
    cases: Reference,
    outputs: LabelledLogits,
    embeddings: np.ndarray,
    progress: Progress = SILENT,
) -> dict[str, Any]:
    """Compare images with the training cases that a run keeps.

    `embeddings` is `(images, features)`, in the order of `outputs`. Returns the class shares of
    both and how well a classifier on embeddings tells them apart: {prior: {run, data}, shift_auc,
    names, sentence}.
    """
    names = run.class_names
    there = Side(
        TRAINED,
        cases.embeddings,
        cases.labels,
        np.array(cases.patients),
        np.array(cases.names),
        names,
    )
    here = Side(OTHER, embeddings, outputs.labels, outputs.patients, outputs.names, names)
    entry, _ = shift_between(there, here, progress)
    counts = run.record["splits"][TRAIN]["classes"]
    return {
        "prior": {
            "run": {n: c / sum(counts) for n, c in zip(names, counts, strict=True)},
            "data": entry["prior"][OTHER],
        },
        "shift_auc": entry["roc_auc"],
        "names": entry["names"],
        "sentence": difference_sentence(entry["roc_auc"]),
    }


def difference_sentence(area: dict[str, Any]) -> str:
    """Say in plain words how far the images can be told from the training cases."""
    if area["value"] is None:
        return "Whether these images look like the training cases could not be measured."
    written = f"ROC-AUC {area['value']:.3f}, where 0.5 is no difference"
    if area["low"] is None or area["low"] <= 0.5:
        return f"These images cannot be told from the training cases ({written})."
    if area["value"] < 0.75:
        return f"These images differ a little from the training cases ({written})."
    return f"These images look unlike the training cases ({written}): the score is of another kind."
