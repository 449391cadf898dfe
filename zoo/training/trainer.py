"""The one place where a network is fitted, epoch by epoch, resumable after each."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from zoo.base.errors import ZooError
from zoo.base.progress import Progress
from zoo.base.recipe import Recipe
from zoo.data.pipeline import reading_errors
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training import checkpoint
from zoo.training.bench import Bench
from zoo.training.checkpoint import Checkpoint, TrainingState
from zoo.training.execution import Execution
from zoo.training.memory import in_more_parts, told_of_parts

PLATEAU_EPOCHS = 2
PLATEAU_FACTOR = 0.5
COSINE_FLOOR = 0.01
WARM_UP_STEP = 0.01
"""Epochs: the first step of a warm-up is not without any effect."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with one set of trainable layers and one learning rate."""

    name: str
    epochs: int
    learning_rate: float


class TrainingInputs(Protocol):
    """What is trained and on what: a whole network on pixels, or a head on cached features."""

    model: Any
    steps: int

    def training(self, epoch: int) -> Any:
        """Return the batches `(inputs, one-hot targets, weights)` of an epoch."""

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the validation part's logits `(images, classes)` and labels `(images,)`."""


def fit(
    material: TrainingInputs,
    phase: Phase,
    recipe: Recipe,
    positive: int,
    state: TrainingState,
    path: Path,
    progress: Progress,
    judge: Callable[[TrainingState, np.ndarray, np.ndarray], None],
    on_epoch: Callable[[TrainingState], None],
    execution: Execution = Execution(),  # noqa: B008 (it cannot be changed)
) -> Execution:
    """Train through one phase and leave the best weights in the model.

    Goes on from the checkpoint at `path` when `state` says that epochs are done. After each epoch
    `judge` gets the state, which it may add to, and the validation probabilities and labels;
    `on_epoch` gets the state once it is kept. Where memory is too short for `execution` an epoch is
    begun again in more parts; what was used is returned.

    Raises:
        ZooError: the loss became infinite, or memory is too short for a single image.
    """
    import tensorflow as tf

    model = material.model
    first = checkpoint.values(model.variables)
    best = first  # of the phase before, should none be better

    def laid_out(execution: Execution) -> Bench:
        nonlocal best
        bench = Bench(model, execution)
        with bench.scope():
            compile_model(bench, recipe, phase, material.steps)
            if state.epoch:
                saved = checkpoint.load(path)
                checkpoint.assign(model.variables, saved.variables, path)
                checkpoint.assign(bench.model.optimizer.variables, saved.optimizer, path)
                best = saved.best
            else:
                checkpoint.assign(model.variables, first, path)
        bench.take()
        return bench

    bench = laid_out(execution)
    while state.epoch < phase.epochs and not state.stopped:
        began, epoch = time.monotonic(), state.epoch
        _reseed(bench.model, recipe.seed, epoch)
        step = _Step(material.steps, epoch, phase, recipe, state.rate_factor, progress)
        progress.start(f"{phase.name} {epoch + 1}/{phase.epochs}", material.steps)
        try:
            with reading_errors():
                fitted = bench.model.fit(
                    material.training(epoch),
                    epochs=epoch + 1,
                    initial_epoch=epoch,
                    shuffle=False,  # the order of an epoch is ours
                    verbose=0,
                    callbacks=[step.callback],
                ).history
        except tf.errors.ResourceExhaustedError as error:
            progress.stop()
            execution = in_more_parts(execution, recipe.batch_size, error)
            progress.note(told_of_parts(execution, recipe.batch_size))
            bench = laid_out(execution)
            continue
        bench.give()
        with reading_errors():
            logits, labels = material.validation()
        progress.stop()
        row = _row(phase, state, fitted, logits, labels, positive)
        row["learning_rate"] = step.rate
        row["seconds"] = round(time.monotonic() - began, 2)
        _refuse_infinite_loss(row, phase)
        if is_best_epoch(state, row, recipe):
            best = checkpoint.values(model.variables)
        if step.last is not None:
            checkpoint.assign(model.variables, step.last, path)
            bench.take()
        state.epoch += 1
        state.stopped = state.waited >= recipe.patience or state.epoch >= phase.epochs
        judge(state, softmax(logits), labels)
        checkpoint.save(
            path,
            Checkpoint(
                state,
                checkpoint.values(model.variables),
                checkpoint.values(bench.model.optimizer.variables),
                best,
            ),
        )
        progress.epoch(row, row["epoch"] - state.epoch + phase.epochs)
        on_epoch(state)
    checkpoint.assign(model.variables, best, path)
    return execution


