"""Contract of every registered architecture: a new one is tested by being declared."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from zoo.base.recipe import PRESETS
from zoo.base.registry import load_registry
from zoo.network.building import build_network
from zoo.network.cost import multiply_adds
from zoo.training.recipe import input_shape_of, settings

REGISTRY = load_registry()
NAMES = sorted(name for name in REGISTRY.architectures if ":" not in name)
"""Those with a prefix are many, and their weights are not here; each kind has a test of its own."""


@pytest.fixture(params=NAMES)
def architecture(request):
    return REGISTRY.architecture(request.param)


def test_the_zoo_has_the_promised_architectures():
    assert {"alexnet", "mnist", "scratch", "efficientnet"} <= set(NAMES)
    assert REGISTRY.broken == ()


def test_it_builds_a_flat_model_with_the_declared_parameters(architecture):
    network = build_network(architecture)
    assert network.count_params() == architecture.parameters
    assert multiply_adds(network) == architecture.multiply_adds


@pytest.mark.parametrize(("shape", "classes"), [((64, 48, 3), 3), ((64, 64, 1), 2)])
def test_it_takes_any_input_and_number_of_classes(architecture, shape, classes):
    model = build_network(architecture, classes, input_shape=shape)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32")
    logits = model(pixels, training=False).numpy()
    assert logits.shape == (2, classes)
    assert np.isfinite(logits).all()


def test_it_is_the_same_after_saving_and_loading(architecture, tmp_path):
    shape = (64, 64, 3)
    model = architecture.build(shape, 2)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras", safe_mode=True, compile=False)
    pixels = np.random.default_rng(0).uniform(0, 255, (2, *shape)).astype("float32")
    np.testing.assert_allclose(
        loaded(pixels, training=False), model(pixels, training=False), rtol=1e-4, atol=1e-4
    )


def test_its_recipe_and_options_are_valid_and_documented(architecture):
    assert architecture.presets.keys() <= {"fast", "best"}
    for preset in PRESETS:
        settings(architecture, {}, preset)
        height, width, channels = input_shape_of(architecture, preset)
        assert height == width >= 28
        assert channels in (1, 3)
    assert architecture.summary
    assert architecture.reference
    assert all(option.help for option in architecture.options.values())


def test_scratch_stays_small():
    assert REGISTRY.architecture("scratch").parameters < 150_000
