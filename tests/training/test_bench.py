"""A network laid out in parts or in 16 bits learns what it would learn as it is."""

from __future__ import annotations

from dataclasses import replace

import keras
import numpy as np
import pytest
from small_trainings import alike, learned

from zoo.training import checkpoint
from zoo.training.bench import Bench
from zoo.training.execution import Execution


@pytest.fixture(scope="module")
def traced():
    """How often the step of `whole` was traced: an entry each time."""
    return []


@pytest.fixture(scope="module")
def whole(tmp_path_factory, traced):
    step = keras.Model.train_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.Model, "train_step", lambda *given: traced.append(1) or step(*given))
        return learned(tmp_path_factory.mktemp("whole"), Execution())


def test_a_step_is_traced_once(whole, traced):
    assert traced == [1]


@pytest.mark.parametrize("parts", [2, 3, 8])
def test_parts_of_a_batch_give_the_step_of_the_batch(tmp_path, whole, parts):
    model, history, _, _ = learned(tmp_path, Execution(accumulate=parts))
    alike(history, whole[1], rtol=1e-4)
    for weight, wanted in zip(model.get_weights(), whole[0].get_weights(), strict=True):
        np.testing.assert_allclose(weight, wanted, rtol=1e-3, atol=1e-5)


def test_a_training_goes_on_in_parts_where_it_was_begun_without(tmp_path, whole):
    learned_in_one = learned(tmp_path, Execution(), epochs=1)[1]
    state = checkpoint.load(tmp_path / "checkpoint.npz").state
    assert state.epoch == len(learned_in_one) == 1
    state.stopped = False
    # The schedule of a longer training differs, so this one is compared with itself.
    saved = (tmp_path / "checkpoint.npz").read_bytes()
    results = []
    for execution in (Execution(), Execution(accumulate=3)):
        (tmp_path / "checkpoint.npz").write_bytes(saved)
        again = replace(state, history=list(state.history))
        results.append(learned(tmp_path, execution, state=again)[1])
    alike(results[1], results[0], rtol=1e-4)


def test_16_bits_are_for_training_alone(tmp_path, whole):
    logits = len(whole[0].layers) - 1
    sixteen = Execution("mixed_bfloat16", exact=frozenset({logits}))
    bench = Bench(whole[0], sixteen)
    pixels, *kinds, last = [layer.compute_dtype for layer in bench.model.layers]
    assert pixels == last == "float32"
    assert set(kinds) == {"bfloat16"}
    model, history, _, _ = learned(tmp_path, sixteen)
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert {layer.dtype_policy.name for layer in model.layers} == {"float32"}
    assert history[-1]["val_loss"] < history[0]["val_loss"]
    assert history != whole[1]
    alike(history, whole[1], rtol=0.05)


@pytest.mark.slow
def test_float16_scales_what_it_learns_from(tmp_path, whole):
    execution = Execution("mixed_float16", exact=frozenset({len(whole[0].layers) - 1}))
    _, history, _, _ = learned(tmp_path, execution)
    alike(history, whole[1], rtol=0.05)


def test_where_memory_is_short_an_epoch_is_begun_again_in_more_parts(tmp_path, whole, monkeypatch):
    import tensorflow as tf

    taken = []
    plain = keras.Model.fit

    def short(model, *args, **named):
        parts = getattr(model, "parts", 1)
        taken.append(parts)
        if parts < 4:
            model.optimizer.variables[0].assign(99)  # what a step that failed leaves
            model.weights[0].assign(0 * model.weights[0].value)
            raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
        return plain(model, *args, **named)

    monkeypatch.setattr(keras.Model, "fit", short)
    _, history, used, heard = learned(tmp_path, Execution(xla=False))
    assert taken == [1, 2, 4, 4]
    assert used.accumulate == 4
    assert "accumulate=4" in heard.notes[-1]
    alike(history, whole[1], rtol=1e-4)
