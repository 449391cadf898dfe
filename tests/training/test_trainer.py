"""What a step and an epoch do to learning rate and weights, on two clouds of points."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from zoo.base.progress import Silent
from zoo.base.recipe import Recipe
from zoo.training import checkpoint
from zoo.training.checkpoint import TrainingState
from zoo.training.trainer import Phase, fit, learning_rate_factor

STEPS = 4


class Clouds:
    """Points about (1, 0) and (0, 1), and the dense layer that is to tell them apart."""

    steps = STEPS

    def __init__(self):
        keras.utils.set_random_seed(0)
        given = keras.Input((2,))
        x = layers.BatchNormalization()(given)
        self.model = keras.Model(given, layers.Dense(2)(x))
        random = np.random.default_rng(0)
        self.labels = np.arange(32) % 2
        points = np.eye(2)[self.labels] + random.normal(0, 0.5, (32, 2))
        self.points = points.astype(np.float32)
        self.scored = []

    def training(self, epoch):
        import tensorflow as tf

        targets = np.eye(2, dtype=np.float32)[self.labels]
        data = (self.points + np.float32(0.01 * epoch), targets, np.ones(32, np.float32))
        return tf.data.Dataset.from_tensor_slices(data).batch(32 // STEPS)

    def validation(self):
        self.scored.append(checkpoint.values(self.model.variables))
        return np.asarray(self.model(self.points)), self.labels


class Watching(Silent):
    """Notes learning rate and weights after each step, and what an epoch begins with."""

    def __init__(self, model, epochs=99):
        self.model, self.left = model, epochs
        self.rates, self.weights, self.begun = [], [], []

    def start(self, title, total):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        self.begun.append(checkpoint.values(self.model.variables))

    def advance(self, steps=1):
        self.rates.append(float(self.model.optimizer.learning_rate))
        self.weights.append(checkpoint.values(self.model.variables))


def trained(tmp_path, epochs=2, state=None, stop_after=99, **changes):
    material = Clouds()
    progress = Watching(material.model, stop_after)
    recipe = Recipe(epochs=epochs, patience=99, **changes)
    state = state or TrainingState()
    phase = Phase("network", epochs, recipe.learning_rate)
    path = tmp_path / "checkpoint.npz"
    fit(material, phase, recipe, 1, state, path, progress, lambda *_: None, lambda _: None)
    return material, progress, state


def alike(one, other, **named):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, **named)


def test_the_learning_rate_rises_at_each_step_of_the_warm_up(tmp_path):
    _, seen, state = trained(tmp_path, schedule="constant", learning_rate=0.1, warm_up=1.5)
    wanted = [0.1 * min((step / STEPS + 0.01) / 1.5, 1) for step in range(2 * STEPS)]
    assert seen.rates == pytest.approx(wanted, rel=1e-5)
    assert 0 < seen.rates[0] < 0.001
    assert seen.rates[-1] == pytest.approx(0.1)
    assert [row["learning_rate"] for row in state.history] == pytest.approx([wanted[3], wanted[7]])


def test_the_cosine_falls_at_each_step_and_the_warm_up_holds_it_down(tmp_path):
    _, seen, _ = trained(tmp_path, learning_rate=0.1)
    assert seen.rates[0] == pytest.approx(0.1)
    assert (np.diff(seen.rates) < 0).all()
    warmed = [learning_rate_factor("cosine", step / 10, 2, 0.5) for step in range(20)]
    plain = [learning_rate_factor("cosine", step / 10, 2) for step in range(20)]
    assert warmed[5:] == plain[5:]
    assert (np.diff(warmed[:5]) > 0).all()
    assert warmed[1] == pytest.approx(plain[1] * 0.11 / 0.5)


def test_the_mean_of_the_weights_is_scored_and_training_goes_on_from_the_last_step(tmp_path):
    material, seen, state = trained(tmp_path, averaging=0.75, schedule="constant")
    model, keep = material.model, 1 - 1 / (0.75 * STEPS)
    trains = [any(v is t for t in model.trainable_variables) for v in model.variables]
    mean = None
    for step, weights in enumerate(seen.weights):
        mean = (
            weights
            if mean is None
            else [keep * old + (1 - keep) * new for old, new in zip(mean, weights, strict=True)]
        )
        if (step + 1) % STEPS == 0:
            wanted = [m if own else w for own, m, w in zip(trains, mean, weights, strict=True)]
            alike(material.scored[step // STEPS], wanted, rtol=1e-4, atol=1e-6)
            assert np.abs(wanted[0] - weights[0]).max() > 1e-5
    alike(seen.begun[1], seen.weights[STEPS - 1])
    alike(checkpoint.load(tmp_path / "checkpoint.npz").variables, seen.weights[-1])
    alike(checkpoint.values(model.variables), material.scored[state.best_epoch - 1])


def test_without_averaging_the_last_step_is_scored(tmp_path):
    material, seen, _ = trained(tmp_path)
    alike(material.scored[0], seen.weights[STEPS - 1])
    alike(material.scored[1], seen.weights[-1])


def test_a_resumed_training_has_the_same_mean(tmp_path):
    changes = {"averaging": 0.75, "warm_up": 1.5, "epochs": 3}
    whole, _, _ = trained(tmp_path, **changes)
    (tmp_path / "killed").mkdir()
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "killed", stop_after=2, **changes)
    state = checkpoint.load(tmp_path / "killed" / "checkpoint.npz").state
    assert state.epoch == 2
    resumed, _, _ = trained(tmp_path / "killed", state=state, **changes)
    alike(resumed.scored[-1], whole.scored[-1], rtol=1e-5, atol=1e-7)
    alike(resumed.model.get_weights(), whole.model.get_weights(), rtol=1e-5, atol=1e-7)
