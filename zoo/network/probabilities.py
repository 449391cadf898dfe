"""Does a network give logits, or probabilities already? Told by what it does, not by its layers."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from zoo.network.branches import branches, call, chain, inputs, last_weighted, maker, weights

TRIED = 16
"""Random inputs at each scale."""
SCALES = (1.0, 30.0, 1000.0)
LEAST = 1e-7
"""Probability below which its logarithm is not followed."""


def logits_of(likely: Any, *, single: bool) -> Any:
    """Turn probabilities back by the logarithm; a single one to the logarithm of the odds."""
    import keras

    likely = keras.ops.clip(likely, LEAST, 1 - LEAST)
    # Of a single one in one chain of operations.
    return 2 * keras.ops.arctanh(2 * likely - 1) if single else keras.ops.log(likely)


def gives_probabilities(model: Any) -> bool:
    """Tell whether all outputs are from 0 to 1 whatever the last layer with weights is given.

    Its kernel is disturbed meanwhile: one that begins with zeros would answer the same to all.
    False for a network without such a layer.
    """
    import keras

    last = [_last(branch) for branch in branches(model.output)]
    if any(one is None for one in last):
        return False
    given = {call(one): one for one in itertools.chain.from_iterable(map(inputs, last))}
    tail = keras.Model(list(given.values()), model.output)
    layers = list({id(maker(one)): maker(one) for one in last}.values())
    kept, random = [layer.get_weights() for layer in layers], np.random.default_rng(0)
    try:
        for layer, arrays in zip(layers, kept, strict=True):
            noisy = [w + random.normal(size=w.shape) if w.ndim > 1 else w for w in arrays]
            layer.set_weights(noisy)
        for scale in SCALES:
            shapes = [(TRIED, *(side or 3 for side in one.shape[1:])) for one in given.values()]
            values = [(scale * random.normal(size=shape)).astype(np.float32) for shape in shapes]
            answers = np.asarray(keras.ops.cast(tail(values, training=False), "float32"))
            if not ((answers >= 0) & (answers <= 1)).all():
                return False
    finally:
        for layer, arrays in zip(layers, kept, strict=True):
            layer.set_weights(arrays)
    return True


def _last(tensor: Any) -> Any | None:
    """Return what the layer with weights gives that is nearest to a tensor."""
    if last_weighted(chain(tensor)) is None:
        return None
    while not weights(maker(tensor)):
        (tensor,) = inputs(tensor)
    return tensor
