from __future__ import annotations

import pytest

from zoo.base import console
from zoo.base.console import Console


def test_plain_lines_say_how_long_the_rest_takes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    told = Console()
    told.start("features", 100_000)
    told.advance(32)
    assert capsys.readouterr().err == "", "not at every step"
    now = 20.0
    told.advance(968)
    now = 21.0
    told.advance(1000)
    told.stop()
    assert capsys.readouterr().err == "features: 1,000 of 100,000, about 33:00 left\n"


def test_a_step_after_the_end_of_a_stretch_is_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = 0.0
    monkeypatch.setattr(console.time, "monotonic", lambda: now)
    told = Console()
    told.start("small pictures", 128)
    told.advance(128)
    told.stop()
    now = 2 * console.PLAIN_SECONDS
    told.advance()
    assert capsys.readouterr().err == ""
