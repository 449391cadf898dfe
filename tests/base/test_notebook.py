from __future__ import annotations

from typing import Any

import pytest

from zoo.base import notebook
from zoo.base.console import Console
from zoo.base.listeners import listener
from zoo.base.notebook import Notebook
from zoo.base.progress import SILENT

display = pytest.importorskip("IPython.display")
ROW = {
    "phase": "head",
    "epoch": 1,
    "loss": 0.5,
    "val_loss": 0.4,
    "val_pr_auc": 0.9,
    "val_roc_auc": 0.8,
    "seconds": 30.0,
}


class Place:
    """What a notebook shows: the last state of each display, and how often it was renewed."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.now = 0.0

    def update(self, thing: Any) -> None:
        self.shown.append(thing._repr_html_())


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place()

    def shown(thing: Any, display_id: bool) -> Place:
        assert display_id
        place.update(thing)
        return place

    monkeypatch.setattr(display, "display", shown)
    monkeypatch.setattr(notebook.time, "monotonic", lambda: place.now)
    return place


def test_one_place_holds_what_was_told_and_the_bar_goes_when_it_is_done(place: Place) -> None:
    told = Notebook()
    told.note("Reading <b>images</b>.")
    told.start("features", 200)
    place.now = 1.0
    told.advance(50)
    assert "&lt;b&gt;images" in place.shown[-1]
    assert "features: 50 of 200, about 0:03 left" in place.shown[-1]
    assert 'value="0.250"' in place.shown[-1]
    told.epoch(ROW, 3)
    told.stop()
    assert "<progress" not in place.shown[-1]
    assert "at most 1:00 left" in place.shown[-1]
    told.warn("Collapse.")
    assert "font-weight:bold" in place.shown[-1]
    assert repr(told).splitlines()[-1] == "Warning: Collapse."


def test_a_short_stretch_shows_nothing_and_a_long_one_is_not_drawn_at_every_step(
    place: Place,
) -> None:
    told = Notebook()
    told.start("predicting", 2)
    told.advance(2)
    told.stop()
    assert place.shown == []
    told.start("features", 1000)
    for _ in range(1000):
        place.now += 0.01
        told.advance()
    assert 20 < len(place.shown) < 45


def test_only_the_last_lines_stay_in_sight(place: Place) -> None:
    told = Notebook()
    for number in range(notebook.LINES + 5):
        told.note(f"line {number}.")
    assert "5 earlier lines" in place.shown[-1]
    assert "line 4." not in place.shown[-1]
    assert "line 5." in place.shown[-1]


def test_without_a_listener_it_is_told_where_the_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listener(SILENT) is SILENT
    assert isinstance(listener(None), Console)

    class Shell:
        kernel = object()

    import IPython

    monkeypatch.setattr(IPython, "get_ipython", Shell)
    assert isinstance(listener(None), Notebook)
    monkeypatch.setattr(IPython, "get_ipython", object)  # IPython on a terminal has no kernel
    assert isinstance(listener(None), Console)
