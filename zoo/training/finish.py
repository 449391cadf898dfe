"""Measure a trained network and keep all that using it needs in its run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.environment import peak_memory
from zoo.base.explanations import Reference
from zoo.base.files import write_json
from zoo.base.progress import track
from zoo.base.types import SPLITS, TEST, TRAIN, VALIDATION
from zoo.data import baseline_inputs, baselines
from zoo.data.baselines import score_baselines
from zoo.data.pipeline import batches, reading_errors
from zoo.network import localiser
from zoo.runs import model_file, novelty, reference, run_folder
from zoo.runs.decision import Decision
from zoo.runs.history import write_history
from zoo.runs.novelty import Gate
from zoo.runs.outputs import Outputs, outputs_of
from zoo.runs.run_folder import Run
from zoo.stats import conformal, labelled_logits
from zoo.stats.alarms import collapsed, gaps
from zoo.stats.assessment import assess
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import decide, softmax
from zoo.training.checkpoint import TrainingState
from zoo.training.session import Session
from zoo.training.tuning import VIEWS, Tuned, tune, under_stress


def finish(
    session: Session, record: Mapping[str, Any], path: Path, state: TrainingState, seconds: float
) -> Run:
    """Measure the network on the three parts and write the finished run.

    `record` is what was known before the training, `seconds` is how long the training took.
    """
    given = {part: outputs_of_part(session, part) for part in SPLITS}
    answers = {
        part: labelled_logits.gather(given[part].logits, session.parts[part]) for part in SPLITS
    }
    stressed = under_stress(session)
    tuned = tune(answers[VALIDATION], stressed.answers, session)
    temperature, point = tuned.temperature, tuned.point
    measured = _measure(session, answers, temperature, point, path)
    write_json(path / run_folder.METRICS, {"schema": run_folder.SCHEMA, **measured})
    model_file.save_model(path, session.model)
    labelled_logits.save(path / run_folder.VALIDATION, answers[VALIDATION])
    labelled_logits.save(path / run_folder.STRESSED, stressed.answers)
    labelled_logits.save(path / run_folder.TESTED, answers[TEST])
    found_by = _localiser(session, path)
    cases = _reference(session, given)
    reference.save(path / run_folder.CASES, cases)
    gate = _gate(cases, given[VALIDATION], stressed.outputs)
    write_history(path / run_folder.HISTORY, state.history)
    complete = {
        **record,
        "calibration": {
            "temperature": temperature,
            "fitted on": f"{VALIDATION}, as it is and stressed",
        },
        "operating_point": point,
        "gate": gate.to_record(),
        "decision": _decision(
            session, labelled_logits.alike(answers[VALIDATION], stressed.answers), tuned, gate
        ).to_record(),
        "training": {
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "unused_phases": state.unused_phases,
            "seconds": round(seconds, 1),
            "peak_memory_mb": peak_memory(),
        },
        "localiser": found_by,
        "alarms": [asdict(alarm) for alarm in session.alarms.values()],
    }
    return run_folder.mark_done(path, complete)


def answers_of(session: Session, part: str) -> LabelledLogits:
    """Return what the trained network answers to a part of its data."""
    return labelled_logits.gather(session.logits(part), session.parts[part])


def outputs_of_part(session: Session, part: str) -> Outputs:
    """Return what the trained network gives to a part; known features are not computed again."""
    samples, dataset = session.parts[part], session.verified.dataset
    embeddings = session.cached_embeddings(part)
    if embeddings is None:
        title = f"measuring {part}"
        return outputs_of(session.classifier, dataset, samples, session.progress, title=title)
    streamed = batches(dataset, samples, session.input_shape)
    with reading_errors():
        shapes = [
            novelty.shapes(batch.numpy())
            for batch in track(session.progress, streamed, f"describing {part}", len(streamed))
        ]
    boxes = session.boxes(part)
    return Outputs(session.logits(part), embeddings, np.concatenate(shapes), boxes)


def _measure(
    session: Session,
    answers: Mapping[str, LabelledLogits],
    temperature: float,
    point: Mapping[str, Any] | None,
    path: Path,
) -> dict[str, Any]:
    """Score the three parts with the best weights, and compare them with each other."""
    dataset, positive = session.verified.dataset, session.positive
    names = session.class_names
    session.alarms.pop("collapse", None)  # it counts for the weights that are kept
    train = answers[TRAIN]
    scores = training_metrics(train.labels, softmax(train.logits / temperature), positive)
    result: dict[str, Any] = {TRAIN: {k: v if np.isfinite(v) else None for k, v in scores.items()}}
    seen = baseline_inputs.baseline_inputs(dataset, session.parts[TRAIN], progress=session.progress)
    truth = baselines.asked(train.labels, positive, len(names))
    fitted = {name: baselines.fit_baseline(values, truth) for name, values in seen.items()}
    baselines.save(path / run_folder.BASELINES, fitted)
    for part in (VALIDATION, TEST):
        answered = answers[part]
        result[part] = assess(answered, names, positive, temperature, point)
        measured = baseline_inputs.baseline_inputs(
            dataset, session.parts[part], progress=session.progress
        )
        truth = baselines.asked(answered.labels, positive, len(names))
        result[part]["baselines"] = score_baselines(fitted, measured, truth, answered.patients)
        probabilities = softmax(answered.logits / temperature)
        called = decide(probabilities, positive, point["threshold"] if point else None)
        session.raise_alarms(collapsed(called, answered.labels, names, part, session.conditions))
    held, new = (result[part]["metrics"]["roc_auc"]["value"] for part in (VALIDATION, TEST))
    session.raise_alarms(gaps(result[TRAIN]["roc_auc"], held, new, session.conditions))
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


def _decision(session: Session, validation: LabelledLogits, tuned: Tuned, gate: Gate) -> Decision:
    probabilities, point = softmax(validation.logits / tuned.temperature), tuned.point
    return Decision(
        class_names=session.class_names,
        positive=session.positive,
        threshold=point["threshold"] if point else None,
        limits=conformal.limits(probabilities, validation.labels),
        gate_limit=gate.limit,
        frame=session.framing.name,
        subject=session.verified.dataset.subject,
    )


def _localiser(session: Session, path: Path) -> dict[str, Any] | None:
    """Keep what found the frames, or will find what heat maps are judged by; say how good it is."""
    known = session.framing.localiser
    if known is None:
        return None
    localiser.save(path / run_folder.LOCALISER, known)
    return {
        "dice": known.dice,
        "overlap": known.overlap,
        "masks": known.masks,
        "attribution": known.attribution,
    }


def _reference(session: Session, given: Mapping[str, Outputs]) -> Reference:
    dataset, recipe, train = session.verified.dataset, session.plan.recipe, session.split.train
    chosen = reference.choose_cases(train, recipe.cases, recipe.seed)
    cases = [train[i] for i in chosen]
    return Reference(
        embeddings=given[TRAIN].embeddings[chosen],
        labels=session.labels[TRAIN][chosen],
        names=tuple(s.name for s in cases),
        patients=tuple(s.patient for s in cases),
        digests=tuple(session.digests(cases)),
        thumbnails=reference.thumbnails(dataset, cases) if recipe.pictures else (),
        shapes=given[TRAIN].shapes[chosen],
        held_embeddings=given[VALIDATION].embeddings,
        held_labels=session.labels[VALIDATION],
    )
