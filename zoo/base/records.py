"""What the record of an architecture or a method must be; whatever it is not is said in words."""

from __future__ import annotations

import inspect
import math
import re
import reprlib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from zoo.base.errors import UnknownName, ZooError
from zoo.base.recipe import INPUT, PRESETS, Recipe
from zoo.base.settings import option_value
from zoo.base.strangers import one_line, told
from zoo.base.types import Architecture, Option

LONGEST_NAME = 60
SMALLEST, LARGEST = 16, 2048
"""Pixels a side of a network's input, as `--input` takes them."""
GRADIENTS = ("", "features", "pixels")

_NAME = r"[A-Za-z0-9][A-Za-z0-9._+-]*"


def fault_of(record: object) -> str:
    """Say what is wrong with a record, by its first field that does not fit; empty: nothing."""
    try:
        found = _architecture(record) if isinstance(record, Architecture) else _explainer(record)
        return next(found, "")
    except Exception as error:  # values of a stranger's own types may fail at anything
        return f"its fields cannot be read: {told(error)}"


def wrong_name(name: object, *, prefix: bool = False) -> Iterator[str]:
    """Names become those of folders (`folder_name`) and arguments of commands.

    With `prefix`, a colon may part the name of a collection from that of its member.
    """
    pattern = f"({_NAME}:)?{_NAME}" if prefix else _NAME
    fits = isinstance(name, str) and len(name) <= LONGEST_NAME and re.fullmatch(pattern, name)
    if not fits:
        expected = (
            f"up to {LONGEST_NAME} letters, digits and . _ + -, beginning with a letter or digit"
        )
        yield unlike("name", name, expected)


def folder_name(name: str) -> str:
    """Return what a folder is called after a name: not all systems take a colon."""
    return name.replace(":", "-")


def wrong_texts(record: object, *names: str) -> Iterator[str]:
    """Texts are shown in tables, on one line."""
    for name in names:
        text = getattr(record, name)
        if not isinstance(text, str) or not (text.isprintable()):
            yield unlike(name, text, "text on one line")


def wrong_functions(record: object, *names: str) -> Iterator[str]:
    """What is called can be called."""
    for name in names:
        if not callable(given := getattr(record, name)):
            yield unlike(name, given, "a function")


def unlike(what: str, value: object, expected: str) -> str:
    """Word one fault: what it is, and what was expected."""
    return f"{what} is {shown(value)}; expected {expected}"


def shown(value: object) -> str:
    """Show a stranger's value on one line."""
    try:
        return one_line(reprlib.repr(value))
    except Exception:  # its own `__repr__` fails
        return type(value).__name__


