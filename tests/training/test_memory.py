"""How much a batch takes, and in how many parts it fits."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from zoo import ZooError
from zoo.training import memory
from zoo.training.execution import Execution


def network(learns=False):
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(5, 1)(pixels)
    x = layers.BatchNormalization(trainable=learns)(x)
    x = layers.Add()([x, layers.ReLU()(x)])
    return keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


def test_what_layers_give_counts_once_where_it_is_kept():
    kept = 8 * 8 * 3 + 2 * 8 * 8 * 5 + 5 + 2
    assert memory.activations(network()) == 4 * kept
    assert memory.activations(network(learns=True)) == 4 * (kept + 3 * 8 * 8 * 5)


@given(st.integers(1, 200), st.integers(1, 8), st.integers(0, 10**8))
def test_no_more_parts_than_needed_and_none_without_an_image(batch, least, free):
    least = min(least, batch)
    parts = memory.parts_that_fit(NETWORK, batch, least, free)
    assert least <= parts <= batch
    assert memory.parts_that_fit(NETWORK, batch, least, 2 * free) <= parts
    assert memory.parts_that_fit(NETWORK, batch, least, 1e15) == least


NETWORK = network()


def test_a_processor_has_what_is_free_within_the_limit_of_its_container(monkeypatch, tmp_path):
    limit = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "LIMIT", limit)
    everything = memory.free_memory("CPU:0")
    assert everything > 2**20
    limit.write_text("max\n")
    assert memory.free_memory("CPU:0") == pytest.approx(everything, rel=0.5)
    limit.write_text("1000\n")
    assert memory.free_memory("CPU:0") < 0


def test_parts_are_doubled_until_they_are_single_images():
    error = MemoryError()
    once = memory.in_more_parts(Execution(xla=True, accumulate=3), 8, error)
    assert (once.accumulate, once.xla) == (6, False)
    assert memory.in_more_parts(once, 8, error).accumulate == 8
    with pytest.raises(ZooError, match="too short to train on a single image"):
        memory.in_more_parts(Execution(accumulate=8), 8, error)
