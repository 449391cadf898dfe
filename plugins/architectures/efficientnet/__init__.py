"""EfficientNet with ImageNet weights, and a classifier on features from its middle."""

from __future__ import annotations

from typing import Any

from plugins.backbones import head
from zoo import Architecture, InvalidSetting, Option, hookimpl

LITE = ("lite0", "lite1", "lite2")
APPLICATIONS = {
    **{f"b{n}": f"EfficientNetB{n}" for n in range(8)},
    **{f"v2-b{n}": f"EfficientNetV2B{n}" for n in range(4)},
    "v2-s": "EfficientNetV2S",
}
SMALLEST_SIDE = 32
MIDDLE = "block6a_expand_activation"
"""The last features of 1/16 of the input's side, in every network of `APPLICATIONS`."""
REMEDY = "Use the variant whose weights are installed, --set variant=lite0"


def build(
    input_shape: tuple[int, int, int],
    num_classes: int,
    variant: str = LITE[0],
    features: str = head.MIDDLE,
    weights: str = "",
    dropout: float = 0.2,
) -> Any:
    """Return a functional model with a frozen backbone: pixels 0-255 in, logits out.

    `features` chooses the feature map that the classifier rests on: 'middle' has cells of 16 x 16
    pixels, 'last' of 32 x 32. `weights` is empty for ImageNet, 'none' for random ones, or the path
    of a weights file.

    Raises:
        InvalidSetting: the input is smaller than 32 x 32 or has neither 1 nor 3 channels.
        MissingWeights: the weights are not on this machine and cannot be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras

    if min(input_shape[:2]) < SMALLEST_SIDE or input_shape[2] not in (1, 3):
        raise InvalidSetting(
            f"efficientnet was asked for input {input_shape}; expected at least "
            f"{SMALLEST_SIDE} x {SMALLEST_SIDE} with 1 or 3 channels. Set it with --input 224."
        )
    pixels = keras.Input(input_shape)
    rgb = head.as_rgb(pixels)
    if variant in LITE:
        from plugins.architectures.efficientnet import lite

        maps = lite.backbone(rgb, pixels, variant, weights)
    else:
        from plugins.backbones import applications

        given = applications.opened(weights)
        model = applications.network(APPLICATIONS[variant], rgb, weights, given, REMEDY)
        maps = {head.MIDDLE: model.get_layer(MIDDLE).output, head.LAST: model.output}
    return head.classified(pixels, maps[features], features, num_classes, dropout, "efficientnet")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give EfficientNet in its variants."""
    return [
        Architecture(
            name="efficientnet",
            summary="EfficientNet-Lite0 from ImageNet, a new classifier on its middle features",
            build=build,
            parameters=797_568,
            multiply_adds=131_644_544,
            input_shape=(160, 160, 3),
            pretrained="ImageNet",
            reference="Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural "
            "Networks, 2019",
            options={
                "variant": Option(LITE[0], "which EfficientNet", (*LITE, *APPLICATIONS)),
                "features": head.FEATURES,
                "weights": Option("", "empty: ImageNet; none: random; or a weights file's path"),
                "dropout": head.DROPOUT,
            },
            recipe=head.RECIPE,
            presets=head.PRESETS,
        )
    ]
