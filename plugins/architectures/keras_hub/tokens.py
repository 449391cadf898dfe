"""A vision transformer as a flat graph of Keras's own layers, with the weights of one of KerasHub.

KerasHub has all blocks of a transformer in one layer, so that neither the tokens of the middle nor
the attention of a block can be seen from outside, and a saved network could not be loaded without
it. Here each part is a layer: tokens are found as a map, attention rollout reads every block, and a
run needs nothing but Keras.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

MIDDLE_SHARE = 2, 3
"""Of the blocks, after which the features of the middle are taken: about as deep as 1/16 in a
convolutional network. Nobody has measured this choice here."""
POSITIONS, NORM = "positions", "norm"
"""Names of layers."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """What makes a vision transformer."""

    patch: int
    """Pixels a side of the part of the picture that a token stands for."""
    blocks: int
    heads: int
    width: int
    """Numbers of a token."""
    hidden: int
    """Numbers between the two dense layers of a block."""
    ahead: int
    """Tokens that stand for no place: of the class, of distillation, registers."""
    epsilon: float = 1e-6
    gated: bool = False
    """Whether the first dense layer of a block is multiplied by a second one (SwiGLU)."""
    attention_bias: bool = True
    dense_bias: bool = True
    patch_bias: bool = True

    @property
    def middle(self) -> int:
        """Return how many blocks come before the features of the middle."""
        share, of = MIDDLE_SHARE
        return max(1, self.blocks * share // of)

    @classmethod
    def of(cls, kind: str, settings: Mapping[str, Any]) -> Sizes:
        """Read the settings of a class of KerasHub.

        Raises:
            KeyError, TypeError or ValueError: they are not such.
        """
        side = settings["patch_size"]
        sides = {int(one) for one in (side if isinstance(side, list | tuple) else [side])}
        if len(sides) != 1:
            raise ValueError(f"parts of the picture are {side}, which is no square")
        gated = bool(settings.get("use_swiglu_ffn", False))
        hidden = int(settings["mlp_dim" if kind == "vit" else "intermediate_dim"])
        ahead = {
            "vit": int(settings.get("use_class_token", True)),
            "deit": 2,
            "dinov2": 1 + int(settings.get("num_register_tokens", 0)),
        }[kind]
        return cls(
            patch=sides.pop(),
            blocks=int(settings["num_layers"]),
            heads=int(settings["num_heads"]),
            width=int(settings["hidden_dim"]),
            hidden=(int(hidden * 2 / 3) + 7) // 8 * 8 if gated else hidden,
            ahead=ahead,
            epsilon=float(settings.get("layer_norm_epsilon", cls.epsilon)),
            gated=gated,
            attention_bias=bool(settings.get("use_mha_bias", True)),
            dense_bias=bool(settings.get("use_mlp_bias", True)),
            patch_bias=bool(settings.get("use_patch_bias", True)),
        )


def graph(rgb: Any, sizes: Sizes, middle: bool) -> Any:
    """Return the map of the places' tokens, `(batch, rows, columns, width)`.

    It is that of the middle, where the blocks behind are not built, or of the end. `rgb` is
    `(batch, height, width, 3)` as the network expects it. Where a side is no multiple of a part,
    zeros are put around it. Tokens that stand for no place are not in the map.
    """
    import keras
    from keras import layers

    x = layers.Conv2D(
        sizes.width,
        sizes.patch,
        strides=sizes.patch,
        padding="same",
        use_bias=sizes.patch_bias,
        name="patches",
    )(rgb)
    rows, columns = x.shape[1:3]
    x = layers.Reshape((rows * columns, sizes.width), name="tokens")(x)
    if sizes.ahead:
        x = layers.ZeroPadding1D((sizes.ahead, 0), name="tokens_ahead")(x)
    # A bias for each number of each token holds where a token stands, and what is ahead of them.
    x = layers.EinsumDense(
        "btd,d->btd",
        (rows * columns + sizes.ahead, sizes.width),
        bias_axes="td",
        kernel_initializer="ones",
        bias_initializer=keras.initializers.RandomNormal(stddev=0.02),
        name=POSITIONS,
    )(x)
    for number in range(1, sizes.middle + 1 if middle else sizes.blocks + 1):
        x = _block(x, sizes, f"block{number}")
    if not middle:
        x = layers.LayerNormalization(epsilon=sizes.epsilon, name=NORM)(x)
    if sizes.ahead:
        x = layers.Cropping1D((sizes.ahead, 0), name="places")(x)
    return layers.Reshape((rows, columns, sizes.width), name="map")(x)


def _block(x: Any, sizes: Sizes, name: str) -> Any:
    from keras import layers

    def normalised(x: Any, number: int) -> Any:
        return layers.LayerNormalization(epsilon=sizes.epsilon, name=f"{name}_norm{number}")(x)

    def dense(x: Any, units: int, part: str, activation: str | None = None) -> Any:
        return layers.Dense(units, activation, sizes.dense_bias, name=f"{name}_{part}")(x)

    y = normalised(x, 1)
    y = layers.MultiHeadAttention(
        sizes.heads,
        sizes.width // sizes.heads,
        use_bias=sizes.attention_bias,
        name=f"{name}_attention",
    )(y, y)
    x = layers.Add(name=f"{name}_add1")([x, y])
    y = normalised(x, 2)
    if sizes.gated:
        gate = dense(y, sizes.hidden, "gate", "silu")
        y = layers.Multiply(name=f"{name}_gated")([gate, dense(y, sizes.hidden, "dense1")])
    else:
        y = dense(y, sizes.hidden, "dense1", "gelu")
    return layers.Add(name=f"{name}_add2")([x, dense(y, sizes.width, "dense2")])


def give(model: Any, backbone: Any, kind: str, sizes: Sizes) -> None:
    """Give a model that was made of `graph` the weights of a backbone of KerasHub.

    Positions are interpolated to the rows and columns that the model has (bicubic, as KerasHub
    does for DINOv2).
    """
    parts = {"vit": _vit, "deit": _deit, "dinov2": _dinov2}[kind](backbone)
    antialias = bool(getattr(backbone, "antialias_in_interpolation", False))
    rows, columns = model.get_layer("patches").output.shape[1:3]
    embedded = parts.positions[parts.placed :]
    positions = [*parts.positions[: parts.placed]]
    positions += [np.zeros(sizes.width)] * (sizes.ahead - parts.placed)
    first = [one + by for one, by in zip(parts.ahead, positions, strict=True)]
    places = _interpolated(embedded, rows, columns, antialias)
    model.get_layer("patches").set_weights(parts.patches.get_weights())
    model.get_layer(POSITIONS).set_weights(
        [np.ones(sizes.width), np.concatenate([*(one[None] for one in first), places])]
    )
    built = {layer.name for layer in model.layers}
    for number, block in enumerate(parts.blocks, 1):
        if f"block{number}_attention" in built:
            _give_block(model, f"block{number}", block, sizes)
    if NORM in built:
        model.get_layer(NORM).set_weights(parts.norm.get_weights())


@dataclass(frozen=True, eq=False)
class _Block:
    """The layers of one block of KerasHub, and by what each half of it is multiplied."""

    norms: tuple[Any, Any]
    attention: Any
    dense: tuple[Any, Any]
    scales: tuple[Any, Any] = (1.0, 1.0)


@dataclass(frozen=True, eq=False)
class _Parts:
    """What is in a backbone of KerasHub."""

    patches: Any
    ahead: list[np.ndarray]
    """Tokens that stand for no place, each `(width,)`."""
    positions: np.ndarray
    """`(tokens, width)`: of the first `placed` tokens ahead, and of the places."""
    placed: int
    blocks: list[_Block]
    norm: Any


def _vit(backbone: Any) -> _Parts:
    embedding = backbone.get_layer("vit_patching_and_embedding")
    encoder = backbone.get_layer("vit_encoder")
    ahead = [_array(embedding.class_token)[0, 0]] if embedding.use_class_token else []
    return _Parts(
        patches=embedding.patch_embedding,
        ahead=ahead,
        positions=_array(embedding.position_embedding.embeddings),
        placed=len(ahead),
        blocks=[
            _Block(
                (one.layer_norm_1, one.layer_norm_2), one.mha, (one.mlp.dense_1, one.mlp.dense_2)
            )
            for one in encoder.encoder_layers
        ],
        norm=encoder.layer_norm,
    )


def _deit(backbone: Any) -> _Parts:
    embedding = backbone.get_layer("deit_patching_and_embedding")
    encoder = backbone.get_layer("deit_encoder")
    tokens = (embedding.class_token, embedding.distillation_token)
    return _Parts(
        patches=embedding.patch_embedding,
        ahead=[_array(one)[0, 0] for one in tokens],
        positions=_array(embedding.position_embedding)[0],
        placed=2,
        blocks=[
            _Block(
                (one.layer_norm_1, one.layer_norm_2),
                one.mha,
                (one.mlp.dense, one.output_layer.dense),
            )
            for one in encoder.encoder_layers
        ],
        norm=encoder.layer_norm,
    )


def _dinov2(backbone: Any) -> _Parts:
    embedding = backbone.embeddings
    registers = _array(embedding.register_tokens)[0] if embedding.num_register_tokens else []
    blocks = []
    for one in backbone.encoder.layers:
        gated = hasattr(one.mlp, "weights_in")
        dense = (one.mlp.weights_in, one.mlp.weights_out) if gated else (one.mlp.fc1, one.mlp.fc2)
        scales = (_array(one.layer_scale1.lambda1), _array(one.layer_scale2.lambda1))
        blocks.append(_Block((one.norm1, one.norm2), one.attention.attention, dense, scales))
    return _Parts(
        patches=embedding.patch_embeddings.projection,
        ahead=[_array(embedding.cls_token)[0, 0], *registers],
        positions=_array(embedding.position_embeddings)[0],
        placed=1,  # registers have no position
        blocks=blocks,
        norm=backbone.layernorm,
    )


def _give_block(model: Any, name: str, block: _Block, sizes: Sizes) -> None:
    for number, norm in enumerate(block.norms, 1):
        model.get_layer(f"{name}_norm{number}").set_weights(norm.get_weights())
    # What multiplies the end of a half is multiplied into the layer before it: the same answers.
    attention = block.attention.get_weights()
    end = -2 if sizes.attention_bias else -1
    attention[end:] = [one * block.scales[0] for one in attention[end:]]
    model.get_layer(f"{name}_attention").set_weights(attention)
    first, last = (one.get_weights() for one in block.dense)
    if sizes.gated:
        gate, first = zip(*(np.split(one, 2, axis=-1) for one in first), strict=True)
        model.get_layer(f"{name}_gate").set_weights(list(gate))
    model.get_layer(f"{name}_dense1").set_weights(list(first))
    model.get_layer(f"{name}_dense2").set_weights([one * block.scales[1] for one in last])


def _interpolated(positions: np.ndarray, rows: int, columns: int, antialias: bool) -> np.ndarray:
    """Return those of `rows` x `columns` places, of the square grid that was trained."""
    import keras

    side = math.isqrt(len(positions))
    if (side, side) == (rows, columns):
        return positions
    square = positions.reshape(1, side, side, -1)
    resized = keras.ops.image.resize(
        square, (rows, columns), interpolation="bicubic", antialias=antialias
    )
    return np.asarray(resized).reshape(rows * columns, -1)


def _array(variable: Any) -> np.ndarray:
    return np.asarray(variable, np.float32)
