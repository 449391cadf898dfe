"""The last feature map of a network, found by what all of its answer depends on.

A convolutional network has one that is `(batch, rows, columns, channels)`. A transformer has tokens
instead, `(batch, tokens, channels)`: where they stand for the parts of the picture, in order, with
at most a class token before them, they are the map (as in Chefer, Gur, Wolf, Transformer
Interpretability Beyond Attention Visualization, 2021, whose comparison reshapes them for Grad-CAM).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.network.branches import before, branches, call, maker, passed, weights
from zoo.network.graph import FRAME

ELEMENTWISE = ("keras.src.layers.normalization", "keras.src.layers.activations")
"""Modules of layers that scale and bend what is there: their weights make no new features."""
TRIED = 6
"""Parts of a picture that are changed, to see whether the tokens of the same place change."""

Grid = tuple[int, int]


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """A tensor of a network with `rows` x `columns` places, `before` tokens ahead of them."""

    tensor: Any
    rows: int
    columns: int
    before: int = 0

    @property
    def size(self) -> Grid:
        """Return the number of rows and columns."""
        return self.rows, self.columns

    @property
    def of_tokens(self) -> bool:
        """Tell whether the tensor is `(batch, tokens, channels)`."""
        return len(self.tensor.shape) == 3

    def grid(self, values: Any) -> Any:
        """Return values of the tensor, or gradients by it, as `(batch, rows, columns, channels)`.

        Tokens ahead of the places are left out.
        """
        import tensorflow as tf

        if not self.of_tokens:
            return values
        places = values[:, self.before :]
        return tf.reshape(places, (-1, self.rows, self.columns, values.shape[-1]))


def feature_maps(model: Any) -> list[FeatureMap]:
    """Find the last feature map of each member where logits are joined.

    It is the last tensor that all of the member's logits depend on, at the size of the last
    convolution (or other layer that makes new features of a map). Activations, normalisation, joins
    and gates after it count, in layers or in operators; pooling to fewer positions does not, and
    neither do the 1x1 convolutions on pooled features of channel attention. Empty for a network
    without one; a map that several members share is there once.
    """
    found = [_last(_candidates(branch), branch) for branch in branches(model.output)]
    return [*{call(one.tensor): one for one in found if one is not None}.values()]


def only_map(model: Any) -> FeatureMap | None:
    """Return the last feature map; None of a network that has none, or several."""
    found = feature_maps(model)
    return found[0] if len(found) == 1 else None


def feature_layer(model: Any) -> Any | None:
    """Find the layer or operation with the last feature map `(batch, rows, columns, channels)`.

    None of a network that has none, several, or one of tokens.
    """
    return layer_of(feature_maps(model))


def layer_of(found: Sequence[FeatureMap]) -> Any | None:
    """Return the same of the maps that were found."""
    return maker(found[0].tensor) if len(found) == 1 and not found[0].of_tokens else None


def with_feature_layer(model: Any, name: str) -> Any | None:
    """Return the network with a layer of that name that passes its last feature map on.

    None of a network without such a map. The weights are shared.
    """
    import keras

    found = only_map(model)
    if found is None or found.of_tokens:
        return None
    pixels = keras.Input(model.input_shape[1:])
    features = keras.Model(model.input, found.tensor)(pixels)
    features = keras.layers.Identity(name=name, dtype="float32")(features)
    return keras.Model(pixels, keras.Model(found.tensor, model.output)(features))


def _candidates(output: Any) -> list[FeatureMap]:
    """Return all that could be the map, from the pixels to the logits."""
    through = _own(passed(output))
    if all(len(one.shape) != 3 for one in through):
        return [FeatureMap(one, *_size(one)) for one in through if _is_map(one)]
    sizes = [_size(one) for one in before(output).values() if _is_map(one)]
    pixels = next((one for one in reversed(through) if _is_picture(one)), None)
    found: list[FeatureMap] = []
    for one in through:
        if _is_map(one):
            found.append(FeatureMap(one, *_size(one)))
        elif len(one.shape) == 3 and pixels is not None:
            known = next((m for m in found if m.of_tokens), None)
            tokens = _tokens(one, sizes if known is None else [known.size], _size(pixels))
            if tokens is not None and (known is not None or _in_place(pixels, tokens)):
                found.append(tokens)
    return found


def _last(candidates: Sequence[FeatureMap], output: Any) -> FeatureMap | None:
    """Choose among the candidates, of which each depends on the one before."""
    made = before(output)
    tensors, places = list(made.values()), {key: place for place, key in enumerate(made)}
    base, start = None, 0
    for number, one in enumerate(candidates):
        end = places[call(one.tensor)] + 1  # all that is new in it lies behind the one before
        if any(_is_made(tensor, one) for tensor in tensors[start:end]):
            base = number
        start = end
    if base is None:
        return None
    chosen = [candidates[base]]
    for one in candidates[base + 1 :]:
        if one.size != chosen[-1].size or (one.of_tokens and not chosen[-1].of_tokens):
            break
        chosen.append(one)
    if not chosen[-1].before:
        return chosen[-1]
    # Behind the last attention only the class token matters: the others have no gradient there.
    earlier = [one for one in candidates[:base] if one.of_tokens and one.size == chosen[-1].size]
    return next((one for one in reversed(earlier + chosen) if _matters(one, output)), None)


def _is_made(tensor: Any, feature_map: FeatureMap) -> bool:
    """Tell whether a tensor has the size of a map and is made by a layer with weights that mix."""
    layer, mapped = maker(tensor), feature_map
    if layer.name.startswith(FRAME) or type(layer).__module__.startswith(ELEMENTWISE):
        return False
    if mapped.of_tokens:
        alike = len(tensor.shape) == 3 and tensor.shape[1] == mapped.tensor.shape[1]
    else:
        alike = _is_map(tensor) and _size(tensor) == mapped.size
    return alike and any(len(weight.shape) > 1 for weight in weights(layer))


def _own(through: list[Any]) -> list[Any]:
    """Leave out what chooses the part of a picture that is seen, but for the part itself."""
    chosen = [place for place, one in enumerate(through) if maker(one).name.startswith(FRAME)]
    return through[chosen[-1] :] if chosen else through


def _is_map(tensor: Any) -> bool:
    shape = tensor.shape
    return len(shape) == 4 and None not in shape[1:] and tuple(shape[1:3]) != (1, 1)


def _is_picture(tensor: Any) -> bool:
    """Tell whether it is the pixels, or what is made of them without weights of the network."""
    made = before(tensor).values()
    own = [one for one in made if not maker(one).name.startswith(FRAME)]
    return _is_map(tensor) and not any(weights(maker(one)) for one in own)


def _size(tensor: Any) -> Grid:
    return int(tensor.shape[1]), int(tensor.shape[2])


def _tokens(tensor: Any, sizes: Sequence[Grid], picture: Grid) -> FeatureMap | None:
    """Tell which rows and columns the tokens could stand for: of a map, or square parts."""
    count = tensor.shape[1]
    for first in (0, 1):
        if count is None or (places := count - first) < 2:
            return None
        if known := [size for size in sizes if size[0] * size[1] == places]:
            return FeatureMap(tensor, *known[-1], first)
        rows = math.isqrt(places * picture[0] // picture[1])
        columns = places // max(rows, 1)
        if rows * columns == places and rows * picture[1] == columns * picture[0]:
            return FeatureMap(tensor, rows, columns, first)
    return None


def _in_place(pixels: Any, tokens: FeatureMap) -> bool:
    """Tell whether a change in one part of the picture changes, above all, the token of that place.

    Rows of a picture, or its columns, are as many as square parts of it at times.
    """
    import keras

    random = np.random.default_rng(0)
    places = random.permutation(tokens.rows * tokens.columns)[:TRIED]
    values = np.repeat(random.random((1, *pixels.shape[1:])), len(places) + 1, axis=0)
    height, width = _size(pixels)
    for number, place in enumerate(places):
        row, column = divmod(int(place), tokens.columns)
        down = slice(row * height // tokens.rows, (row + 1) * height // tokens.rows)
        across = slice(column * width // tokens.columns, (column + 1) * width // tokens.columns)
        part = values[number, down, across]
        values[number, down, across] = random.permuted(part, axis=0) + random.normal(
            size=part.shape
        )
    given = np.asarray(keras.Model(pixels, tokens.tensor)(values.astype(np.float32)), np.float64)
    changed = np.abs(given[:-1] - given[-1:]).sum(axis=2)
    own = changed[np.arange(len(places)), places + tokens.before]
    return bool((own > changed.sum(axis=1) / 2).all())


def _matters(tokens: FeatureMap, output: Any) -> bool:
    """Tell whether the logits depend on the tokens that stand for places."""
    import keras

    values = np.random.default_rng(0).normal(size=(2, *tokens.tensor.shape[1:]))
    values[:, : tokens.before] = values[:1, : tokens.before]
    logits = np.asarray(keras.Model(tokens.tensor, output)(values.astype(np.float32)))
    return not np.allclose(logits[0], logits[1], rtol=1e-6, atol=1e-7)
