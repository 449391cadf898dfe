"""How numbers are written: alike on the command line, in the reports and in the application.

A share that is not exactly none or all is never written as 0 % or 100 %; what is undefined is a
dash; a probability is never certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

UNDEFINED = "-"
SMALLEST_P = 0.001


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share (0 to 1) as a percentage: '5.1 %', '60 %', '< 0.1 %'."""
    if share is None:
        return UNDEFINED
    text = f"{100 * share:.{digits}f}"
    step = f"{10.0**-digits:.{digits}f}"
    if share > 0 and float(text) == 0:
        return f"< {step} %"
    if share < 1 and float(text) == 100:
        return f"> {100 - float(step):.{digits}f} %"
    return f"{text.removesuffix('.' + '0' * digits)} %"


def probability(value: float, digits: int = 0) -> str:
    """Write a probability as a percentage: '93 %'; never 0 % or 100 %, however near it is."""
    nearest = 1e-9  # in 32 bits a sum of exponentials can be exactly 1
    return percent(min(max(value, nearest), 1 - nearest), digits)


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """Write a number with so many digits behind the point; a difference has its sign."""
    return UNDEFINED if value is None else f"{value:{'+' if signed else ''}.{digits}f}"


def interval(
    low: float | None, high: float | None, digits: int = 3, *, signed: bool = False
) -> str:
    """Write an interval: '0.898-0.916', or of differences '-0.012 to +0.004'; empty without one."""
    if low is None or high is None:
        return ""
    between = " to " if signed else "-"
    return between.join(number(end, digits, signed=signed) for end in (low, high))


def value_text(entry: Mapping[str, Any], digits: int = 3, *, signed: bool = False) -> str:
    """Write a {value, low, high} in one piece: '0.907 (0.898-0.916)'; other keys may be in it."""
    value = number(entry["value"], digits, signed=signed)
    reach = interval(entry["low"], entry["high"], digits, signed=signed)
    return f"{value} ({reach})" if reach and entry["value"] is not None else value


def p_value(p: float | None) -> str:
    """Write a p-value: '0.012'; what is small is given as a bound."""
    if p is None:
        return UNDEFINED
    return f"< {SMALLEST_P:g}" if p < SMALLEST_P else f"{p:.3f}"
