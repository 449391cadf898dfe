"""EfficientNet with ImageNet weights, and a classifier on features from its middle.

The higher a layer, the more particular it is to what a network was trained on (Yosinski, Clune,
Bengio, Lipson, *How transferable are features in deep neural networks?*, 2014), here photographs;
and the cells of the last feature map are too coarse to tell a place. On chest X-rays features from
the middle give scores as good, better heat maps, and cost less (docs/results.md). By default all
layers are trained further; in the preset `fast` the backbone stays frozen.
"""

from __future__ import annotations

from typing import Any

from zoo import Architecture, InvalidSetting, Option, hookimpl

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
    features: str = "middle",
    weights: str = "",
    dropout: float = 0.2,
) -> Any:
    """Return a functional model with a frozen backbone: pixels 0-255 in, logits out.

    `features` chooses the feature map that the classifier rests on: 'middle' has cells of 16 x 16
    pixels, 'last' of 32 x 32. `weights` is empty for ImageNet, 'none' for random ones, or the path
    of a weights file.
    The backbone's layers are not trainable, so its batch normalisation keeps its statistics.

    Raises:
        InvalidSetting: the input is smaller than 32 x 32 or has neither 1 nor 3 channels.
        MissingWeights: the weights are not on this machine and cannot be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras
    from keras import layers

    from plugins.architectures.efficientnet.standardising import standardised

    if min(input_shape[:2]) < SMALLEST_SIDE or input_shape[2] not in (1, 3):
        raise InvalidSetting(
            f"efficientnet was asked for input {input_shape}; expected at least "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} with 1 or 3 channels. Set it with --input 224."
        )
    pixels = keras.Input(input_shape)
    rgb = pixels if input_shape[2] == 3 else layers.Concatenate()([pixels] * 3)
    if variant == LITE:
        from plugins.architectures.efficientnet import lite0

        maps = lite0.backbone(rgb, pixels, weights)
    else:
        from plugins.architectures.efficientnet import applications

        maps = applications.backbone(rgb, pixels, APPLICATIONS[variant], weights)
    # On one scale, so that small features count as well. With a mean of about zero and logits that
    # have no constant, a logit is the mean of its map, and what is above zero there speaks for it.
    feature_map = standardised(maps[features])
    if features == "middle":
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
    return keras.Model(pixels, logits, name="efficientnet")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give EfficientNet in its variants."""
    return [
        Architecture(
            name="efficientnet",
            summary="EfficientNet-Lite0 from ImageNet, a new classifier on its middle features",
            build=build,
            parameters=797_568,
            input_shape=(160, 160, 3),
            pretrained="ImageNet",
            reference="Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural "
            "Networks, 2019",
            options={
                "variant": Option(LITE, "which EfficientNet", (LITE, *APPLICATIONS)),
                "features": Option(
                    "middle",
                    "what the classifier rests on: cells of 16 x 16 pixels, or the last of 32 x 32",
                    ("middle", "last"),
                ),
                "weights": Option("", "empty: ImageNet; none: random; or a weights file's path"),
                "dropout": Option(0.2, "share of features dropped before the logits"),
            },
            recipe={
                "backbone": "trained",
                "epochs": 4,
                "learning_rate": 4e-4,
                "warm_up": 0.25,
                "weight_decay": 0.02,
                "label_smoothing": 0.06,
                "averaging": 0.5,
                "fewest_steps": 60,
            },
            presets={
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
            },
        )
    ]
