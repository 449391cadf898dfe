"""Every network of keras.applications by its name, and a classifier on features from its middle."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from plugins.architectures.keras_applications.downloads import FILES
from plugins.architectures.keras_applications.models import FAMILIES, MODELS, Model
from plugins.backbones import applications, head
from zoo import Architecture, InvalidSetting, Option, hookimpl

if TYPE_CHECKING:
    from plugins.backbones.weights_files import WeightsFile

PREFIX = "keras:"
AUTO, IMAGENET, RADIMAGENET, XRAYVISION = "auto", "imagenet", "radimagenet", "torchxrayvision"
REMEDY = (
    "Use efficientnet, whose weights are installed with zoo, begin with random ones: --set "
    "weights=none"
)
GENTLE = 1e-4
"""Learning rate where no batch normalisation keeps features in their bounds."""


def build(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    features: str = head.MIDDLE,
    weights: str = applications.DOWNLOAD,
    trained_on: str = AUTO,
    dropout: float = 0.2,
) -> Any:
    """Return a functional model with a frozen backbone: pixels 0-255 in, logits out.

    `name` is that of the function in keras.applications. `features` chooses the feature map that
    the classifier rests on: 'middle' has about 1/16 of the input's height and width, 'last' 1/32.
    `weights` is empty for ImageNet, 'none' for random ones, or the path of a weights file, whose
    pixels were scaled as `trained_on` says.

    Raises:
        InvalidSetting: the input is too small or has neither 1 nor 3 channels, or weights of this
            network cannot have been trained so.
        MissingWeights: the weights are not on this machine and cannot be downloaded.
        BadInput: the weights file is not one, or of another network.
    """
    import keras

    from plugins.backbones.scaling import scaled

    model = MODELS[name]
    smallest = FAMILIES[model.family].smallest
    if min(input_shape[:2]) < smallest or input_shape[2] not in (1, 3):
        raise InvalidSetting(
            f"{PREFIX}{name} was asked for input {input_shape}; expected at least {smallest} x "
            f"{smallest} with 1 or 3 channels. Set it with --input 224."
        )
    pixels = keras.Input(input_shape)
    given = applications.opened(weights)
    rgb = scaled(head.as_rgb(pixels), _scale(model, given, trained_on))
    backbone = applications.network(name, rgb, weights, given, REMEDY)
    feature_map = backbone.output
    if features == head.MIDDLE:
        layer = backbone.get_layer(model.middle.removeprefix("<"))
        feature_map = layer.input if model.middle.startswith("<") else layer.output
    return head.classified(pixels, feature_map, features, num_classes, dropout, name.lower())


def _scale(model: Model, given: WeightsFile | None, trained_on: str) -> str:
    """Return what the pixels are made into before the backbone."""
    from plugins.backbones import torch_densenet
    from plugins.backbones.scaling import INSIDE

    own = FAMILIES[model.family].scale
    if given is None:
        return own
    if trained_on == AUTO:
        trained_on = IMAGENET
        if torch_densenet.is_gray(given.state):
            trained_on = XRAYVISION
        elif RADIMAGENET in given.path.name.lower():
            trained_on = RADIMAGENET
    if trained_on == IMAGENET:
        return own
    if own == INSIDE:
        raise InvalidSetting(
            f"This network scales pixels itself, and none of it was trained on {trained_on}. Leave "
            "trained_on=auto, or take DenseNet121."
        )
    if trained_on == XRAYVISION:
        return "xrv"
    # Their code for Keras takes away the means of `preprocess_input` and divides by 255; their code
    # for PyTorch scales to -1 to 1.
    return "tf" if given.state else "caffe-255"


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give each network of keras.applications."""
    return [_record(name, model) for name, model in MODELS.items()]


def _record(name: str, model: Model) -> Architecture:
    family = FAMILIES[model.family]
    return Architecture(
        name=f"{PREFIX}{name}",
        summary=f"{name} of Keras, a new classifier on its middle features",
        build=partial(build, name),
        parameters=model.parameters,
        multiply_adds=model.multiply_adds,
        offline=applications.cached(FILES[name]),
        input_shape=(160, 160, 3),
        pretrained="ImageNet",
        reference=family.reference,
        options={
            "features": head.FEATURES,
            "weights": Option(
                applications.DOWNLOAD,
                "empty: ImageNet, downloaded; none: random; or a weights file's path",
            ),
            "trained_on": Option(
                AUTO,
                "how pixels were scaled for a weights file",
                (AUTO, IMAGENET, RADIMAGENET, XRAYVISION),
            ),
            "dropout": head.DROPOUT,
        },
        recipe=head.RECIPE if family.bounded else {**head.RECIPE, "learning_rate": GENTLE},
        presets=head.PRESETS,
    )
