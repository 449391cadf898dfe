"""What decides how a training goes, and the network that follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.types import Architecture
from zoo.network import graph
from zoo.training.recipe import Recipe


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
    """Build the network of a plan and refuse one that could not be trained and explained."""
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16" if plan.recipe.mixed_precision else "float32")
    try:
        built = plan.architecture.build(plan.input_shape, num_classes, **plan.options)
        model = graph.unnested(built, plan.input_shape)
    except (ValueError, TypeError) as error:  # what Keras raises for sizes and rates out of range
        raise InvalidSetting(
            f"Architecture '{plan.architecture.name}' cannot be built for input {plan.input_shape} "
            f"with {dict(plan.options)}: {str(error).splitlines()[0]} "
            "Choose another --input or other options."
        ) from error
    finally:
        keras.config.set_dtype_policy("float32")
    graph.check_flat(model, plan.input_shape, num_classes, plan.architecture.name)
    return model


def unfreeze(model: Any) -> None:
    """Make every layer trainable, except that batch normalisation keeps its statistics."""
    import keras

    for layer in model.layers:
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
