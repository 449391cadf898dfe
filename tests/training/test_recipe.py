from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import Architecture, InvalidSetting, Option, UnknownName
from zoo.base.recipe import DEFAULT, PRESETS, Recipe
from zoo.base.settings import assignments, explainer_options, option_value, parse_value
from zoo.training.recipe import input_shape_of, lacking, preset_of, settings, shared_settings

ARCHITECTURE = Architecture(
    name="net",
    summary="",
    build=lambda *_: None,
    parameters=0,
    options={"width": Option(1.0, "Width."), "pool": Option("max", "Pooling.", ("max", "mean"))},
    recipe={"epochs": 7, "augmentation": "none"},
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("monitor", "luck"),
        ("schedule", "step"),
        ("augmentation", "flip"),
        ("epochs", 0),
        ("batch_size", 0),
        ("batch_size", 10**9),
        ("patience", -1),
        ("views", 0),
        ("fine_tune_epochs", -1),
        ("weight_decay", -0.1),
        ("weight_decay", math.nan),
        ("weight_decay", math.inf),
        ("clip_norm", -1.0),
        ("clip_norm", math.nan),
        ("frame", "heart"),
        ("backbone", "melted"),
        ("fewest_steps", 0),
        ("warm_up", -0.5),
        ("warm_up", math.nan),
        ("averaging", -0.5),
        ("averaging", math.nan),
        ("seed", -1),
        ("seed", 2**32),
        ("cases", 0),
        ("learning_rate", 0.0),
        ("learning_rate", 11.0),
        ("learning_rate", math.nan),
        ("fine_tune_learning_rate", 0.0),
        ("label_smoothing", 1.0),
        ("label_smoothing", -0.1),
        ("label_smoothing", math.nan),
    ],
)
def test_values_that_cannot_work_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidSetting, match=name):
        Recipe(**{name: value})


def test_the_architecture_changes_defaults_and_the_user_both() -> None:
    recipe, options = settings(ARCHITECTURE, {"batch_size": "8", "width": "0.5"})
    assert (recipe.epochs, recipe.augmentation, recipe.batch_size) == (7, "none", 8)
    assert options == {"width": 0.5, "pool": "max"}
    assert settings(ARCHITECTURE, {"epochs": 3})[0].epochs == 3


def test_unknown_settings_get_the_closest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'learning_rate'"):
        settings(ARCHITECTURE, {"learning_rat": "1"})
    with pytest.raises(UnknownName, match="Did you mean 'width'"):
        settings(ARCHITECTURE, {"widht": "1"})


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("epochs", "many", "a whole number"),
        ("epochs", "1.5", "a whole number"),
        ("epochs", 1.5, "a whole number"),
        ("epochs", "", "a whole number"),
        ("learning_rate", "fast", "a number"),
        ("learning_rate", "nan", "a number"),
        ("class_weights", "perhaps", "true or false"),
        ("pool", "min", "one of: max, mean"),
        ("epochs", "0", "at least 1"),
    ],
)
def test_text_of_another_kind_is_refused(name: str, text: Any, expected: str) -> None:
    with pytest.raises(InvalidSetting, match=expected):
        settings(ARCHITECTURE, {name: text})


def test_explainer_options_take_only_their_own() -> None:
    known = {"samples": Option(50, ""), "noise": Option(0.1, "")}
    assert explainer_options(known, {"samples": "9", "layer": "x"}) == {"samples": 9, "noise": 0.1}


def test_option_choices_are_kept() -> None:
    pool = ARCHITECTURE.options["pool"]
    assert option_value("pool", "mean", pool) == "mean"
    with pytest.raises(InvalidSetting, match="pool is 'sum'"):
        option_value("pool", "sum", pool)


@pytest.mark.parametrize("pair", ["epochs", "=3", ""])
def test_assignments_need_a_name_and_a_mark(pair: str) -> None:
    with pytest.raises(InvalidSetting, match="key=value"):
        assignments([pair])


def test_assignments_keep_further_marks_and_refuse_repetition() -> None:
    assert assignments(["a=b=c", "d="]) == {"a": "b=c", "d": ""}
    with pytest.raises(InvalidSetting, match="twice"):
        assignments(["a=1", "a=2"])


@given(st.dictionaries(st.text(min_size=1).filter(lambda t: "=" not in t), st.text()))
def test_assignments_read_back_what_was_written(values: dict[str, str]) -> None:
    assert assignments(f"{name}={value}" for name, value in values.items()) == values


@given(st.integers())
def test_whole_numbers_read_back(number: int) -> None:
    assert parse_value("n", str(number), 1) == number


@given(st.floats(allow_nan=False))
def test_numbers_read_back(number: float) -> None:
    assert parse_value("x", repr(number), 1.0) == number


