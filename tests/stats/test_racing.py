"""Who is dropped of several candidates: those that lose, and those for whom there is no time."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.leaderboard import Trial, leaderboard
from zoo.stats.racing import fitting, losers, standings


def trials(strength: float, seed: int, folds: int = 1, images: int = 200) -> list[Trial]:
    """Answers of networks to folds of other images; `strength` is how well they tell."""
    made = []
    for fold in range(folds):
        labels = np.arange(images) % 2
        noise = np.random.default_rng(100 * fold + seed).normal(size=(images, 2))
        logits = (noise + strength * np.eye(2)[labels]).astype(np.float32)
        names = np.array([f"{fold}-{i}" for i in range(images)])
        made.append(Trial(LabelledLogits(logits, labels, names, names), 1.0, 0.5, fold=fold))
    return made


def test_standings_are_those_of_the_leaderboard() -> None:
    raced = {"weak": trials(0.5, 1, 2), "strong": trials(2.5, 2, 2), "next": trials(2.2, 3, 2)}
    found, board = standings(raced, 1), leaderboard(raced, 1)
    assert [one.name for one in found] == [entry["name"] for entry in board["entries"]]
    assert found[0].behind is None
    pairs = {pair["b"]: pair for pair in board["pairs"] if pair["a"] == found[0].name}
    for one in found[1:]:
        assert one.behind is not None
        assert one.behind.value == pytest.approx(-pairs[one.name]["difference"]["value"])
        assert one.behind.low == pytest.approx(-pairs[one.name]["difference"]["high"])


def test_the_clearly_worse_is_dropped_and_the_alike_stays() -> None:
    found = standings({"a": trials(2.5, 1), "b": trials(2.5, 2), "c": trials(0.3, 3)}, 1)
    assert [one.name for one in losers(found, 4)] == ["c"]


def test_the_more_looks_the_harder_one_is_dropped() -> None:
    found = standings({"a": trials(2.0, 1), "b": trials(1.3, 2)}, 1)
    p = found[1].p
    looks = 0.05 / p
    assert looks > 1
    assert losers(found, int(looks))
    assert not losers(found, int(looks) + 1)


def test_equal_candidates_are_seldom_dropped_however_often_one_looks() -> None:
    """No more than 5 % of the races drop one that is as good: here 3 looks at 4 alike."""
    dropped = 0
    for race in range(100):
        made = {name: trials(1.0, 1000 * race + i, 3, 60) for i, name in enumerate("abcd")}
        looks = [standings({n: t[:k] for n, t in made.items()}, 1) for k in (1, 2, 3)]
        dropped += any(losers(found, 3) for found in looks)
    assert dropped <= 10, "of 100; 5 expected at most, 10 by chance"


def test_undefined_areas_drop_nobody() -> None:
    one = trials(1.0, 1)[0].outputs
    same = LabelledLogits(one.logits, np.ones_like(one.labels), one.patients, one.names)
    found = standings({"a": [Trial(same, 1.0, 0.5)], "b": [Trial(same, 1.0, 0.5)]}, 1)
    assert losers(found, 1) == []


@pytest.mark.parametrize(
    ("left", "kept"),
    [(80, "abcdefgh"), (79, "abcd"), (40, "abcd"), (39, "ab"), (1, "ab"), (-5, "ab")],
)
def test_the_worse_half_goes_until_the_rest_fits_down_to_two(left: float, kept: str) -> None:
    order = list("abcdefgh")
    assert fitting(order, dict.fromkeys(order, 10.0), left) == list(kept)


def test_it_is_the_time_of_each_that_counts() -> None:
    assert fitting(list("abc"), {"a": 1.0, "b": 1.0, "c": 100.0}, 10) == ["a", "b"]
    assert fitting(["a"], {"a": 100.0}, 10) == ["a"]
