"""EfficientNet with ImageNet weights, frozen, and a classifier on top."""

from __future__ import annotations

from typing import Any

from zoo.errors import InvalidSetting
from zoo.hookspecs import hookimpl
from zoo.types import Architecture, Option

LITE = "lite0"
APPLICATIONS = {
    **{f"b{n}": f"EfficientNetB{n}" for n in range(8)},
    **{f"v2-b{n}": f"EfficientNetV2B{n}" for n in range(4)},
    "v2-s": "EfficientNetV2S",
}
SMALLEST_SIDE = 32


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    variant: str = LITE,
    weights: str = "",
    dropout: float = 0.2,
) -> Any:
    """Return a functional model with a frozen backbone: pixels 0-255 in, logits out.

    `weights` is empty for ImageNet, 'none' for random ones, or the path of a weights file.
    The backbone's layers are not trainable, so its batch normalisation keeps its statistics.

    Raises:
        InvalidSetting: the input is smaller than 32 x 32 or has neither 1 nor 3 channels.
        MissingWeights: the weights are not on this machine and cannot be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras
    from keras import layers

    if min(input_shape[:2]) < SMALLEST_SIDE or input_shape[2] not in (1, 3):
        raise InvalidSetting(
            f"efficientnet was asked for input {input_shape}; expected at least "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} with 1 or 3 channels. Set it with --input 224."
        )
    pixels = keras.Input(input_shape)
    rgb = pixels if input_shape[2] == 3 else layers.Concatenate()([pixels] * 3)
    if variant == LITE:
        from plugins.efficientnet import lite0

        feature_map = lite0.backbone(rgb, pixels, weights)
    else:
        from plugins.efficientnet import applications

        feature_map = applications.backbone(rgb, pixels, APPLICATIONS[variant], weights)
    for layer in keras.Model(pixels, feature_map).layers:
        layer.trainable = False
    x = layers.GlobalAveragePooling2D(name="embedding")(feature_map)
    x = layers.Dropout(dropout)(x)
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="efficientnet")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give EfficientNet in its variants."""
    return [
        Architecture(
            name="efficientnet",
            summary="EfficientNet-Lite0 pretrained and frozen, with a new classifier on top",
            build=build,
            parameters=3_415_586,
            input_shape=(224, 224, 3),
            pretrained="ImageNet",
            reference="Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural "
            "Networks, 2019",
            options={
                "variant": Option(LITE, "which EfficientNet", (LITE, *APPLICATIONS)),
                "weights": Option("", "empty: ImageNet; none: random; or a weights file's path"),
                "dropout": Option(0.2, "share of features dropped before the logits"),
            },
            recipe={"epochs": 40, "batch_size": 64, "patience": 8},
        )
    ]
