from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.base.number_text import interval, number, p_value, percent, probability, value_text

DIGITS = st.integers(0, 3)
SHARE = st.floats(0, 1)


@pytest.mark.parametrize(
    ("share", "digits", "text"),
    [
        (0.0, 0, "0 %"),
        (1.0, 0, "100 %"),
        (0.004, 0, "< 1 %"),
        (0.005, 0, "< 1 %"),  # rounding to even would give 0
        (0.996, 0, "> 99 %"),
        (0.995, 0, "> 99 %"),
        (0.93, 0, "93 %"),
        (0.0004, 1, "< 0.1 %"),
        (0.9996, 1, "> 99.9 %"),
        (0.0512, 1, "5.1 %"),
        (0.6, 1, "60 %"),
        (0.125, 2, "12.50 %"),
        (None, 1, "-"),
    ],
)
def test_shares(share: float | None, digits: int, text: str) -> None:
    assert percent(share, digits) == text


@given(SHARE, DIGITS)
def test_only_none_and_all_are_written_so_and_the_rest_is_near(share: float, digits: int) -> None:
    text = percent(share, digits)
    assert (text == "0 %") == (share == 0)
    assert (text == "100 %") == (share == 1)
    shown = float(re.sub("[<>% ]", "", text))
    bound = text[0] in "<>"
    assert math.isclose(shown, 100 * share, abs_tol=(1.0 if bound else 0.501) * 10.0**-digits)
    if bound:
        assert (100 * share < shown) == (text[0] == "<")


@given(SHARE, st.integers(0, 1))
def test_a_probability_is_never_certain_nor_beside_one_that_contradicts(
    value: float, digits: int
) -> None:
    both = probability(value, digits), probability(1 - value, digits)
    assert not {"0 %", "100 %"} & set(both)
    assert both[0].startswith("<") == both[1].startswith(">")


def test_numbers_and_intervals() -> None:
    assert number(0.9071) == "0.907"
    assert number(0.0042, 2, signed=True) == "+0.00"
    assert number(None) == "-"
    assert interval(0.8978, 0.916) == "0.898-0.916"
    assert interval(-0.01, 0.02, 2, signed=True) == "-0.01 to +0.02"
    assert interval(None, None) == ""
    assert (
        value_text({"value": 0.907, "low": 0.898, "high": 0.916, "note": ""})
        == "0.907 (0.898-0.916)"
    )
    assert value_text({"value": 0.907, "low": None, "high": None}) == "0.907"
    assert value_text({"value": None, "low": None, "high": None}) == "-"


def test_small_p_values_are_bounds() -> None:
    assert p_value(0.0123) == "0.012"
    assert p_value(0.00099) == "< 0.001"
    assert p_value(0.001) == "0.001"
    assert p_value(None) == "-"
