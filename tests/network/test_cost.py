"""What a network costs for one image."""

from __future__ import annotations

import keras
from keras import layers

from zoo.network.cost import multiply_adds


def test_attention_costs_its_projections_and_each_pair_of_tokens() -> None:
    tokens, width, heads, size = 5, 6, 2, 4
    given = keras.Input((tokens, width))
    model = keras.Model(given, layers.MultiHeadAttention(heads, size)(given, given))
    projections = 4 * tokens * width * heads * size
    pairs = 2 * tokens * tokens * heads * size  # how alike they are, and the mean of the values
    assert multiply_adds(model) == projections + pairs


def test_what_is_asked_may_have_other_tokens() -> None:
    asking, asked = keras.Input((5, 6)), keras.Input((7, 6))
    made = layers.MultiHeadAttention(2, 4)(asking, asked)
    assert multiply_adds(keras.Model([asking, asked], made)) == 8 * (2 * 6 * (5 + 7) + 2 * 5 * 7)


def test_convolutions_count_at_each_place_and_dense_layers_at_each_token() -> None:
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same")(pixels)
    x = layers.Reshape((16, 4))(x)
    model = keras.Model(pixels, layers.Dense(5)(x))
    assert multiply_adds(model) == 16 * 9 * 3 * 4 + 16 * 4 * 5
