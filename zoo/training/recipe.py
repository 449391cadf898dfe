"""An architecture's settings: its recipe, its presets, and what is changed of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from zoo.base.errors import UnknownName
from zoo.base.recipe import DEFAULT, FAST, INPUT, PRESETS, Recipe
from zoo.base.settings import option_value, parse_value
from zoo.base.types import Architecture


def settings(
    architecture: Architecture, changes: Mapping[str, Any], preset: str = DEFAULT
) -> tuple[Recipe, dict[str, Any]]:
    """Sort the settings of a preset, and what is changed of them, into recipe and options.

    Values may be text, as typed after `--set`, or already of the right type.

    Raises:
        UnknownName: neither the recipe nor the architecture has a setting of that name, or there
            is no such preset.
        InvalidSetting: the value does not fit.
    """
    recipe = replace(Recipe(), **architecture.recipe)
    options = {name: option.default for name, option in architecture.options.items()}
    chosen = {k: v for k, v in preset_of(architecture, preset).items() if k != INPUT}
    for given in (chosen, changes):
        defaults = {field.name: getattr(recipe, field.name) for field in fields(Recipe)}
        recipe_changes: dict[str, Any] = {}
        for name, value in given.items():
            if name in defaults:
                recipe_changes[name] = parse_value(name, value, defaults[name])
            elif name in architecture.options:
                options[name] = option_value(name, value, architecture.options[name])
            else:
                raise UnknownName.among("setting", name, [*defaults, *options])
        recipe = replace(recipe, **recipe_changes)
    return recipe, options


def preset_of(architecture: Architecture, preset: str) -> Mapping[str, Any]:
    """Return what a preset changes of an architecture's default settings.

    For an architecture that does not name it, 'fast' is a third of the epochs, and 'best' twice as
    many with a running mean of the weights.

    Raises:
        UnknownName: there is no such preset.
    """
    if preset not in PRESETS:
        raise UnknownName.among("preset", preset, PRESETS)
    if preset == DEFAULT or preset in architecture.presets:
        return architecture.presets.get(preset, {})
    epochs = int(architecture.recipe.get("epochs", Recipe.epochs))
    if preset == FAST:
        return {"epochs": max(1, epochs // 3)}
    return {"epochs": 2 * epochs, "averaging": 0.5}


def input_shape_of(architecture: Architecture, preset: str) -> tuple[int, int, int]:
    """Return the shape that a network of this preset sees, `(height, width, channels)`."""
    shape: tuple[int, int, int] = preset_of(architecture, preset).get(INPUT) or (
        architecture.input_shape
    )
    return shape
