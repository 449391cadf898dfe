"""One training from verified data to a finished run folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo import graph, reference, runs
from zoo.alarms import Alarm, collapsed, constant_features, gaps
from zoo.calibration import assess, fit_temperature
from zoo.checkpoint import TrainingState
from zoo.classifier import TrainedClassifier, softmax
from zoo.environment import peak_memory, versions
from zoo.features import features
from zoo.history import write_history
from zoo.materials import OnFeatures, OnPixels
from zoo.metrics import evaluate, training_metrics
from zoo.pipeline import batches
from zoo.plan import Plan, build, positive_index, unfreeze
from zoo.progress import Progress
from zoo.report.figures import learning_curves
from zoo.runs import Run
from zoo.splits import Split, split
from zoo.storage import write_bytes, write_json
from zoo.trainer import Phase, fit
from zoo.types import SPLITS, TEST, TRAIN, VALIDATION, Reference, Sample
from zoo.verification import Verified

SETTLING_EPOCHS = 3
"""Epochs before a network that answers always the same is called collapsed."""


class Session:
    """One training from verified data to a finished run folder."""

    def __init__(self, plan: Plan, verified: Verified, progress: Progress) -> None:
        import keras

        self.plan, self.verified, self.progress = plan, verified, progress
        dataset, recipe = verified.dataset, plan.recipe
        self.positive = positive_index(dataset.class_names, plan.positive)
        self.split: Split = split(dataset, verified.digests, recipe.seed)
        self.alarms: dict[str, Alarm] = {}
        self._told: set[str] = set()
        for note in self.split.notes:
            progress.note(note)
        keras.utils.set_random_seed(recipe.seed)
        self.model = build(plan, len(dataset.class_names))
        self.boundary = graph.frozen_boundary(self.model)
        self.record: dict[str, Any] = self._record()

    def execute(self, path: Path, state: TrainingState) -> Run:
        """Train all phases from `state` on, measure, and write what the run folder holds."""
        began = time.monotonic()
        for index, phase in enumerate(self.phases()):
            if index < state.phase:
                continue
            if index > state.phase:
                state.phase, state.epoch, state.waited = index, 0, 0
                state.rate_factor, state.stopped = 1.0, False
            material = self._material(phase)
            fit(
                material,
                phase,
                self.plan.recipe,
                self.positive,
                state,
                path / runs.CHECKPOINT,
                self.progress,
                lambda s, p, y: self._after_epoch(path, s, p, y),
            )
        self._measure(path)
        self.record["training"] = {
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "seconds": round(time.monotonic() - began, 1),
            "peak_memory_mb": peak_memory(),
        }
        self.record["alarms"] = [asdict(alarm) for alarm in self.alarms.values()]
        runs.save_model(path, self.model)
        reference.save(path / runs.CASES, self._reference())
        write_history(path / runs.HISTORY, state.history)
        if curves := learning_curves(state.history, state.best_epoch):
            write_bytes(path / runs.CURVES, curves)
        return runs.finish(path, self.record)

    def phases(self) -> list[Phase]:
        """Return what is trained one after the other."""
        recipe = self.plan.recipe
        if self.boundary is None:
            return [Phase("network", recipe.epochs, recipe.learning_rate)]
        head = Phase("head", recipe.epochs, recipe.learning_rate)
        if not recipe.fine_tune_epochs:
            return [head]
        rate = recipe.fine_tune_learning_rate
        return [head, Phase("fine-tune", recipe.fine_tune_epochs, rate)]

    def _material(self, phase: Phase) -> OnPixels | OnFeatures:
        if phase.name == "head":
            self.material: OnPixels | OnFeatures = self._on_features()
        else:
            if phase.name == "fine-tune":
                unfreeze(self.model)
            dataset, train = self.verified.dataset, self.split.train
            self.material = OnPixels(
                self.model, dataset, train, self.split.validation, self._digests(train),
                self.plan.recipe,
            )  # fmt: skip
        return self.material

    def _on_features(self) -> OnFeatures:
        import keras

        recipe = self.plan.recipe
        backbone = keras.Model(self.model.input, self.boundary)
        head = keras.Model(self.boundary, self.model.output)
        views = recipe.views if recipe.augmentation != "none" else 1
        self.features = {
            part: features(
                backbone,
                self.verified.dataset,
                samples,
                self._digests(samples),
                views=views if part == TRAIN else 1,
                preset=recipe.augmentation,
                seed=recipe.seed,
                progress=self.progress,
                title=f"features of {part}",
            )
            for part, samples in self._parts().items()
        }
        self._raise_alarms(constant_features(self.features[TRAIN][:, 0]))
        labels = {part: _labels(samples) for part, samples in self._parts().items()}
        return OnFeatures(
            head,
            self.features[TRAIN],
            labels[TRAIN],
            self.features[VALIDATION][:, 0],
            labels[VALIDATION],
            len(self.verified.dataset.class_names),
            recipe,
        )

    def _after_epoch(
        self, path: Path, state: TrainingState, probabilities: np.ndarray, labels: np.ndarray
    ) -> None:
        write_history(path / runs.HISTORY, state.history, path / "logs")
        if len(state.history) >= SETTLING_EPOCHS:
            names = self.verified.dataset.class_names
            self._raise_alarms(collapsed(probabilities, labels, names))

    def _measure(self, path: Path) -> None:
        """Score the three parts with the best weights, and compare them."""
        names = self.verified.dataset.class_names
        measured: dict[str, Any] = {}
        self.alarms.pop("collapsed", None)  # it counts for the weights that are kept
        logits = {part: self._logits(part, samples) for part, samples in self._parts().items()}
        temperature = fit_temperature(logits[VALIDATION], _labels(self.split.validation))
        self.record["calibration"] = {"temperature": temperature, "fitted on": VALIDATION}
        for part, samples in self._parts().items():
            labels, probabilities = _labels(samples), softmax(logits[part] / temperature)
            if part == TRAIN:
                scores = training_metrics(labels, probabilities, self.positive)
                measured[part] = {k: v if np.isfinite(v) else None for k, v in scores.items()}
            else:
                patients = np.array([s.patient for s in samples])
                measured[part] = {
                    **evaluate(labels, probabilities, patients, names, self.positive),
                    "calibration": assess(logits[part], labels, temperature),
                }
                self._raise_alarms(collapsed(probabilities, labels, names))
        areas = [
            measured[TRAIN]["roc_auc"],
            *(measured[part]["metrics"]["roc_auc"]["value"] for part in (VALIDATION, TEST)),
        ]
        self._raise_alarms(gaps(*areas))
        write_json(path / runs.METRICS, {"schema": runs.SCHEMA, **measured})

    def _logits(self, part: str, samples: Sequence[Sample]) -> np.ndarray:
        if isinstance(self.material, OnFeatures):
            return self.material.logits(self.features[part][:, 0])
        return self.material.logits(samples)

    def _reference(self) -> Reference:
        dataset, train = self.verified.dataset, self.split.train
        chosen = reference.choose(train, self.plan.recipe.cases, self.plan.recipe.seed)
        cases = [train[i] for i in chosen]
        if isinstance(self.material, OnFeatures) and graph.embedding(self.model) is self.boundary:
            embeddings = self.features[TRAIN][chosen, 0]
        else:
            classifier = TrainedClassifier(self.model, dataset.class_names, self.positive)
            streamed = batches(dataset, cases, self.plan.input_shape)
            embeddings = np.concatenate([classifier.embeddings(b.numpy()) for b in streamed])
        return Reference(
            embeddings=embeddings,
            labels=_labels(cases),
            names=tuple(s.name for s in cases),
            patients=tuple(s.patient for s in cases),
            digests=tuple(self._digests(cases)),
            thumbnails=reference.thumbnails(dataset, cases),
        )

    def _record(self) -> dict[str, Any]:
        dataset, plan = self.verified.dataset, self.plan
        return {
            "architecture": plan.architecture.name,
            "pretrained": plan.architecture.pretrained,
            "options": dict(plan.options),
            "recipe": asdict(plan.recipe),
            "seed": plan.recipe.seed,
            "class_names": list(dataset.class_names),
            "positive": self.positive,
            "input_shape": list(plan.input_shape),
            "parameters": {
                "total": self.model.count_params(),
                "trainable": sum(int(np.prod(v.shape)) for v in self.model.trainable_variables),
            },
            "data": {
                "source": plan.source,
                "fingerprint": self.verified.fingerprint,
                "images": len(dataset.samples),
                "patients": len({s.patient for s in dataset.samples}),
                "patient_rule": dataset.patient_rule,
                "synthetic": dataset.synthetic,
                "skip_broken": plan.skip_broken,
                "broken": len(self.verified.broken),
                "notes": [*dataset.notes, *self.split.notes],
            },
            "splits": {
                part: {
                    "images": len(samples),
                    "patients": len({s.patient for s in samples}),
                    "classes": np.bincount(
                        _labels(samples), minlength=len(dataset.class_names)
                    ).tolist(),
                    "members": self._digests(samples),
                }
                for part, samples in self._parts().items()
            },
            "versions": versions(),
        }

    def _parts(self) -> dict[str, tuple[Sample, ...]]:
        return {part: self.split.part(part) for part in SPLITS}

    def _digests(self, samples: Sequence[Sample]) -> list[str]:
        return [self.verified.digests[s.name] for s in samples]

    def _raise_alarms(self, found: Sequence[Alarm]) -> None:
        for alarm in found:
            if alarm.kind not in self._told:
                self.progress.warn(str(alarm))
            self._told.add(alarm.kind)
            self.alarms[alarm.kind] = alarm


def _labels(samples: Sequence[Sample]) -> np.ndarray:
    return np.array([s.label for s in samples], dtype=np.int64)
