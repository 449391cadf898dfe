"""Backbones of KerasHub with the weights of a preset's folder, or random ones."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugins.architectures.keras_hub import tokens
from plugins.architectures.keras_hub.preset_files import CONFIG, PresetFiles
from plugins.backbones.head import MIDDLE
from zoo import BadInput, ZooError

if TYPE_CHECKING:
    from plugins.architectures.keras_hub.presets import Preset


def transformer(
    preset: Preset, rgb: Any, pixels: Any, given: PresetFiles | None, features: str
) -> Any:
    """Return the map of a transformer's tokens, of the middle or the last.

    `rgb` is made of `pixels` and scaled as the network expects it.

    Raises:
        BadInput: the folder's settings or weights are not those of such a network.
        ZooError: KerasHub cannot be used.
    """
    import keras

    settings = preset.settings if given is None else given.settings
    try:
        sizes = tokens.Sizes.of(preset.kind, settings)
        feature_map = tokens.graph(rgb, sizes, features == MIDDLE)
    except Exception as error:  # numbers that do not fit each other fail in many ways
        if given is None:
            raise
        raise _no_network(given, preset, error) from error
    if given is not None:
        if given.image_shape is None:
            raise BadInput(
                f"'{given.folder / CONFIG}' does not say at which size the positions were trained: "
                "expected image_shape of height, width and 3."
            )
        backbone = _loaded(preset, given, given.image_shape)
        tokens.give(keras.Model(pixels, feature_map), backbone, preset.kind, sizes)
    return feature_map


def convolutional(
    preset: Preset, shape: tuple[int, int, int], given: PresetFiles | None, features: str
) -> tuple[Any, Any]:
    """Return the input of a convolutional network, RGB as it expects it, and its map.

    Raises:
        BadInput: the folder's settings or weights are not those of such a network.
        ZooError: KerasHub cannot be used.
    """
    if given is None:
        backbone = _network(preset, preset.settings, shape)
    else:
        backbone = _loaded(preset, given, shape)
    feature_map = backbone.outputs[0]
    if features == MIDDLE:
        try:
            feature_map = backbone.pyramid_outputs["P4"]
            if preset.family.middle:
                feature_map = backbone.get_layer(preset.family.middle).output
        except (KeyError, ValueError) as error:
            if given is None:
                raise
            raise _no_network(given, preset, error) from error
    return backbone.inputs[0], feature_map


def _loaded(preset: Preset, given: PresetFiles, shape: tuple[int, int, int]) -> Any:
    """Return the backbone of a folder with its weights; raises BadInput."""
    try:
        backbone = _network(preset, given.settings, shape)
        backbone.load_weights(given.weights)
    except ZooError:
        raise
    except Exception as error:  # KerasHub, Keras and h5py raise many kinds
        raise _no_network(given, preset, error) from error
    return backbone


def _network(preset: Preset, settings: Mapping[str, Any], shape: tuple[int, int, int]) -> Any:
    try:
        import keras_hub
    except ImportError as error:  # or of one of the many packages that it needs
        raise ZooError(
            f"hub:{preset.name} needs KerasHub, which cannot be imported ({error}): pip install "
            "'xray-zoo[hub]'"
        ) from error
    kind = getattr(keras_hub.models, preset.family.backbone)
    takes = inspect.signature(kind).parameters
    shape_name = "image_shape" if "image_shape" in takes else "input_shape"
    return kind(**{**settings, shape_name: shape})


def _no_network(given: PresetFiles, preset: Preset, error: Exception) -> BadInput:
    told = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return BadInput(
        f"'{given.folder}' does not hold a {preset.family.backbone} that can be built and given "
        f"its weights: {told[:200]}. Name the folder of a preset as KerasHub saves it."
    )
