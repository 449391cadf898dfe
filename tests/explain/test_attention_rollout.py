"""Attention rollout, on transformers whose attention is known."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops
from known_networks import classifier_of, filters_network, images_of

from explain import attention_rollout
from explain.attention_rollout import rollout
from zoo import InvalidSetting
from zoo.base.registry import load_registry
from zoo.interpret.choice import serves

SIDE, PATCH = 32, 4
CELLS = SIDE // PATCH
SHARP = 60.0
"""How much more a bright token is attended to than a dark one, in exponents."""


def transformer(class_token=False, depth=1):
    """Every token attends to the bright ones alone; the answer is read of one token or of all."""
    pixels = keras.Input((SIDE, SIDE, 1))
    patches = ops.image.extract_patches(pixels / 255, PATCH)
    x = layers.Dense(1, use_bias=False, name="tokens")(
        ops.reshape(patches, (-1, CELLS**2, PATCH**2))
    )
    if class_token:
        x = ops.concatenate([ops.zeros_like(x[:, :1]), x], axis=1)
    for number in range(depth):
        x = x + layers.MultiHeadAttention(1, 1, name=f"attention{number}")(x, x)
    x = x[:, 0] if class_token else ops.mean(x, axis=1)
    model = keras.Model(pixels, layers.Dense(2, name="logits")(x))
    model.get_layer("tokens").set_weights([np.full((PATCH**2, 1), 1 / PATCH**2)])
    for number in range(depth):
        model.get_layer(f"attention{number}").set_weights(
            [
                np.zeros((1, 1, 1)),  # the query is its bias for every token
                np.full((1, 1), SHARP),
                np.ones((1, 1, 1)),
                np.zeros((1, 1)),
                np.ones((1, 1, 1)),
                np.zeros((1, 1)),
                np.ones((1, 1, 1)),
                np.zeros(1),
            ]
        )
    model.get_layer("logits").set_weights([np.array([[-1.0, 1.0]]), np.zeros(2)])
    return classifier_of(model)


def bright(*places):
    pixels = np.zeros((1, SIDE, SIDE, 1), np.uint8)
    for row, column in places:
        rows, columns = (slice(PATCH * at, PATCH * (at + 1)) for at in (row, column))
        pixels[0, rows, columns] = 255
    return pixels


def middles(values):
    """Return the values in the middle of each cell."""
    return values[PATCH // 2 :: PATCH, PATCH // 2 :: PATCH]


@pytest.mark.parametrize("class_token", [True, False])
@pytest.mark.parametrize("place", [(1, 6), (5, 2)])
def test_it_shows_where_the_attention_goes(class_token, place):
    (found,) = attention_rollout.explain(transformer(class_token), images_of(bright(place)), [1])
    assert found.values.shape == (SIDE, SIDE)
    assert found.values.min() >= 0
    cells = middles(found.values)
    assert np.unravel_index(cells.argmax(), cells.shape) == place
    others = np.delete(cells.ravel(), place[0] * CELLS + place[1])
    assert cells.max() > 4 * others.max()


def test_a_token_keeps_half_of_itself_at_each_layer():
    """The class token attends to one bright part: of it comes 1/2, or 3/4 with two layers."""
    for depth, share in ((1, 0.5), (2, 0.75)):
        calls, model = attention_rollout._attention(transformer(True, depth))
        seen = bright((1, 6)).astype(np.float32)
        mixed, read = attention_rollout._measured(model, calls, seen, [1])
        assert len(mixed) == depth
        assert read[0].tolist() == [True] + [False] * CELLS**2
        shares = rollout(mixed, read)[0]
        assert shares[1 + CELLS + 6] == pytest.approx(share, abs=1e-3)
        assert shares[0] == pytest.approx(0.5**depth, abs=1e-3)
        assert shares.sum() == pytest.approx(1)


def test_where_tokens_are_averaged_all_are_read():
    calls, model = attention_rollout._attention(transformer())
    mixed, read = attention_rollout._measured(model, calls, bright((1, 6)).astype(np.float32), [1])
    assert read.all()
    shares = rollout(mixed, read)[0]
    assert shares[CELLS + 6] == pytest.approx(0.5 + 0.5 / CELLS**2, abs=1e-3)
    assert np.delete(shares, CELLS + 6) == pytest.approx(0.5 / CELLS**2, abs=1e-3)


def test_the_layers_are_multiplied_from_the_last_to_the_first():
    """Token 0 reads 1 in the last layer, and 1 has read 2 in the first."""
    eye = np.eye(3)
    first, last = eye.copy(), eye.copy()
    first[1], last[0] = eye[2], eye[1]
    (shares,) = rollout([first[None], last[None]], np.array([[True, False, False]]))
    np.testing.assert_allclose(shares, [0.5, 0.25, 0.25])
    product = (last + eye) / 2 @ (first + eye) / 2
    np.testing.assert_allclose(shares, product[0])


def test_images_are_mapped_alone_as_together():
    classifier = transformer()
    pixels = np.concatenate([bright((1, 6)), bright((5, 2)), bright((3, 3), (7, 7))])
    together = attention_rollout.explain(classifier, images_of(pixels), [1, 0, 1])
    (alone,) = attention_rollout.explain(classifier, images_of(pixels[1:2]), [0])
    np.testing.assert_allclose(together[1].values, alone.values, atol=1e-6)
    before = classifier.logits(pixels)
    attention_rollout.explain(classifier, images_of(pixels), [1, 0, 1])
    np.testing.assert_array_equal(classifier.logits(pixels), before)
    assert len(classifier.model.get_layer("attention0")._inbound_nodes) == 1, "nothing is added"


def test_a_network_without_attention_is_told_so():
    with pytest.raises(InvalidSetting, match="without attention"):
        attention_rollout.explain(filters_network(), images_of(np.zeros((1, 32, 32, 3))), [0])
    method = load_registry().explainer("attention-rollout")
    assert not serves(method, filters_network())
    assert serves(method, transformer())
