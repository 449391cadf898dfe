"""Text from the command line made a setting of the right type, or refused."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.types import Option

UNITS = {"s": 1, "m": 60, "h": 3600}
"""Seconds of what a time is given in."""


def input_shape(text: str | None) -> tuple[int, int, int] | None:
    """Read '180', '180x160' or '180x160x1' as (height, width, channels).

    Raises:
        InvalidSetting: the text is none of these, or a number is out of range.
    """
    if text is None:
        return None
    try:
        numbers = [int(part) for part in text.lower().split("x")]
    except ValueError:
        numbers = []
    if len(numbers) == 1:
        numbers *= 2
    if len(numbers) == 2:
        numbers.append(3)
    return checked_shape(numbers, text)


def checked_shape(numbers: Sequence[int], given: object) -> tuple[int, int, int]:
    """Return (height, width, channels) that a network can be built for; `given` is what was asked.

    Raises:
        InvalidSetting: they are not three, or out of range.
    """
    if (
        len(numbers) != 3
        or not all(isinstance(n, int) for n in numbers)
        or not all(16 <= n <= 2048 for n in numbers[:2])
        or numbers[2] not in (1, 3)
    ):
        raise InvalidSetting(
            f"The input '{given}' cannot be used. Expected SIDE, HEIGHTxWIDTH or "
            "HEIGHTxWIDTHxCHANNELS with sides from 16 to 2048 and 1 or 3 channels; from Python "
            "(height, width, channels)."
        )
    return numbers[0], numbers[1], numbers[2]


def seconds_of(text: str, option: str) -> float:
    """Read '90s', '60m' or '2h', the value of `option`, as seconds.

    Raises:
        InvalidSetting: it is none of these, or no time at all.
    """
    number, unit = text[:-1], text[-1:].lower()
    try:
        seconds = float(number) * UNITS[unit]
    except (KeyError, ValueError):
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidSetting(
            f"{option} is '{text}'; expected a time such as 90s, 60m or 2h: seconds, minutes or "
            "hours."
        )
    return seconds


def explainer_options(known: Mapping[str, Option], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return every option of an explainer with the changes that name one of them."""
    return {
        name: option_value(name, changes[name], option) if name in changes else option.default
        for name, option in known.items()
    }


def assignments(pairs: Iterable[str]) -> dict[str, str]:
    """Read `key=value` texts.

    Raises:
        InvalidSetting: a text has no `=`, or a key comes twice.
    """
    values: dict[str, str] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not name:
            raise InvalidSetting(f"'{pair}' is not a setting. Expected key=value.")
        if name in values:
            raise InvalidSetting(f"'{name}' is set twice. Give it once.")
        values[name] = value
    return values


def option_value(name: str, value: Any, option: Option) -> Any:
    """Read the value of an option and check it against its choices."""
    parsed = parse_value(name, value, option.default)
    if option.choices:
        _one_of(name, parsed, option.choices)
    return parsed


def parse_value(name: str, value: Any, default: Any) -> Any:
    """Turn a text into the type of `default`; leave a value of that type as it is.

    Raises:
        InvalidSetting: the text is not of that type.
    """
    kind = type(default)
    if kind is bool and isinstance(value, str):
        known = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if value.lower() not in known:
            raise InvalidSetting(f"{name} is '{value}'; expected true or false.")
        return known[value.lower()]
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    try:
        parsed = kind(value)
        if kind is int and isinstance(value, float) and parsed != value:
            raise ValueError("not whole")
    except (TypeError, ValueError, OverflowError) as error:
        expected = {int: "a whole number", float: "a number"}.get(kind, kind.__name__)
        raise InvalidSetting(f"{name} is '{value}'; expected {expected}.") from error
    if kind is float and parsed != parsed:  # NaN passes every comparison that follows
        raise InvalidSetting(f"{name} is '{value}'; expected a number.")
    return parsed


def _one_of(name: str, value: Any, choices: Iterable[str]) -> None:
    if value not in choices:
        raise InvalidSetting(f"{name} is '{value}'; expected one of: {', '.join(choices)}.")


def _at_least(name: str, value: float, least: float) -> None:
    if not least <= value < math.inf:
        raise InvalidSetting(f"{name} is {value}; expected at least {least}.")