@given(st.booleans())
def test_truth_values_read_back(truth: bool) -> None:
    assert parse_value("b", str(truth), False) is truth


@given(st.text(), st.sampled_from([True, 1, 1.0, "text"]))
def test_any_text_is_read_or_refused(text: str, default: Any) -> None:
    try:
        value = parse_value("name", text, default)
    except InvalidSetting as error:
        assert "name" in str(error)  # noqa: PT017 - most texts are read
    else:
        assert type(value) is type(default)


@given(st.dictionaries(st.sampled_from(["epochs", "seed", "clip_norm", "pool"]), st.text()))
def test_any_settings_are_taken_or_refused(changes: dict[str, str]) -> None:
    try:
        settings(ARCHITECTURE, changes)
    except InvalidSetting as error:
        assert any(name in str(error) for name in changes)  # noqa: PT017 - or all are taken


NAMED = replace(
    ARCHITECTURE,
    input_shape=(96, 96, 1),
    presets={"best": {"input_shape": (160, 128, 1), "epochs": 21, "width": 2.0}},
)


def test_a_preset_that_is_named_changes_recipe_options_and_input() -> None:
    recipe, options = settings(NAMED, {"batch_size": 8}, "best")
    assert (recipe.epochs, recipe.batch_size, recipe.augmentation) == (21, 8, "none")
    assert options == {"width": 2.0, "pool": "max"}
    assert input_shape_of(NAMED, "best") == (160, 128, 1)
    assert input_shape_of(NAMED, DEFAULT) == input_shape_of(NAMED, "fast") == (96, 96, 1)


def test_what_is_set_goes_before_the_preset() -> None:
    recipe, options = settings(NAMED, {"epochs": "3", "width": "0.5"}, "best")
    assert recipe.epochs == 3
    assert options["width"] == 0.5


def test_a_preset_that_is_not_named_is_made_of_the_default() -> None:
    recipes = {preset: settings(ARCHITECTURE, {}, preset)[0] for preset in PRESETS}
    assert recipes[DEFAULT] == settings(ARCHITECTURE, {})[0]
    assert [recipes[preset].epochs for preset in PRESETS] == [2, 7, 14]
    assert recipes["best"].averaging > 0 == recipes[DEFAULT].averaging
    single = replace(ARCHITECTURE, recipe={"epochs": 1})
    assert preset_of(single, "fast") == {"epochs": 1}


def test_an_unknown_preset_gets_the_closest_name() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'fast'"):
        settings(ARCHITECTURE, {}, "fats")
    with pytest.raises(UnknownName, match="preset"):
        input_shape_of(ARCHITECTURE, "slow")


def test_a_preset_cannot_name_what_is_no_setting() -> None:
    wrong = replace(ARCHITECTURE, presets={"fast": {"epoch": 2}})
    with pytest.raises(UnknownName, match="Did you mean 'epochs'"):
        settings(wrong, {}, "fast")


def test_the_recipe_of_an_older_record_says_what_it_computed_in() -> None:
    older = {**asdict(Recipe(epochs=3)), "mixed_precision": True}
    for name in ("precision", "xla", "accumulate"):
        del older[name]
    assert Recipe.from_record(older) == Recipe(epochs=3, precision="mixed_bfloat16")
    assert Recipe.from_record({**older, "mixed_precision": False}).precision == "float32"
    assert older["mixed_precision"]
    del older["split_seed"]  # what was divided was divided by the seed of the training
    assert Recipe.from_record({**older, "seed": 3}).split_seed == 3
    new = Recipe(accumulate=4, xla="on", precision="mixed_float16")
    assert Recipe.from_record(asdict(new)) == new


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"precision": "float64"}, "expected one of: auto, float32, mixed_bfloat16, mixed_float16"),
        ({"xla": "true"}, "expected one of: auto, on, off"),
        ({"accumulate": 0}, "expected at least 1"),
        ({"accumulate": 33}, "at most the batch_size, 32"),
    ],
)
def test_ways_to_compute_that_do_not_exist_are_refused(changes: dict, told: str) -> None:
    with pytest.raises(InvalidSetting, match=told):
        Recipe(**changes)


def test_what_is_noted_of_those_that_were_trained_is_no_check_of_them() -> None:
    """Time may be over before the only architecture that has a setting was trained."""
    have, lack = (
        Architecture(name=name, summary="", build=lambda *_: None, parameters=0, options=options)
        for name, options in (("wide", {"width": Option(1, "cells")}), ("plain", {}))
    )
    changes = {"width": 3, "epochs": 1}
    shared_settings([have, lack], changes)
    assert lacking([have, lack], changes) == lacking([lack], changes)
    assert lacking([have], changes) == []
    with pytest.raises(UnknownName):
        shared_settings([lack], changes)
