"""One training: a network, the data it is fitted on, and the weights of its best epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.progress import Progress
from zoo.base.types import SPLITS, TRAIN, VALIDATION, Sample
from zoo.data import augmentation
from zoo.data.pipeline import read_shape
from zoo.data.splits import Split
from zoo.data.verify import Verified, labels_of, positive_index
from zoo.network import graph
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import copied
from zoo.network.feature_pass import Asked
from zoo.network.features import backbone_key, features
from zoo.network.frame import framed
from zoo.runs import run_folder
from zoo.runs.history import write_history
from zoo.stats.alarms import Conditions, constant_features
from zoo.training import collapse, framing
from zoo.training.checkpoint import TrainingState
from zoo.training.choosing import choose
from zoo.training.devices import available
from zoo.training.execution import Execution
from zoo.training.frozen import Frozen
from zoo.training.inputs import FeatureInputs, PixelInputs, passes_and_steps, sample_weights
from zoo.training.plan import Plan, build, exact_layers, unfreeze
from zoo.training.trained import Alarms, Trained
from zoo.training.trainer import Phase, fit

Told = Callable[[Sequence[Mapping[str, Any]]], None]

HEAD, FINE_TUNE = "head", "fine-tune"


class Session:
    """One training: a network, the data it is fitted on, and the weights of its best epoch."""

    def __init__(
        self,
        plan: Plan,
        verified: Verified,
        split: Split,
        progress: Progress,
        devices: Sequence[str] = (),
        recorded: Mapping[str, Any] | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        """Build the network and choose how it is computed, on `devices` or on the first there is.

        `recorded` is how a resumed training was computed; workers of a `cluster` compute features.
        """
        self._cluster = cluster
        self.plan, self.verified, self.split, self.progress = plan, verified, split, progress
        self.class_names = verified.dataset.class_names
        self.positive = positive_index(self.class_names, plan.positive)
        self.parts = {part: split.part(part) for part in SPLITS}
        self.labels = {part: labels_of(samples) for part, samples in self.parts.items()}
        self.alarms = Alarms(progress)
        self.framing = framing.choose(plan, verified, self.parts, progress, cluster)
        self.network = build(plan, len(self.class_names))
        self.boundary = graph.frozen_boundary(self.network)
        if self.boundary is not None and plan.recipe.backbone == "trained":
            unfreeze(self.network)
            self.boundary = None
        # Features that differ from epoch to epoch cannot be kept.
        self.drawn = [] if self.boundary is None else graph.random_before(self.boundary)
        if self.drawn:
            progress.note(
                f"The layer '{self.drawn[0]}' in front of the frozen backbone is random: its "
                "features are computed anew in each epoch, which takes longer."
            )
        self.execution = self._executed(tuple(devices) or available()[:1], recorded)

    def _executed(self, on: Sequence[str], recorded: Mapping[str, Any] | None) -> Execution:
        recipe, network = self.plan.recipe, self.network
        epochs = {phase.name: phase.epochs for phase in self.phases() if phase.name != HEAD}
        if FINE_TUNE in epochs:
            network = copied(network)
            unfreeze(network)
        return choose(
            network,
            recipe,
            passes_and_steps(len(self.split.train), recipe)[1] * sum(epochs.values()),
            exact=lambda: exact_layers(self.plan, len(self.class_names)),
            on=on,
            recorded=recorded,
            progress=self.progress,
        )

    def fit(self, path: Path, state: TrainingState, told: Told = lambda _: None) -> None:
        """Train all phases from `state` on; checkpoint, history and logs go to the folder `path`.

        After each epoch `told` gets all figures. The network then has the weights of the best one.
        """
        self._told = told
        state.execution = self.execution.to_record()
        self.alarms.take(state.alarms)
        for index, phase in enumerate(self.phases()):
            if index < state.phase:
                continue
            if index > state.phase:
                state.phase, state.epoch, state.waited = index, 0, 0
                state.rate_factor, state.stopped = 1.0, False
            material = self._material(phase)
            on_features = isinstance(material, FeatureInputs)
            used = fit(
                material,
                phase,
                self.plan.recipe,
                self.positive,
                state,
                path / run_folder.CHECKPOINT,
                self.progress,
                self._judge,
                lambda done: self._tell(path, done),
                Execution(devices=self.execution.devices[:1]) if on_features else self.execution,
            )
            if not on_features:
                self.execution = used  # where memory was short, in more parts
            if phase.name in state.unused_phases:
                self.progress.warn(
                    f"The phase {phase.name} changed nothing: no epoch of it was better on the "
                    f"validation part than epoch {state.best_epoch}, whose weights are kept."
                )
        # Once more: one that was killed after its last checkpoint has no epoch left to write it.
        write_history(path / run_folder.HISTORY, state.history)

    def trained(self) -> Trained:
        """Return the network of a finished `fit` with its frame, ready to be measured."""
        framing, model = self.framing, self.network
        if framing.frames is not None and framing.localiser is not None:
            model = framed(model, framing.localiser)
        return Trained(
            TrainedClassifier(model, self.class_names, self.positive),
            framing,
            self.verified,
            self.parts,
            self.plan.recipe,
            self.conditions,
            self.alarms,
            self.progress,
            frozen=self._frozen(),
        )

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Return the shape of the pictures that the finished network takes."""
        return read_shape(self.plan.input_shape, self.framing.frames)

    @property
    def parameters(self) -> dict[str, int]:
        """How many weights the network has, and how many of them are trained."""
        trainable = sum(int(np.prod(v.shape)) for v in self.network.trainable_variables)
        return {"total": self.network.count_params(), "trainable": trainable}

    @property
    def conditions(self) -> Conditions:
        """What the remedies of alarms depend on."""
        names = [phase.name for phase in self.phases()]
        return Conditions(asdict(self.plan.recipe), self.plan.options, names)

    def phases(self) -> list[Phase]:
        """Return what is trained one after the other."""
        recipe = self.plan.recipe
        kept = self.boundary is not None and not self.drawn
        first = Phase(HEAD if kept else "network", recipe.epochs, recipe.learning_rate)
        if self.boundary is None or not recipe.fine_tune_epochs:
            return [first]
        rate = recipe.fine_tune_learning_rate
        return [first, Phase(FINE_TUNE, recipe.fine_tune_epochs, rate)]

    def logits(self, part: str) -> np.ndarray:
        """Return `(images, classes)` logits of a part."""
        if isinstance(self.material, FeatureInputs):
            return self.material.logits(self.features[part][:, 0])
        return self.material.logits(self.parts[part])

    def _frozen(self) -> Frozen | None:
        """Return the head and the features of a network whose embedding is a frozen backbone's."""
        if not isinstance(self.material, FeatureInputs):
            return None
        if graph.embedding(self.network) is not self.boundary:
            return None
        return Frozen(
            self.material,
            self.features,
            self._backbone_key,
            self.framing,
            self.verified,
            self.parts,
            self.input_shape,
            self.progress,
        )

    def digests(self, samples: Sequence[Sample]) -> list[str]:
        """Return the content digest of each sample."""
        return [self.verified.digests[s.name] for s in samples]

    def _material(self, phase: Phase) -> PixelInputs | FeatureInputs:
        if phase.name == HEAD:
            self.material: PixelInputs | FeatureInputs = self._on_features()
        else:
            if phase.name == FINE_TUNE:
                unfreeze(self.network)
            self.material = PixelInputs(
                self.network,
                self.verified.dataset,
                self.split.train,
                self.split.validation,
                self.verified.digests,
                self.framing.frames,
                self.plan.recipe,
                self.progress,
            )
        return self.material

    def _on_features(self) -> FeatureInputs:
        import keras

        recipe = self.plan.recipe
        backbone = keras.Model(self.network.input, self.boundary)
        head = keras.Model(self.boundary, self.network.output)
        self._backbone_key = backbone_key(backbone)
        asked = Asked(backbone, recipe.augmentation)
        views = recipe.views if recipe.augmentation != "none" else 1
        self.features = {
            part: features(
                backbone,
                self.verified.dataset,
                samples,
                self.digests(samples),
                frames=self.framing.frames,
                views=views if part == TRAIN else 1,
                preset=recipe.augmentation,
                seed=recipe.seed,
                progress=self.progress,
                title=f"features of {part}",
                cluster=self._cluster,
                asked=asked,
            )
            for part, samples in self.parts.items()
        }
        self.alarms.extend(constant_features(self.features[TRAIN][:, 0]))
        labels, classes = self.labels[TRAIN], len(self.class_names)
        return FeatureInputs(
            head,
            self.features[TRAIN],
            self._targets_of_views(views),
            sample_weights(labels, classes, recipe.class_weights),
            self.features[VALIDATION][:, 0],
            self.labels[VALIDATION],
            recipe,
        )

    def _targets_of_views(self, views: int) -> np.ndarray:
        """Return `(images, views, classes)`: what is right of each view of the training part."""
        recipe, content = self.plan.recipe, self.digests(self.split.train)
        plain = np.eye(len(self.class_names), dtype=np.float32)[self.labels[TRAIN]]
        drawn = (
            augmentation.draw(
                recipe.augmentation, recipe.seed, view, content, self.plan.input_shape[:2]
            )
            for view in range(1, views)
        )
        return np.stack([plain, *(augmentation.softened(plain, one) for one in drawn)], axis=1)

    def _judge(self, state: TrainingState, probabilities: np.ndarray, labels: np.ndarray) -> None:
        """Raise alarms about the answers after an epoch; the state keeps them."""
        if len(state.history) >= collapse.SETTLING_EPOCHS:
            patients = np.array([s.patient for s in self.parts[VALIDATION]])
            of_all = self.class_names, self.positive, self.plan.recipe, self.conditions
            self.alarms.extend(collapse.alarms(probabilities, labels, patients, *of_all))
        state.alarms = self.alarms.to_record()

    def _tell(self, path: Path, state: TrainingState) -> None:
        write_history(path / run_folder.HISTORY, state.history, path / "logs")
        self._told(state.history)
