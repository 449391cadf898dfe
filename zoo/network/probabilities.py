"""Does a network give logits, or shares of 1 or of 100 already? Told by what it does."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from zoo.network.branches import branches, call, chain, inputs, last_weighted, maker, weights

TRIED = 16
"""Random inputs at each scale."""
SCALES = (1.0, 30.0, 1000.0)
PERCENT, ROUNDED = 100.0, 0.01
"""What percentages of all classes add up to, and how far rounding may take them from it."""
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

    False for a network without such a layer.
    """
    answers = _to_anything(model)
    return answers is not None and bool(((answers >= 0) & (answers <= 1)).all())


def gives_percentages(model: Any) -> bool:
    """Tell whether the outputs are percentages whatever the last layer with weights is given.

    Those of several classes add up to 100; a single one comes near 0 and near 100.
    """
    answers = _to_anything(model)
    if answers is None or (answers < 0).any():
        return False
    if answers.shape[1] > 1:
        return are_percentages(answers)
    return bool(answers.min() < 1 and PERCENT - 1 < answers.max() <= PERCENT + ROUNDED)


def are_percentages(answers: np.ndarray) -> bool:
    """Tell whether answers `(images, classes)` of several classes are none below 0 and add up."""
    whole = np.allclose(answers.sum(axis=1), PERCENT, rtol=0, atol=ROUNDED)
    return answers.shape[1] > 1 and bool((answers >= 0).all()) and whole


def _to_anything(model: Any) -> np.ndarray | None:
    """Return what a network answers, `(answers, outputs)`, when its last layer sees anything.

    The kernel of that layer is disturbed meanwhile: one that begins with zeros would answer the
    same to all. None for a network without a layer with weights.
    """
    import keras

    last = [_last(branch) for branch in branches(model.output)]
    if any(one is None for one in last):
        return None
    given = {call(one): one for one in itertools.chain.from_iterable(map(inputs, last))}
    tail = keras.Model(list(given.values()), model.output)
    layers = list({id(maker(one)): maker(one) for one in last}.values())
    kept, random = [layer.get_weights() for layer in layers], np.random.default_rng(0)
    answers = []
    try:
        for layer, arrays in zip(layers, kept, strict=True):
            noisy = [w + random.normal(size=w.shape) if w.ndim > 1 else w for w in arrays]
            layer.set_weights(noisy)
        for scale in SCALES:
            shapes = [(TRIED, *(side or 3 for side in one.shape[1:])) for one in given.values()]
            values = [(scale * random.normal(size=shape)).astype(np.float32) for shape in shapes]
            answers.append(np.asarray(keras.ops.cast(tail(values, training=False), "float32")))
    finally:
        for layer, arrays in zip(layers, kept, strict=True):
            layer.set_weights(arrays)
    return np.concatenate(answers)


def _last(tensor: Any) -> Any | None:
    """Return what the layer with weights gives that is nearest to a tensor."""
    if last_weighted(chain(tensor)) is None:
        return None
    while not weights(maker(tensor)):
        (tensor,) = inputs(tensor)
    return tensor
