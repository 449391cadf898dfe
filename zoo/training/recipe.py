"""An architecture's settings: its recipe, its presets, and what is changed of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from zoo.base.errors import UnknownName
from zoo.base.recipe import DEFAULT, FAST, INPUT, PRESETS, Recipe
from zoo.base.settings import checked_shape, option_value, parse_value
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


def shared_settings(
    architectures: Iterable[Architecture], changes: Mapping[str, Any], preset: str = DEFAULT
) -> None:
    """Check settings that several architectures are given, each of those that it has.

    Raises:
        UnknownName: no architecture has a setting of that name, or there is no such preset.
        InvalidSetting: a value does not fit.
    """
    asked = list(architectures)
    known = _fields().union(*(one.options for one in asked))
    if unknown := [name for name in changes if name not in known]:
        raise UnknownName.among("setting", unknown[0], known)
    for one in asked:
        settings(one, dict(taken(one, changes)), preset)


def lacking(architectures: Iterable[Architecture], changes: Mapping[str, Any]) -> list[str]:
    """Say which of several architectures lack one of the settings that they are given."""
    own = {one.name: dict(taken(one, changes)) for one in architectures}
    without = {name: [k for k, known in own.items() if name not in known] for name in changes}
    return [
        f"'{name}' is no setting of {', '.join(names)}; the others are trained with it."
        for name, names in without.items()
        if names
    ]


def taken(architecture: Architecture, changes: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return those of the changed settings that the recipe or the architecture has, by name."""
    known = _fields().union(architecture.options)
    return tuple(sorted((name, value) for name, value in changes.items() if name in known))


def _fields() -> set[str]:
    return {field.name for field in fields(Recipe)}


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


def input_shape_of(
    architecture: Architecture, preset: str, asked: Sequence[int] | None = None
) -> tuple[int, int, int]:
    """Return the shape that a network sees, `(height, width, channels)`: the preset's, or `asked`.

    Raises:
        InvalidSetting: no network can be built for what was asked.
    """
    if asked is not None:
        return checked_shape(asked, asked)
    shape: tuple[int, int, int] = preset_of(architecture, preset).get(INPUT) or (
        architecture.input_shape
    )
    return shape
