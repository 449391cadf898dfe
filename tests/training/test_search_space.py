"""What a tuning tries, by default and as it is asked for."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import Architecture, InvalidSetting, Option, UnknownName, ZooError
from zoo.training.search_space import Choice, Range, rounded, search_space

ONE = Architecture(
    name="one",
    summary="",
    build=lambda *_: None,
    parameters=1,
    options={
        "dropout": Option(0.3, "share"),
        "width": Option(8, "filters"),
        "skip": Option(False, "whether"),
        "features": Option("middle", "which", ("middle", "last")),
        "variant": Option("a", "which", ("a", "b", "c", "d")),
        "weights": Option("", "a path"),
    },
    recipe={"learning_rate": 4e-4, "weight_decay": 0.02},
)


def test_the_default_follows_from_recipe_and_options() -> None:
    assert search_space(ONE) == {
        "learning_rate": Range(4e-5, 4e-3),
        "weight_decay": Range(0.002, 0.2),
        "label_smoothing": Range(0.0, 0.2),
        "augmentation": Choice(("robust", "chest", "none")),
        "dropout": Range(0.0, 0.6),
        "width": Range(4, 16),
        "skip": Choice((False, True)),
        "features": Choice(("middle", "last")),
    }
    tuned = search_space(replace(ONE, recipe={"fine_tune_epochs": 3}))
    assert tuned["fine_tune_learning_rate"] == Range(1e-6, 1e-4)
    assert search_space(replace(ONE, recipe={"learning_rate": 5.0}))["learning_rate"].high == 10


def test_what_is_asked_for_takes_the_place_of_the_default() -> None:
    space = search_space(
        ONE, ["learning_rate=1e-4..1e-2", "augmentation=robust,chest", "variant=a,c", "epochs=2..9"]
    )
    assert space["learning_rate"] == Range(1e-4, 1e-2)
    assert space["augmentation"] == Choice(("robust", "chest"))
    assert space["variant"] == Choice(("a", "c"))
    assert space["epochs"].whole
    assert str(space["epochs"]) == "2..9"


def test_what_is_set_is_not_searched() -> None:
    space = search_space(ONE, changes={"dropout": "0.1", "augmentation": "chest"})
    assert {"dropout", "augmentation"}.isdisjoint(space)
    with pytest.raises(InvalidSetting, match="'dropout' is to be searched, and is set"):
        search_space(ONE, ["dropout=0..0.5"], {"dropout": "0.1"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("learning_rate", "says nothing to search"),
        ("=1..2", "says nothing to search"),
        ("learning_rate=", "says nothing to search"),
        ("learning_rate=1e-2..1e-4", "is no range"),
        ("learning_rate=1..2..3", "is no range"),
        ("augmentation=chest..none", "is no range"),
        ("augmentation=chest", "gives no choice"),
        ("augmentation=chest,chest", "gives no choice"),
        ("augmentation=chest,polite", "augmentation is 'polite'; expected one of"),
        ("learning_rate=0..1", "learning_rate is 0.0; expected a value above 0"),
        ("epochs=1.5..3", "expected a whole number"),
        ("variant=a,z", "variant is 'z'; expected one of"),
    ],
)
def test_what_cannot_be_searched_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidSetting, match=words):
        search_space(ONE, [text])


@pytest.mark.parametrize("name", ["seed", "split_seed", "monitor", "lerning_rate"])
def test_what_is_no_setting_to_search_is_named(name: str) -> None:
    with pytest.raises(UnknownName, match=f"no setting to search '{name}'"):
        search_space(ONE, [f"{name}=1..2"])


@given(st.text("learning_rate=0.12,-e \u00e4", max_size=24))
def test_any_text_is_a_range_or_refused(text: str) -> None:
    with contextlib.suppress(ZooError):
        assert search_space(ONE, [text])


@given(st.floats(1e-7, 1e3))
def test_a_number_is_rounded_within_its_range(value: float) -> None:
    part = Range(1.2345e-7, 999.9)
    assert part.low <= rounded(min(max(value, part.low), part.high), part) <= part.high
    assert part.logarithmic


def test_a_whole_number_stays_one() -> None:
    assert rounded(7, Range(2, 9)) == 7
    assert not Range(2, 9).logarithmic
    assert not Range(0.0, 1.0).logarithmic
