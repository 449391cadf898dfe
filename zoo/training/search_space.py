"""What a tuning tries: for each setting a range or some values.

By default it follows from what an architecture is trained with: rates around its own, and those of
its options that are numbers or few words. Nothing here draws anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.recipe import DEFAULT
from zoo.base.settings import parse_value
from zoo.base.types import Architecture
from zoo.training.recipe import settings

NEVER = frozenset({"seed", "split_seed", "monitor", "cases", "pictures"})
"""Settings that change the test, or nothing of the network."""
MARK = ".."
LOGARITHMIC = 10.0
"""A range whose ends are so many times apart is searched on a logarithmic scale."""
FEW = 3
"""An option of more words is most often another network."""
AUGMENTATIONS = ("robust", "chest", "none")
DIGITS = 3
"""Significant ones that numbers are drawn with: so a setting can be typed."""


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, whole ones alone where both are int."""

    low: float
    high: float

    @property
    def whole(self) -> bool:
        """Tell whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def logarithmic(self) -> bool:
        """Tell whether small numbers are searched as finely as large ones."""
        return self.low > 0 and self.high / self.low >= LOGARITHMIC

    def __str__(self) -> str:
        """Write it as it is typed."""
        return f"{self.low:g}{MARK}{self.high:g}"

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "logarithmic": self.logarithmic, "values": None}


@dataclass(frozen=True)
class Choice:
    """Some values, none of which lies between two others."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        """Write it as it is typed."""
        return ",".join(str(value) for value in self.values)

    def to_record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"low": None, "high": None, "logarithmic": False, "values": list(self.values)}


Space = dict[str, Range | Choice]


def search_space(
    architecture: Architecture,
    searched: Iterable[str] = (),
    changes: Mapping[str, Any] | None = None,
    preset: str = DEFAULT,
) -> Space:
    """Return what is tried of each setting: what follows from the architecture, and what is asked.

    `searched` are texts such as `learning_rate=1e-4..1e-2` and `augmentation=robust,chest`. What
    `changes` sets stays as it is set.

    Raises:
        InvalidSetting: a text cannot be read, a value cannot be used, or nothing is left to try.
        UnknownName: there is no such setting.
    """
    fixed = dict(changes or {})
    space = {k: v for k, v in _by_default(architecture, fixed, preset).items() if k not in fixed}
    asked: Space = {}
    for text in searched:
        name, part = _read(text, architecture, fixed, preset)
        if name in fixed or name in asked:
            raise InvalidSetting(
                f"'{name}' is to be searched, and is set or searched already. Give it once."
            )
        asked[name] = part
    space |= asked
    if not space:
        raise InvalidSetting(
            f"Nothing is left to search of '{architecture.name}'. Set less, or say what to search: "
            "--search learning_rate=1e-4..1e-2"
        )
    return space


def rounded(value: float, part: Range) -> float:
    """Return a number of a range with so few digits that it can be typed, within its ends."""
    if part.whole:
        return int(value)
    return min(max(float(f"{value:.{DIGITS}g}"), part.low), part.high)


def _by_default(architecture: Architecture, fixed: Mapping[str, Any], preset: str) -> Space:
    recipe, options = settings(architecture, fixed, preset)
    decay = recipe.weight_decay or 1e-4
    space: Space = {
        "learning_rate": _around(recipe.learning_rate, most=10.0),
        "weight_decay": _around(decay),
        "label_smoothing": Range(0.0, 0.2),
        "augmentation": Choice(AUGMENTATIONS),
    }
    if recipe.fine_tune_epochs:
        space["fine_tune_learning_rate"] = _around(recipe.fine_tune_learning_rate, most=10.0)
    for name, option in architecture.options.items():
        value = options[name]
        if isinstance(value, bool):
            space[name] = Choice((False, True))
        elif isinstance(value, int) and value > 0:
            space[name] = Range(max(1, value // 2), 2 * value)
        elif isinstance(value, float) and 0 <= value < 1:
            space[name] = Range(0.0, max(0.5, min(0.9, 2 * value)))
        elif 1 < len(option.choices) <= FEW:
            space[name] = Choice(option.choices)
    return space


def _around(value: float, most: float = float("inf")) -> Range:
    low, high = (float(f"{end:.{DIGITS}g}") for end in (value / 10, min(10 * value, most)))
    return Range(low, high)


def _read(
    text: str, architecture: Architecture, fixed: Mapping[str, Any], preset: str
) -> tuple[str, Range | Choice]:
    name, mark, written = text.partition("=")
    if not mark or not name or not written:
        raise InvalidSetting(
            f"'{text}' says nothing to search. Expected key=low..high, such as "
            "learning_rate=1e-4..1e-2, or key=a,b,c, such as augmentation=robust,chest."
        )
    recipe, options = settings(architecture, fixed, preset)
    known = {**{k: v for k, v in asdict(recipe).items() if k not in NEVER}, **options}
    if name not in known:
        raise UnknownName.among("setting to search", name, known)
    ranged = MARK in written
    parts = written.split(MARK) if ranged else written.split(",")
    values = [parse_value(name, part, known[name]) for part in parts]
    for value in values:
        settings(architecture, {**fixed, name: value}, preset)  # refuses what cannot work
    if not ranged:
        if len(set(values)) < 2 or len(set(values)) != len(values):
            raise InvalidSetting(
                f"'{text}' gives no choice. Expected two or more different values."
            )
        return name, Choice(tuple(values))
    if len(values) != 2 or isinstance(values[0], str | bool) or not values[0] < values[1]:
        raise InvalidSetting(
            f"'{text}' is no range. Expected low..high, two numbers, the lower one first; for "
            "words key=a,b,c."
        )
    return name, Range(*values)
