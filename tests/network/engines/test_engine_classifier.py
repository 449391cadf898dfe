"""What an engine cannot decide is asked of Keras; nothing else is."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.network import frame
from zoo.network.engines.answering import BOX, EMBEDDING, LOGITS, PLAUSIBILITY
from zoo.network.engines.classifier import EngineClassifier

SHAPE = (4, 4, 3)


class Original:
    """Stands for the network in Keras: logits of 7, and counts what it is asked."""

    def __init__(self):
        self.asked = 0

    def answers(self, pixels):
        self.asked += len(pixels)
        count = len(pixels)
        return np.full((count, 2), 7.0), np.full((count, 3), 7.0), np.full((count, 4), 0.7)


def engine_of(framed, batches):
    """Gives the mean of a picture as its logits, and as how plausible its box is."""

    def call(pixels):
        batches.append(len(pixels))
        assert pixels.dtype == np.float32
        mean = pixels.mean(axis=(1, 2, 3), keepdims=True)[:, 0, 0]
        given = {LOGITS: np.tile(mean, 2), EMBEDDING: np.tile(mean, 3)}
        if framed:
            given |= {BOX: np.full((len(pixels), 4), 0.5), PLAUSIBILITY: mean[:, 0] - 3}
        return given

    return call


def subject(original, framed=False, batches=None):
    call = engine_of(framed, [] if batches is None else batches)
    return EngineClassifier(call, original, positive=1, temperature=1.0, input_shape=SHAPE)


def pictures(*levels):
    return np.stack([np.full(SHAPE, level, np.uint8) for level in levels])


def test_the_network_is_not_loaded_for_what_the_engine_knows():
    batches = []
    found = subject(lambda: pytest.fail("it was loaded"), batches=batches)
    logits, embeddings, boxes = found.answers(pictures(*range(70)))
    assert batches == [32, 32, 6]
    np.testing.assert_array_equal(logits[:, 0], range(70))
    assert embeddings.shape == (70, 3)
    np.testing.assert_array_equal(boxes, np.tile(frame.WHOLE, (70, 1)))


def test_a_box_that_is_nearly_refused_is_looked_for_by_keras():
    original = Original()
    found = subject(lambda: original, framed=True)
    logits, embeddings, boxes = found.answers(pictures(1, 3, 9))  # 3 is at the limit
    assert logits[:, 0].tolist() == [1, 7, 9]
    assert embeddings[:, 0].tolist() == [1, 7, 9]
    np.testing.assert_allclose(boxes[:, 0], [0.5, 0.7, 0.5])
    assert original.asked == 1


def test_rows_that_are_asked_again_are_those_alone_and_nothing_given_is_changed():
    original = Original()
    found = subject(lambda: original)
    given = found.answers(pictures(1, 2))
    right = found.corrected(given, pictures(1, 2), np.array([False, True]))
    assert right[0][:, 0].tolist() == [1, 7]
    assert given[0][:, 0].tolist() == [1, 2]
    assert original.asked == 1
