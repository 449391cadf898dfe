"""What a network costs for one image, counted from its layers."""

from __future__ import annotations

import math
from typing import Any

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2D", "SeparableConv2D")


def multiply_adds(model: Any) -> int:
    """Return those of a network's convolutions, dense layers, attention and cuts, for one image.

    What costs little beside these (activations, sums, pooling) does not count.
    """
    total = 0
    for layer in model.layers:
        kind, weights = type(layer).__name__, layer.get_weights()
        if kind in CONVOLUTIONS:
            made = math.prod(layer.output.shape[1:3])
            total += made * sum(one.size for one in weights if one.ndim > 1)
        elif kind == "Dense":
            total += weights[0].size * math.prod(layer.output.shape[1:-1])
        elif kind == "MultiHeadAttention":
            total += _of_attention(layer, weights)
        elif kind in ("Cut", "Part", "Thumbnail"):
            given = layer.input[0] if isinstance(layer.input, list) else layer.input
            (height, width, channels), sides = given.shape[1:], layer.output.shape[1:3]
            total += channels * (sides[0] * height * width + sides[0] * sides[1] * width)
    return total


def _of_attention(layer: Any, weights: list[Any]) -> int:
    """Return those of its four projections, and of each pair of tokens."""
    asking, asked = layer.output.shape[1], layer.input[1].shape[1]
    query, key, value, output = (one for one in weights if one.ndim == 3)
    width = query.shape[1] * query.shape[2] + value.shape[1] * value.shape[2]
    return asking * (query.size + output.size) + asked * (key.size + value.size + asking * width)
