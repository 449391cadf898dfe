"""Presets of KerasHub by their name, and a classifier on features from their middle."""

from __future__ import annotations

import importlib.util
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugins.architectures.keras_hub.costs import COSTS
from plugins.architectures.keras_hub.presets import PRESETS, Preset
from plugins.backbones import head
from zoo import Architecture, InvalidSetting, Option, hookimpl

if TYPE_CHECKING:
    from plugins.architectures.keras_hub.preset_files import PresetFiles

PREFIX = "hub:"
DOWNLOAD, RANDOM = "", "none"
"""What `weights` says where it names no folder."""
SMALLEST = 32
"""Pixels a side of the smallest input."""


def build(
    name: str,
    input_shape: tuple[int, int, int],
    num_classes: int,
    features: str = head.MIDDLE,
    weights: str = DOWNLOAD,
    dropout: float = 0.2,
) -> Any:
    """Return a functional model with a frozen backbone: pixels 0-255 in, logits out.

    `name` is that of the preset. `features` chooses the feature map that the classifier rests on.
    Of a convolutional network 'middle' has 1/16 of the input's height and width, 'last' 1/32; of a
    transformer they are the tokens of the places after two thirds of the blocks, and after all.
    `weights` is empty for those of KerasHub, 'none' for random ones, or the path of a preset's
    folder.

    Raises:
        InvalidSetting: the input is too small or has neither 1 nor 3 channels.
        MissingWeights: the weights are not on this machine and cannot be downloaded.
        BadInput: the folder is not one of a preset, or of another network.
        ZooError: KerasHub is not installed, or cannot be used.
    """
    import keras

    from plugins.architectures.keras_hub import networks
    from plugins.backbones.scaling import rescaled, scaled

    preset = PRESETS[name]
    if min(input_shape[:2]) < SMALLEST or input_shape[2] not in (1, 3):
        raise InvalidSetting(
            f"{PREFIX}{name} was asked for input {input_shape}; expected at least {SMALLEST} x "
            f"{SMALLEST} with 1 or 3 channels. Set it with --input {preset.side}."
        )
    given = _opened(preset, weights)
    pixels = keras.Input(input_shape)
    rgb = head.as_rgb(pixels)
    if given is None:
        rgb = scaled(rgb, preset.family.scale)
    else:
        rgb = rescaled(rgb, given.factors, given.offsets)
    if preset.family.tokens:
        feature_map = networks.transformer(preset, rgb, pixels, given, features)
        return head.classified(pixels, feature_map, features, num_classes, dropout, name)
    entered, feature_map = networks.convolutional(preset, (*input_shape[:2], 3), given, features)
    inner = head.classified(entered, feature_map, features, num_classes, dropout, "backbone")
    return keras.Model(pixels, inner(rgb), name=name)


def _opened(preset: Preset, weights: str) -> PresetFiles | None:
    from plugins.architectures.keras_hub import preset_files

    if weights == RANDOM:
        return None
    folder = preset_files.downloaded(preset) if weights == DOWNLOAD else Path(weights)
    return preset_files.read(folder, preset)


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give each preset, where KerasHub is installed."""
    if importlib.util.find_spec("keras_hub") is None:
        return []
    return [_record(preset) for preset in PRESETS.values()]


def _record(preset: Preset) -> Architecture:
    from plugins.architectures.keras_hub import preset_files

    parameters, multiply_adds = COSTS[preset.name]
    return Architecture(
        name=f"{PREFIX}{preset.name}",
        summary="A preset of KerasHub, a new classifier on its middle features",
        build=partial(build, preset.name),
        parameters=parameters,
        multiply_adds=multiply_adds,
        offline=preset_files.cached(preset),
        input_shape=(preset.side, preset.side, 3),
        pretrained=preset.trained_on,
        reference=preset.family.reference,
        options={
            "features": Option(
                head.MIDDLE,
                "what the classifier rests on: features of the middle, or the last",
                (head.MIDDLE, head.LAST),
            ),
            "weights": Option(
                DOWNLOAD,
                "empty: those of KerasHub, downloaded; none: random; or a preset's folder",
            ),
            "dropout": head.DROPOUT,
        },
        recipe={**head.RECIPE, "learning_rate": preset.family.learning_rate},
        presets={"fast": head.PRESETS["fast"], "best": {"epochs": 8}},
    )
