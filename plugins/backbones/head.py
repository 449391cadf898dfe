"""A classifier on one feature map of a frozen backbone, and how it is trained.

The higher a layer, the more particular it is to what a network was trained on (Yosinski, Clune,
Bengio, Lipson, *How transferable are features in deep neural networks?*, 2014), here photographs;
and the cells of the last feature map are too coarse to tell a place. On chest X-rays features from
the middle give scores as good, better heat maps, and cost less (docs/results.md). By default all
layers are trained further; in the preset `fast` the backbone stays frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from zoo import Option

MIDDLE, LAST = "middle", "last"

FEATURES = Option(
    MIDDLE,
    "what the classifier rests on: cells of 16 x 16 pixels, or the last of 32 x 32",
    (MIDDLE, LAST),
)
DROPOUT = Option(0.2, "share of features dropped before the logits")
RECIPE: Mapping[str, Any] = MappingProxyType(
    {
        "backbone": "trained",
        "epochs": 4,
        "learning_rate": 4e-4,
        "warm_up": 0.25,
        "weight_decay": 0.02,
        "label_smoothing": 0.06,
        "averaging": 0.5,
        "fewest_steps": 60,
    }
)
PRESETS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "fast": {
            "backbone": "frozen",
            "epochs": 40,
            "learning_rate": 1e-2,
            "patience": 8,
            "warm_up": 0.0,
            "weight_decay": 1e-4,
            "label_smoothing": 0.0,
            "averaging": 0.0,
            "fewest_steps": 1,
            "views": 3,
        },
        "best": {"input_shape": (224, 224, 3), "epochs": 8},
    }
)


def as_rgb(pixels: Any) -> Any:
    """Return three channels of the one or three of `pixels`."""
    from keras import layers

    return pixels if pixels.shape[-1] == 3 else layers.Concatenate()([pixels] * 3)


def classified(
    pixels: Any, feature_map: Any, features: str, num_classes: int, dropout: float, name: str
) -> Any:
    """Return a functional model from `pixels` to logits; all up to the feature map is frozen.

    The backbone's layers are not trainable, so its batch normalisation keeps its statistics.
    """
    import keras
    from keras import layers

    from plugins.backbones.standardising import standardised

    # On one scale, so that small features count as well. With a mean of about zero and logits that
    # have no constant, a logit is the mean of its map, and what is above zero there speaks for it.
    feature_map = standardised(feature_map)
    if features == MIDDLE:
        # A cell sees far more than its own pixels, and answers most where a finding begins. With
        # its neighbours it answers most in the middle; the mean over the image hardly changes.
        feature_map = layers.AveragePooling2D(3, strides=1, padding="same")(feature_map)
    for layer in keras.Model(pixels, feature_map).layers:
        layer.trainable = False
    x = layers.GlobalAveragePooling2D(name="embedding")(feature_map)
    x = layers.Dropout(dropout)(x)
    # With fewer images than features, random weights would stay where no image says otherwise.
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(
        num_classes, use_bias=False, kernel_initializer="zeros", dtype="float32", name="logits"
    )(x)
    return keras.Model(pixels, logits, name=name)
