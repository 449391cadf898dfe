"""Which way to compute is taken: what was asked for, what was recorded, or what is faster."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from small_trainings import Heard, Squares

from zoo import NotWritten
from zoo.base.errors import InvalidSetting
from zoo.base.recipe import Recipe
from zoo.training import choosing, devices, speed
from zoo.training.choosing import choose, fastest
from zoo.training.execution import Execution

PLAIN, COMPILED = Execution(), Execution(xla=True)
SIXTEEN = Execution("mixed_bfloat16")
BOTH = Execution("mixed_bfloat16", xla=True)
WAYS = [PLAIN, COMPILED, SIXTEEN, BOTH]
LONG = choosing.WORTH_MEASURING
CARD, CARDS = ("GPU:0",), ("GPU:0", "GPU:1")
CORES = ("CPU:0",)


class Card:
    """A card with units for 16 bits, on which something was measured."""

    def __init__(self, monkeypatch):
        self.speeds = {"float32": 100.0, "mixed_bfloat16 with XLA": 300.0}
        self.measured = []
        self.free = 1e12
        self.units = True
        monkeypatch.setattr(devices, "has_bfloat16", lambda _: self.units)
        monkeypatch.setattr(devices, "has_float16", lambda _: False)
        monkeypatch.setattr(choosing, "measured", self.measure)
        monkeypatch.setattr(choosing, "free_memory", lambda _: self.free)
        self.network = Squares().model
        self.heard = Heard()

    def measure(self, _network, _recipe, ways, _progress):
        self.measured.append([way.name for way in ways])
        return self.speeds

    def choose(self, steps=LONG, on=CARD, recorded=None, **changes):
        return choose(
            self.network,
            Recipe(**changes),
            steps,
            exact=lambda: frozenset({6}),
            on=on,
            recorded=recorded,
            progress=self.heard,
        )


@pytest.fixture
def card(monkeypatch):
    return Card(monkeypatch)


def test_the_fastest_way_is_taken_and_told_so_that_it_can_be_had_again(card):
    choice = card.choose()
    assert card.measured == [
        ["float32", "float32 with XLA", "mixed_bfloat16", "mixed_bfloat16 with XLA"]
    ]
    assert (choice.precision, choice.xla) == ("mixed_bfloat16", True)
    assert choice.exact == {6}
    assert choice.to_record()["images_per_second"] == card.speeds
    (note,) = card.heard.notes
    assert "--precision mixed_bfloat16 --set xla=on" in note
    named = card.choose(precision="mixed_bfloat16", xla="on")
    assert (named.precision, named.xla) == ("mixed_bfloat16", True)
    assert len(card.measured) == 1


def test_what_is_hardly_faster_is_not_worth_another_way():
    speeds = dict(zip([way.name for way in WAYS], [100.0, 105.0, 109.0, 109.9], strict=True))
    assert fastest(WAYS, speeds) is PLAIN
    assert fastest(WAYS, {**speeds, "mixed_bfloat16": 200.0}) is SIXTEEN
    assert fastest(WAYS, {**speeds, BOTH.name: 200.0}) is BOTH
    assert fastest(WAYS, {BOTH.name: 200.0, SIXTEEN.name: 190.0}) is SIXTEEN
    assert fastest(WAYS, {}) is PLAIN


def test_a_processor_without_units_for_16_bits_measures_nothing(card):
    card.units = False
    choice = card.choose(on=CORES)
    assert (choice.precision, choice.xla) == ("float32", False)
    card.units = True
    card.choose(on=CORES)
    assert card.measured == [["float32", "mixed_bfloat16"]]


def test_a_short_training_measures_nothing(card):
    assert card.choose(steps=LONG - 1).precision == "float32"
    assert card.measured == []


def test_what_was_recorded_is_taken_again_and_nothing_is_measured(card):
    recorded = {"precision": "mixed_float16", "xla": True, "accumulate": 1, "devices": ["GPU:0"]}
    choice = card.choose(recorded=recorded)
    assert (choice.precision, choice.xla) == ("mixed_float16", True)
    assert not card.choose(recorded=recorded, on=CARDS).xla
    assert card.measured == []


def test_several_devices_and_parts_are_not_compiled(card):
    assert card.choose(on=CARDS).devices == CARDS
    assert card.choose(accumulate=2).accumulate == 2
    assert card.measured == [["float32", "mixed_bfloat16"]] * 2
    for asked in ({"on": CARDS}, {"accumulate": 2}):
        with pytest.raises(InvalidSetting, match="Leave out --set xla=on"):
            card.choose(xla="on", **asked)


def test_on_features_devices_and_precision_make_no_difference_and_it_is_said(card):
    assert card.choose(steps=0) == Execution(devices=CARD)
    assert card.heard.notes == []
    assert card.choose(steps=0, on=CARDS) == Execution(devices=CARD)
    card.choose(steps=0, precision="mixed_bfloat16")
    assert len(card.heard.notes) == 2


def test_where_memory_is_short_a_batch_is_computed_in_parts(card):
    card.speeds = {"float32 with XLA": 1.0}
    assert card.choose().xla
    card.free = 20_000  # 8 images fit, each of 1,300 bytes and their gradients
    choice = card.choose()
    assert (choice.accumulate, choice.xla) == (4, False)
    assert "32 images is computed in 4 parts" in card.heard.notes[-1]
    assert card.choose(on=CARDS).accumulate == 2
    assert card.choose(accumulate=16).accumulate == 16
    card.free = 0
    assert card.choose().accumulate == 32


class Slow(keras.layers.Layer):
    """A layer that knows no 16 bits."""

    def call(self, x):
        if x.dtype != "float32":
            raise TypeError("float32 alone")
        return x * 1.0


def test_ways_are_measured_once_and_one_that_fails_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    monkeypatch.setattr(speed, "STEP_SECONDS", 0.0)
    network = Squares().model
    before = network.get_weights()
    ways = [Execution(devices=CORES), Execution("mixed_bfloat16", devices=CORES)]
    recipe, heard = Recipe(batch_size=4), Heard()
    first = speed.measured(network, recipe, ways, heard)
    assert first.keys() == {"float32", "mixed_bfloat16"}
    assert all(images > 0 for images in first.values())
    for weight, wanted in zip(network.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, wanted)
    assert not hasattr(network, "optimizer") or network.optimizer is None
    other = Squares().model
    other.set_weights([weight + 1 for weight in before])
    with monkeypatch.context() as patch:
        patch.setattr(speed, "_measure", lambda *_: pytest.fail("measured again"))
        assert speed.measured(other, recipe, ways, heard) == first
    (path,) = tmp_path.rglob("*.json")
    path.write_text('{"images_per_second": {"float64": 1}}')
    with monkeypatch.context() as patch:
        patch.setattr(speed, "_measure", lambda *_: {"float32": 2.0})
        assert speed.measured(network, recipe, ways, heard) == {"float32": 2.0}

    pixels = keras.Input((8, 8, 3))
    seen = keras.layers.GlobalAveragePooling2D()(Slow()(pixels))
    partial = keras.Model(pixels, keras.layers.Dense(2)(seen))
    assert speed.measured(partial, recipe, ways, heard).keys() == {"float32"}

    def full(*_):
        raise NotWritten("the disk is full.")

    monkeypatch.setattr(speed, "write_json", full)
    monkeypatch.setattr(speed, "_measure", lambda *_: {"float32": 1.0})
    assert speed.measured(partial, Recipe(), ways, heard) == {"float32": 1.0}
    assert "measured again" in heard.notes[-1]

    monkeypatch.undo()
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(speed, "_measure", lambda *_: {})  # memory was short for a moment
        assert speed.measured(network, Recipe(batch_size=9), ways, heard) == {}
        patch.setattr(speed, "_measure", lambda *_: {"float32": 3.0})
        assert speed.measured(network, Recipe(batch_size=9), ways, heard) == {"float32": 3.0}
