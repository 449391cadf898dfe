from __future__ import annotations

import pytest

from zoo.base import progress
from zoo.base.progress import Stretch, clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (65.4, "1:05"), (3599.6, "1:00:00"), (3 * 3600 + 125, "3:02:05")],
)
def test_times_are_written_with_minutes_and_hours(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_the_rest_takes_as_long_for_each_step_as_what_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 50.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now)
    stretch = Stretch("reading", 2000)
    assert stretch.seconds_left() is None
    assert str(stretch) == "0 of 2,000"
    now, stretch.done = 60.0, 500
    assert stretch.seconds_left() == 30
    assert str(stretch) == "500 of 2,000, about 0:30 left"
    stretch.done = 2001
    assert stretch.seconds_left() == 0
