"""What decides how a training goes, and the network that follows from it."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.recipe import BFLOAT16, FLOAT32, Recipe
from zoo.base.types import Architecture
from zoo.network import graph
from zoo.network.building import build_network

_building = threading.Lock()


@dataclass(frozen=True)
class Plan:
    """Everything that decides how a training goes; the same plan gives the same run."""

    architecture: Architecture
    recipe: Recipe
    options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    source: str
    positive: str | None
    skip_broken: bool
    masks: str | None = None
    """A folder of lung masks, named as the images."""


def build(plan: Plan, num_classes: int) -> Any:
    """Build the network of a plan with the first weights that belong to its seed.

    Raises:
        InvalidSetting: it could not be trained and explained.
    """
    import keras

    keras.utils.set_random_seed(plan.recipe.seed)
    with _seeds_of_its_own(plan.recipe.seed):
        return build_network(
            plan.architecture, num_classes, input_shape=plan.input_shape, options=plan.options
        )


@contextlib.contextmanager
def _seeds_of_its_own(seed: int) -> Iterator[None]:
    """Let Keras draw the seeds of layers from a source that nobody else draws from.

    It takes them from Python's `random`, as other threads do meanwhile: those of a Dask worker gave
    the same training other first weights each time.
    """
    with _building:
        try:
            from keras.src.random import seed_generator

            shared = seed_generator.python_random
        except (ImportError, AttributeError):  # no public name: a Keras that draws them elsewhere
            yield
            return
        seed_generator.python_random = random.Random(seed)  # noqa: S311 - no secret
        try:
            yield
        finally:
            seed_generator.python_random = shared


def exact_layers(plan: Plan, num_classes: int) -> frozenset[int]:
    """Return the places of the layers that are to compute in float32 where others take 16 bits.

    An architecture says so by their `dtype`, which shows when it is built under another policy.
    """
    import keras

    keras.config.set_dtype_policy(BFLOAT16)
    try:
        layers = build(plan, num_classes).layers
    finally:
        keras.config.set_dtype_policy(FLOAT32)
    return frozenset(place for place, one in enumerate(layers) if one.compute_dtype == FLOAT32)


def unfreeze(model: Any) -> None:
    """Make every layer trainable, except that batch normalisation keeps its statistics.

    What chooses the part of a picture that the network sees stays frozen.
    """
    import keras

    for layer in graph.own_layers(model):
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
