"""Lessons: which images are drawn, that an answer stands, and what is counted."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import BadInput, Dataset, InvalidSetting, Sample, UnknownName
from zoo.web.app import lessons
from zoo.web.app.lessons import (
    Exercise,
    Lesson,
    Lessons,
    highest,
    of_cases,
    of_dataset,
    share_of,
)
from zoo.workflows.predict import Prediction

CLASSES = ("NORMAL", "PNEUMONIA")


def left_half(size: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[:, : size[1] // 2] = True
    return mask


def dataset(count: int = 20) -> Dataset:
    return Dataset(
        source="test",
        class_names=("PNEUMONIA", "NORMAL"),
        samples=tuple(Sample(f"{n}.png", int(n % 5 == 0), None, "") for n in range(count)),
        read=lambda _, size: np.zeros((*(size or (30, 40)), 3), np.uint8),
        digest=lambda sample: f"digest-{sample.name}",
        mask=lambda _, size: left_half(size or (30, 40)),
    )


def run(learned: tuple[str, ...] = (), tuned: tuple[str, ...] = ()) -> Any:
    splits = {"train": {"members": learned}, "validation": {"members": tuned}}
    return SimpleNamespace(class_names=CLASSES, record={"splits": splits}, name="run")


def said_by_network(label: str, refused: str = "") -> Prediction:
    return Prediction("a", label, CLASSES[0], refused, "", 0.0, {CLASSES[0]: 0.6, CLASSES[1]: 0.4})


def lesson(*exercises: Exercise) -> Lesson:
    return Lesson("ann", "run", "test", False, CLASSES, exercises)


def exercise(truth: str = "NORMAL", masked: bool = True) -> Exercise:
    blank = np.zeros((30, 40, 3), np.uint8)
    return Exercise("a.png", truth, lambda: blank, left_half if masked else None)


def test_as_many_of_each_class_are_drawn_and_none_that_the_run_learned() -> None:
    drawn = of_dataset(dataset(), run(("digest-0.png",), ("digest-1.png",)), 6, 1)
    truths = [one.truth for one in drawn]
    assert truths.count("NORMAL") == truths.count("PNEUMONIA") == 3
    assert not {"0.png", "1.png"} & {one.name for one in drawn}
    everything = of_dataset(dataset(), run(), 50, 1)
    assert len({one.name for one in everything}) == 20
    # Classes are known by their names: the data number them in another order than the run.
    assert all((one.truth == "NORMAL") == (int(one.name[:-4]) % 5 == 0) for one in everything)
    assert [one.name for one in everything] != [s.name for s in dataset().samples]
    with pytest.raises(BadInput, match="learned from all"):
        of_dataset(dataset(2), run(("digest-0.png", "digest-1.png")), 5, 1)
    with pytest.raises(BadInput):
        of_dataset(replace(dataset(), class_names=("A", "B")), run(), 5, 1)


def test_saved_cases_with_a_label_are_drawn() -> None:
    cases = [
        SimpleNamespace(name=str(n), label=label, digest=str(n))
        for n, label in enumerate(["NORMAL", "", "PNEUMONIA", "OTHER", "NORMAL"])
    ]
    drawn = of_cases(cases, run(("4",)), 10, 0, lambda case: np.full((9, 9, 3), int(case.name)))
    assert {one.name: one.truth for one in drawn} == {"0": "NORMAL", "2": "PNEUMONIA"}
    assert all((one.read() == int(one.name)).all() for one in drawn)


@pytest.mark.parametrize(
    ("mark", "hit"),
    [
        ((0.0, 0.0), True),
        ((0.49, 1.0), True),
        ((0.51, 0.5), False),
        ((1.0, 1.0), False),
        (None, None),
    ],
)
def test_a_mark_is_on_the_finding_or_beside_it(mark: Any, hit: Any) -> None:
    told = lesson(exercise(), exercise(masked=False))
    for number in (1, 2):
        told.commit(number, "NORMAL", mark, said_by_network("NORMAL"))
    assert told.exercise(1).hit is hit
    assert told.exercise(2).hit is None


def test_the_place_where_a_map_is_highest_is_the_networks_mark() -> None:
    values = np.full((4, 8), np.nan, np.float32)
    values[3, 1] = -1.0
    assert highest(values) == (1.5 / 8, 3.5 / 4)
    told = lesson(exercise(), exercise(masked=False))
    for number in (1, 2):
        told.commit(number, "NORMAL", None, said_by_network("NORMAL"), highest(values))
    assert told.exercise(1).has_finding
    assert not told.exercise(2).has_finding
    assert [told.exercise(number).network_hit for number in (1, 2)] == [True, None]
    assert told.summary()["network_pointed"]["of"] == 1
    assert told.summary()["pointed"] is None


def test_an_answer_stands() -> None:
    told = lesson(exercise())
    assert told.next == 1
    for said, mark in (("OTHER", None), ("", None), ("NORMAL", (0.5, 1.1)), ("NORMAL", (-0.1, 0.5)),
                       ("NORMAL", (float("nan"), 0.5))):  # fmt: skip
        with pytest.raises(InvalidSetting):
            told.commit(1, said, mark, said_by_network("NORMAL"))
    told.commit(1, "PNEUMONIA", None, said_by_network("NORMAL"))
    with pytest.raises(InvalidSetting, match="already"):
        told.commit(1, "NORMAL", None, said_by_network("NORMAL"))
    assert told.exercise(1).said == "PNEUMONIA"
    assert told.next is None
    for number in (0, 2, -1):
        with pytest.raises(UnknownName):
            told.exercise(number)


def test_what_is_counted() -> None:
    told = lesson(
        *(exercise(truth) for truth in ("NORMAL", "NORMAL", "PNEUMONIA", "PNEUMONIA", "NORMAL"))
    )
    answers = [
        ("NORMAL", (0.1, 0.1), said_by_network("NORMAL")),
        ("NORMAL", (0.9, 0.1), said_by_network("PNEUMONIA")),
        ("NORMAL", None, said_by_network("PNEUMONIA")),
        ("NORMAL", None, said_by_network("UNCERTAIN", "uncertain")),
    ]
    for number, given_answer in enumerate(answers, 1):
        told.commit(number, *given_answer)
    counted = told.summary()
    assert counted["images"] == 4
    assert (counted["student"]["right"], counted["network"]["right"]) == (2, 2)
    assert [counted[key] for key in ("both", "student_alone", "network_alone", "neither")] == [
        1
    ] * 4
    assert counted["refused"] == 1
    assert (counted["pointed"]["right"], counted["pointed"]["of"]) == (1, 2)
    assert lesson(exercise()).summary()["student"] is None


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_an_interval_holds_its_share(right: list[bool]) -> None:
    told = share_of(right)
    assert told is not None
    assert 0 <= told["low"] <= told["right"] / told["of"] <= told["high"] <= 1
    if all(right):  # against the formula for this end
        assert told["low"] == pytest.approx(0.025 ** (1 / len(right)))


def test_each_has_one_lesson_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "MOST", 2)
    known = Lessons()
    first, second = lesson(exercise()), lesson(exercise())
    known.keep(first)
    known.keep(second)
    assert known.find("ann", second.id) is second
    for owner, key in (("ann", first.id), ("bob", second.id)):
        with pytest.raises(UnknownName):
            known.find(owner, key)
    for owner in ("bob", "eve"):
        known.keep(replace(first, owner=owner))
    assert known.of("ann") is None
