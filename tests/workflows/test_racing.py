"""Candidates trained fold by fold within a budget: who is stopped, after what, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zoo.base.progress import SILENT
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.leaderboard import Trial
from zoo.training.cells import Cell, CellResult
from zoo.workflows import racing
from zoo.workflows.racing import Race, race

FOLDS = 3


def answers(strength: float, seed: int, fold: int, images: int = 200) -> LabelledLogits:
    labels = np.arange(images) % 2
    noise = np.random.default_rng(10 * fold + seed).normal(size=(images, 2))
    names = np.array([f"{fold}-{i}" for i in range(images)])
    logits = (noise + strength * np.eye(2)[labels]).astype(np.float32)
    return LabelledLogits(logits, labels, names, names)


class Track:
    """Trainings that take the time they are said to take, on a clock of their own."""

    positive = 1
    setup = SimpleNamespace(jobs=1, progress=SILENT)

    def __init__(self, runners: Mapping[str, tuple[float, float]], done: set[str] = frozenset()):
        self.runners, self.now, self.trained = runners, 1000.0, list[str]()
        self.done = set(done)

    def is_done(self, cell: Cell) -> bool:
        return cell.name in self.done

    def train(self, cells: list[Cell], *, until: float, tried_before: bool) -> None:
        for cell in cells:
            if cell.name not in self.done and self.now < until:
                self.now += self.runners[cell.architecture][1]
                self.done.add(cell.name)
                self.trained.append(cell.name)

    def read(self, cell: Cell) -> CellResult:
        strength, seconds = self.runners[cell.architecture]
        part = answers(strength, list(self.runners).index(cell.architecture), cell.fold)
        return CellResult(cell, part, part, {"seconds": seconds})


def run(track: Track, budget: float, monkeypatch: pytest.MonkeyPatch) -> Race:
    clock = SimpleNamespace(time=lambda: track.now, monotonic=lambda: track.now)
    monkeypatch.setattr(racing, "time", clock)
    plan = {
        name: [Cell(architecture=name, source="s", folds=FOLDS, fold=f) for f in range(FOLDS)]
        for name in track.runners
    }
    return race(track, plan, lambda one: Trial(one.test, 1.0, 0.5, fold=one.cell.fold), budget)


def told(raced: Race) -> dict[str, tuple[str, int]]:
    return {one["name"]: (one["reason"], one["trainings"]) for one in raced.stopped}


def test_with_time_enough_only_the_clearly_worse_is_stopped(monkeypatch) -> None:
    track = Track({"a": (2.5, 10), "b": (2.5, 10), "bad": (0.2, 10)})
    raced = run(track, math.inf, monkeypatch)
    assert set(raced.outcomes) == {"a", "b"}
    assert all(len(outcomes) == FOLDS for outcomes in raced.outcomes.values())
    assert told(raced) == {"bad": ("worse", 1)}
    (stopped,) = raced.stopped
    assert stopped["difference"]["high"] < 0
    assert stopped["p"] < 0.05 / (FOLDS - 1)
    assert (
        "bad was stopped after 1 of 3 trainings: it ranks images worse than"
        in (stopped["sentence"])
    )
    assert raced.seconds == 70


def test_where_time_is_short_the_worse_half_is_stopped_after_a_fold(monkeypatch) -> None:
    track = Track({name: (2.0 + 0.1 * i, 10) for i, name in enumerate("abcd")})
    raced = run(track, 85, monkeypatch)  # 40 for the first round, 80 for the others of all
    assert raced.rounds == FOLDS
    assert len(raced.outcomes) == 2
    assert [one["reason"] for one in raced.stopped] == ["time", "time"]
    assert all("among the worse half" in one["sentence"] for one in raced.stopped)
    assert raced.seconds == 80


def test_what_was_not_reached_in_the_first_round_was_not_trained(monkeypatch) -> None:
    raced = run(Track(dict.fromkeys("abcd", (2.0, 10))), 25, monkeypatch)
    assert told(raced)["d"] == ("time", 0)
    (last,) = (one for one in raced.stopped if one["name"] == "d")
    assert last["sentence"] == "d was not trained: the time was up."
    assert last["roc_auc"] is last["difference"] is None


def test_those_who_are_left_when_the_time_is_up_have_the_same_folds(monkeypatch) -> None:
    raced = run(Track(dict.fromkeys("ab", (2.0, 10))), 35, monkeypatch)
    assert raced.rounds == 2
    assert {len(outcomes) for outcomes in raced.outcomes.values()} == {2}
    assert not raced.stopped


@pytest.mark.parametrize("budget", [1, 15, 29, 31, 45, 59, 61, 75, 1000])
@pytest.mark.parametrize("strengths", [(2, 2, 2, 2), (2.5, 1.2, 0.2, 2.4)])
def test_nobody_is_ranked_with_fewer_folds_than_another(
    budget: float, strengths: Any, monkeypatch
) -> None:
    track = Track({name: (s, 10) for name, s in zip("abcd", strengths, strict=True)})
    raced = run(track, budget, monkeypatch)
    assert raced.outcomes
    assert {len(outcomes) for outcomes in raced.outcomes.values()} == {raced.rounds}
    assert sorted([*raced.outcomes, *told(raced)]) == list("abcd")
    assert raced.seconds < budget + 10, "but for the training that had begun"


def test_what_is_trained_already_costs_no_time(monkeypatch) -> None:
    runners = dict.fromkeys("abc", (2.0, 10))
    first = Track(runners)
    run(first, math.inf, monkeypatch)
    again = Track(runners, done=first.done)
    raced = run(again, 1, monkeypatch)
    assert len(raced.outcomes) == 3
    assert raced.seconds == 0
    assert not again.trained