def compile_model(bench: Bench, recipe: Recipe, phase: Phase, steps: int) -> None:
    """Give the model softmax cross-entropy and AdamW with clipped gradients.

    `steps` is how many an epoch has.
    """
    import keras

    optimizer = keras.optimizers.AdamW(
        phase.learning_rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=recipe.clip_norm or None,
        use_ema=recipe.averaging > 0,
        ema_momentum=max(0.0, 1 - 1 / max(recipe.averaging * steps, 1)),
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    bench.compile(
        optimizer,
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=recipe.label_smoothing
        ),
        metrics=["accuracy"],
    )


def learning_rate_factor(schedule: str, epoch: float, epochs: int, warm_up: float = 0.0) -> float:
    """Return what the learning rate is multiplied with when so many epochs are done.

    'cosine' falls from 1 to 0.01 (Loshchilov and Hutter, SGDR, 2017); 'plateau' and 'constant'
    stay at 1, and 'plateau' is lowered by `is_best_epoch`. During the `warm_up` it rises linearly
    (Goyal and others, Accurate, Large Minibatch SGD, 2017).
    """
    rising = min((epoch + WARM_UP_STEP) / warm_up, 1.0) if warm_up else 1.0
    if schedule != "cosine":
        return rising
    falling = 0.5 * (1 + math.cos(math.pi * epoch / epochs))
    return rising * (COSINE_FLOOR + (1 - COSINE_FLOOR) * falling)


def is_best_epoch(state: TrainingState, row: dict[str, Any], recipe: Recipe) -> bool:
    """Compare an epoch with the best one so far, in place; return whether it is the new best.

    Of epochs with the same monitored value that with the lower validation loss is better.
    """
    best = state.history[state.best_epoch - 1] if state.best_epoch else None
    state.history.append(row)
    if best is None or _merit(row, recipe.monitor) > _merit(best, recipe.monitor):
        state.best_epoch, state.waited = row["epoch"], 0
        return True
    state.waited += 1
    if recipe.schedule == "plateau" and state.waited % PLATEAU_EPOCHS == 0:
        state.rate_factor *= PLATEAU_FACTOR
    return False


def _merit(row: dict[str, Any], monitor: str) -> tuple[float, float]:
    """Return what is compared of an epoch, greater is better; what is not a number is worst."""
    loss = -row["val_loss"]
    value = loss if monitor == "loss" else row[f"val_{monitor}"]
    return _or_worst(value), _or_worst(loss)


def _or_worst(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy in nats of `(images, classes)` logits."""
    probabilities = softmax(logits.astype(np.float64))[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(probabilities, 1e-12)).mean())


def _row(
    phase: Phase,
    state: TrainingState,
    fitted: dict[str, list[float]],
    logits: np.ndarray,
    labels: np.ndarray,
    positive: int,
) -> dict[str, Any]:
    measured = training_metrics(labels, softmax(logits), positive)
    return {
        "epoch": len(state.history) + 1,
        "phase": phase.name,
        "loss": float(fitted["loss"][-1]),
        "accuracy": float(fitted["accuracy"][-1]),
        "val_loss": cross_entropy(logits, labels),
        **{f"val_{name}": value for name, value in measured.items()},
    }


def _refuse_infinite_loss(row: dict[str, Any], phase: Phase) -> None:
    if not math.isfinite(row["loss"]):
        setting = "fine_tune_learning_rate" if phase.name == "fine-tune" else "learning_rate"
        raise ZooError(
            f"The loss became {row['loss']} in epoch {row['epoch']}. Learn more slowly with "
            f"--set {setting}={phase.learning_rate / 10:g}, or clip more with "
            "--set clip_norm=0.5."
        )


def _reseed(model: Any, seed: int, epoch: int) -> None:
    """Make dropout depend on the epoch alone, so that a resumed epoch repeats what it would be."""
    for index, layer in enumerate(model.layers):
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            generator.state.assign([seed * 1000 + index, epoch << 16])


class _Step:
    """What happens at each step of an epoch: progress, and a new learning rate.

    `rate` is the last learning rate. `last` are the variables as the last step left them, where a
    running mean takes their place when an epoch ends; else None.
    """

    def __init__(
        self,
        steps: int,
        epoch: int,
        phase: Phase,
        recipe: Recipe,
        factor: float,
        progress: Progress,
    ) -> None:
        import keras

        self.rate, self.last = 0.0, None
        step = self

        class Callback(keras.callbacks.Callback):
            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                done = epoch + batch / steps
                scheduled = learning_rate_factor(
                    recipe.schedule, done, phase.epochs, recipe.warm_up
                )
                step.rate = phase.learning_rate * scheduled * factor
                self.model.optimizer.learning_rate = step.rate

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                progress.advance()

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
                if recipe.averaging:
                    step.last = checkpoint.values(self.model.variables)

        self.callback = Callback()
