"""Measure a trained network and keep all that using it needs in its run folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo import baselines, operating, outputs, reference, runs
from zoo.alarms import collapsed, gaps
from zoo.assessment import assess, score_baselines
from zoo.calibration import fit_temperature
from zoo.checkpoint import TrainingState
from zoo.classifier import TrainedClassifier, softmax
from zoo.environment import peak_memory
from zoo.history import write_history
from zoo.metrics import training_metrics
from zoo.outputs import Outputs
from zoo.pipeline import batches
from zoo.report.card import model_card
from zoo.report.figures import learning_curves
from zoo.runs import Run
from zoo.session import Session
from zoo.storage import write_bytes, write_json, write_text
from zoo.types import SPLITS, TEST, TRAIN, VALIDATION, Reference


def finish(
    session: Session, record: Mapping[str, Any], path: Path, state: TrainingState, seconds: float
) -> Run:
    """Measure the network on the three parts and write the finished run.

    `record` is what was known before the training, `seconds` is how long the training took.
    """
    answers = {part: answers_of(session, part) for part in SPLITS}
    temperature, point = tune(answers[VALIDATION], session)
    measured = _measure(session, answers, temperature, point, path)
    write_json(path / runs.METRICS, {"schema": runs.SCHEMA, **measured})
    runs.save_model(path, session.model)
    outputs.save(path / runs.VALIDATION, answers[VALIDATION])
    reference.save(path / runs.CASES, _reference(session))
    write_history(path / runs.HISTORY, state.history)
    if curves := learning_curves(state.history, state.best_epoch):
        write_bytes(path / runs.CURVES, curves)
    complete = {
        **record,
        "calibration": {"temperature": temperature, "fitted on": VALIDATION},
        "operating_point": point,
        "training": {
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "seconds": round(seconds, 1),
            "peak_memory_mb": peak_memory(),
        },
        "alarms": [asdict(alarm) for alarm in session.alarms.values()],
    }
    run = runs.finish(path, complete)
    write_text(path / runs.CARD, model_card(run))
    return run


def answers_of(session: Session, part: str) -> Outputs:
    """Return what the trained network answers to a part of its data."""
    samples = session.parts[part]
    return outputs.gather(session.logits(part), samples)


def tune(validation: Outputs, session: Session) -> tuple[float, dict[str, Any] | None]:
    """Choose the temperature, and with two classes the operating point, on the validation part."""
    temperature = fit_temperature(validation.logits, validation.labels)
    if validation.logits.shape[1] != 2:
        return temperature, None
    positive = session.positive
    point = operating.choose(
        validation.labels == positive,
        softmax(validation.logits / temperature)[:, positive],
        validation.patients,
        session.plan.recipe.sensitivity or None,
    )
    return temperature, point


def _measure(
    session: Session,
    answers: Mapping[str, Outputs],
    temperature: float,
    point: Mapping[str, Any] | None,
    path: Path,
) -> dict[str, Any]:
    """Score the three parts with the best weights, and compare them with each other."""
    dataset, positive = session.verified.dataset, session.positive
    names = dataset.class_names
    session.alarms.pop("collapsed", None)  # it counts for the weights that are kept
    train = answers[TRAIN]
    scores = training_metrics(train.labels, softmax(train.logits / temperature), positive)
    result: dict[str, Any] = {TRAIN: {k: v if np.isfinite(v) else None for k, v in scores.items()}}
    seen = baselines.measure(dataset, session.parts[TRAIN], progress=session.progress)
    truth = train.labels == positive
    fitted = {name: baselines.fit(values, truth) for name, values in seen.items()}
    baselines.save(path / runs.BASELINES, fitted)
    for part in (VALIDATION, TEST):
        own = answers[part]
        result[part] = assess(own, names, positive, temperature, point)
        measured = baselines.measure(dataset, session.parts[part], progress=session.progress)
        result[part]["baselines"] = score_baselines(
            fitted, measured, own.labels == positive, own.patients
        )
        probabilities = softmax(own.logits / temperature)
        session.raise_alarms(collapsed(probabilities, own.labels, names))
    areas = [result[part]["metrics"]["roc_auc"]["value"] for part in (VALIDATION, TEST)]
    session.raise_alarms(gaps(result[TRAIN]["roc_auc"], *areas))
    return result


def _reference(session: Session) -> Reference:
    dataset, plan, train = session.verified.dataset, session.plan, session.split.train
    chosen = reference.choose(train, plan.recipe.cases, plan.recipe.seed)
    cases = [train[i] for i in chosen]
    known = session.cached_embeddings(TRAIN)
    if known is not None:
        embeddings = known[chosen]
    else:
        classifier = TrainedClassifier(session.model, dataset.class_names, session.positive)
        streamed = batches(dataset, cases, plan.input_shape)
        embeddings = np.concatenate([classifier.embeddings(b.numpy()) for b in streamed])
    return Reference(
        embeddings=embeddings,
        labels=session.labels[TRAIN][chosen],
        names=tuple(s.name for s in cases),
        patients=tuple(s.patient for s in cases),
        digests=tuple(session.digests(cases)),
        thumbnails=reference.thumbnails(dataset, cases),
    )
