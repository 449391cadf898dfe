"""Measure a trained network and keep all that using it needs in its run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.explanations import Reference
from zoo.base.files import write_json
from zoo.base.types import SPLITS, TEST, TRAIN, VALIDATION
from zoo.data import baseline_inputs, baselines
from zoo.data.baselines import score_baselines
from zoo.data.changes import changed
from zoo.network import localiser
from zoo.runs import model_file, novelty, reference, run_folder
from zoo.runs.decision import Decision
from zoo.runs.novelty import Gate
from zoo.runs.outputs import Outputs
from zoo.runs.run_folder import Run
from zoo.stats import conformal, labelled_logits
from zoo.stats.alarms import collapsed, data_changed, gaps
from zoo.stats.assessment import assess
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import decide, softmax
from zoo.training.trained import Trained
from zoo.training.tuning import VIEWS, Tuned, tune, under_stress


def finish(trained: Trained, record: Mapping[str, Any], path: Path) -> Run:
    """Measure the network on the three parts, write its files and return the run as it will be.

    `record` is what is known of it already. It is not done yet: `run_folder.mark_done` comes last,
    when all that is drawn of it is written too.
    """
    given = {part: trained.outputs(part) for part in SPLITS}
    answers = {
        part: labelled_logits.gather(given[part].logits, trained.parts[part]) for part in SPLITS
    }
    stressed = under_stress(trained)
    tuned = tune(answers[VALIDATION], stressed.answers, trained.classifier.positive, trained.recipe)
    measured = _measure(trained, answers, tuned, path)
    write_json(path / run_folder.METRICS, {"schema": run_folder.SCHEMA, **measured})
    model_file.save_model(path, trained.classifier.model)
    labelled_logits.save(path / run_folder.VALIDATION, answers[VALIDATION])
    labelled_logits.save(path / run_folder.STRESSED, stressed.answers)
    labelled_logits.save(path / run_folder.TESTED, answers[TEST])
    found_by = _localiser(trained, path)
    cases = _reference(trained, given)
    reference.save(path / run_folder.CASES, cases)
    gate = _gate(cases, given[VALIDATION], stressed.outputs)
    verified = trained.verified
    altered = changed(verified.dataset, verified.digests, verified.stamps)
    trained.alarms.extend(data_changed(altered, len(verified.dataset.samples)))
    both = labelled_logits.alike(answers[VALIDATION], stressed.answers)
    complete = {
        **record,
        "calibration": {
            "temperature": tuned.temperature,
            "fitted on": f"{VALIDATION}, as it is and stressed",
        },
        "operating_point": tuned.point,
        "gate": gate.to_record(),
        "decision": _decision(trained, both, tuned, gate).to_record(),
        "localiser": found_by,
        "alarms": [asdict(alarm) for alarm in trained.alarms.kept.values()],
    }
    return run_folder.completed(path, complete)


def _measure(
    trained: Trained, answers: Mapping[str, LabelledLogits], tuned: Tuned, path: Path
) -> dict[str, Any]:
    """Score the three parts with the best weights, and compare them with each other."""
    dataset, positive = trained.verified.dataset, trained.classifier.positive
    names, temperature, point = trained.classifier.class_names, tuned.temperature, tuned.point
    trained.alarms.kept.pop("collapse", None)  # it counts for the weights that are kept
    train = answers[TRAIN]
    scores = training_metrics(train.labels, softmax(train.logits / temperature), positive)
    result: dict[str, Any] = {TRAIN: {k: v if np.isfinite(v) else None for k, v in scores.items()}}
    seen = baseline_inputs.baseline_inputs(dataset, trained.parts[TRAIN], progress=trained.progress)
    truth = baselines.asked(train.labels, positive, len(names))
    fitted = {name: baselines.fit_baseline(values, truth) for name, values in seen.items()}
    baselines.save(path / run_folder.BASELINES, fitted)
    for part in (VALIDATION, TEST):
        answered = answers[part]
        result[part] = assess(answered, names, positive, temperature, point)
        measured = baseline_inputs.baseline_inputs(
            dataset, trained.parts[part], progress=trained.progress
        )
        truth = baselines.asked(answered.labels, positive, len(names))
        result[part]["baselines"] = score_baselines(fitted, measured, truth, answered.patients)
        probabilities = softmax(answered.logits / temperature)
        called = decide(probabilities, positive, point["threshold"] if point else None)
        trained.alarms.extend(collapsed(called, answered.labels, names, part, trained.conditions))
    held, new = (result[part]["metrics"]["roc_auc"] for part in (VALIDATION, TEST))
    trained.alarms.extend(gaps(result[TRAIN]["roc_auc"], held, new, trained.conditions))
    return result


def _gate(cases: Reference, held: Outputs, stressed: Outputs) -> Gate:
    """Set the limits by the validation images, as they are and stressed: both count alike."""
    joined = [
        np.concatenate([*[plain] * VIEWS, under])
        for plain, under in (
            (held.embeddings, stressed.embeddings),
            (held.shapes, stressed.shapes),
        )
    ]
    return novelty.fit_gate(novelty.spaces(cases), joined)


def _decision(trained: Trained, validation: LabelledLogits, tuned: Tuned, gate: Gate) -> Decision:
    probabilities, point = softmax(validation.logits / tuned.temperature), tuned.point
    return Decision(
        class_names=trained.classifier.class_names,
        positive=trained.classifier.positive,
        threshold=point["threshold"] if point else None,
        limits=conformal.limits(probabilities, validation.labels, views=2 * VIEWS),
        gate_limit=gate.limit,
        frame=trained.framing.name,
        subject=trained.verified.dataset.subject,
    )


def _localiser(trained: Trained, path: Path) -> dict[str, Any] | None:
    """Keep what found the frames, or will find what heat maps are judged by; say how good it is."""
    known = trained.framing.localiser
    if known is None:
        return None
    localiser.save(path / run_folder.LOCALISER, known)
    return {
        "dice": known.dice,
        "overlap": known.overlap,
        "masks": known.masks,
        "attribution": known.attribution,
    }


def _reference(trained: Trained, given: Mapping[str, Outputs]) -> Reference:
    dataset, recipe, train = trained.verified.dataset, trained.recipe, trained.parts[TRAIN]
    chosen = reference.choose_cases(train, recipe.cases, recipe.seed)
    cases = [train[i] for i in chosen]
    pictures: tuple[bytes, ...] = ()
    if recipe.pictures:
        pictures = reference.thumbnails(dataset, cases, trained.progress)
    return Reference(
        embeddings=given[TRAIN].embeddings[chosen],
        labels=trained.labels[TRAIN][chosen],
        names=tuple(s.name for s in cases),
        patients=tuple(s.patient for s in cases),
        digests=tuple(trained.digests(cases)),
        thumbnails=pictures,
        shapes=given[TRAIN].shapes[chosen],
        held_embeddings=given[VALIDATION].embeddings,
        held_labels=trained.labels[VALIDATION],
    )
