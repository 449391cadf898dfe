"""Text that becomes a setting."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import InvalidSetting
from zoo.base.settings import seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("60m", 3600), ("2h", 7200), ("1.5H", 5400)]
)
def test_a_time_is_read_in_its_unit(text: str, seconds: float) -> None:
    assert seconds_of(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "60", "m", "0m", "-1h", "1d", "nans", "infh", "1e999h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidSetting, match=r"--budget is '.*'; expected a time such as 90s"):
        seconds_of(text, "--budget")


@given(st.text(max_size=6))
def test_any_text_is_a_time_or_refused(text: str) -> None:
    with contextlib.suppress(InvalidSetting):
        assert 0 < seconds_of(text, "--budget") < float("inf")