def is_whole(value: object, least: int = 0) -> bool:
    """Tell whether it is a whole number of Python's own, from `least` up."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _architecture(one: Architecture) -> Iterator[str]:
    yield from wrong_name(one.name, prefix=True)
    yield from wrong_texts(one, "summary", "reference", "pretrained")
    yield from wrong_functions(one, "build")
    if not is_whole(one.parameters):
        yield unlike("parameters", one.parameters, "a whole number of weights")
    if not is_whole(one.multiply_adds):
        yield unlike("multiply_adds", one.multiply_adds, "a whole number")
    if not isinstance(one.offline, bool):
        yield unlike("offline", one.offline, "True or False")
    yield from _input_shape(one.input_shape)
    known = {field.name for field in fields(Recipe)}
    yield from _options(one.options, {*known, INPUT, "num_classes"})
    yield from _arguments("build", one.build, 2, one.options)
    yield from _settings("recipe", one.recipe, Recipe(), {})
    if not isinstance(one.presets, Mapping):
        yield unlike("presets", one.presets, "a mapping from names of presets to settings")
    recipe = replace(Recipe(), **one.recipe)
    for preset, changes in one.presets.items():
        if preset not in PRESETS:
            yield str(UnknownName.among("preset", str(preset), PRESETS))
        what = f"preset '{preset}'"
        if isinstance(changes, Mapping) and INPUT in changes:
            yield from _input_shape(changes[INPUT])
            changes = {name: value for name, value in changes.items() if name != INPUT}
        yield from _settings(what, changes, recipe, one.options)


def _explainer(one: Any) -> Iterator[str]:
    yield from wrong_name(one.name)
    yield from wrong_texts(one, "summary", "reference")
    yield from wrong_functions(one, "explain")
    for name in ("default", "feature_layer", "differentiates"):
        if not isinstance(value := getattr(one, name), bool):
            yield unlike(name, value, "True or False")
    if one.gradients not in GRADIENTS:
        yield unlike("gradients", one.gradients, "'features', 'pixels' or ''")
    yield from _options(one.options, {"classifier", "images", "targets", "reference"})
    yield from _arguments("explain", one.explain, 4, one.options)


def _input_shape(shape: object) -> Iterator[str]:
    fits = (
        isinstance(shape, tuple)
        and len(shape) == 3
        and all(is_whole(side, SMALLEST) and side <= LARGEST for side in shape[:2])
        and is_whole(shape[2])
        and shape[2] in (1, 3)
    )
    if not fits:
        expected = (
            f"(height, width, channels): sides from {SMALLEST} to {LARGEST}, and 1 or 3 channels"
        )
        yield unlike(INPUT, shape, expected)


def _options(options: object, taken: Collection[str]) -> Iterator[str]:
    if not isinstance(options, Mapping):
        yield unlike("options", options, "a mapping from names to Option")
        return
    for name, option in options.items():
        if not isinstance(name, str) or not name.isidentifier():
            yield unlike("the name of an option", name, "the name of an argument")
        if name in taken:
            yield f"the option '{name}' has the name of a setting or argument; give it another"
        what = f"the option '{name}'"
        if not isinstance(option, Option):
            yield unlike(what, option, "an Option")
        kind = type(option.default)
        if kind not in (str, int, float, bool) or not _finite(option.default):
            yield unlike(f"the default of {what}", option.default, "text, a number, or True, False")
        yield from (f"{what}: {fault}" for fault in wrong_texts(option, "help"))
        choices = option.choices
        if not isinstance(choices, tuple) or not all(isinstance(one, str) for one in choices):
            yield unlike(f"choices of {what}", choices, "a tuple of texts")
        if choices and option.default not in choices:
            yield unlike(f"the default of {what}", option.default, f"one of {', '.join(choices)}")


def _arguments(
    what: str, function: Callable[..., Any], count: int, options: Mapping[str, Option]
) -> Iterator[str]:
    """Look whether a function takes what it will be given: every option is always passed."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions that are not written in Python have none
        return
    try:
        signature.bind(*[None] * count, **options)
    except TypeError as error:
        given = ", ".join([f"{count} arguments", *options])
        yield f"{what}{one_line(str(signature))} cannot be called with {given}: {told(error)}"


def _settings(
    what: str, settings: object, recipe: Recipe, options: Mapping[str, Option]
) -> Iterator[str]:
    """Look whether settings are those of a training, or options, and fit together."""
    if not isinstance(settings, Mapping):
        yield unlike(what, settings, "a mapping from names of settings to values")
        return
    defaults = {field.name: getattr(recipe, field.name) for field in fields(Recipe)}
    changes = {}
    for name, value in settings.items():
        if name not in defaults and name not in options:
            error = UnknownName.among("setting", str(name), [*defaults, *options])
            yield f"{what}: {error}"
            continue
        default = defaults[name] if name in defaults else options[name].default
        if not _alike(value, default) or not _finite(value):
            yield unlike(f"{name} in the {what}", value, f"{type(default).__name__}")
        try:
            if name in defaults:
                changes[name] = value
            else:
                option_value(name, value, options[name])
        except ZooError as error:
            yield f"{what}: {error}"
    try:
        replace(recipe, **changes)
    except ZooError as error:
        yield f"{what}: {error}"


def _alike(value: object, default: object) -> bool:
    """Tell whether a value is of the type of the default; a whole number is a number, too."""
    kinds = (int, float) if type(default) is float else (type(default),)
    return type(value) in kinds


def _finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
