"""Weights of a DenseNet of PyTorch for that of keras.applications: torchvision, TorchXRayVision.

TorchXRayVision (Cohen, Viviano, Bertin and others, *TorchXRayVision: A library of chest X-ray
datasets and models*, 2022) has one gray channel from -1024 to 1024.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

FIRST = "conv0.weight"
"""What the name of the first convolution ends with; what stands before it, all names have."""
NAMES = (
    (r"conv1_conv", r"conv0"),
    (r"conv1_bn", r"norm0"),
    (r"bn", r"norm5"),
    (r"pool(\d)_bn", r"transition{}.norm"),
    (r"pool(\d)_conv", r"transition{}.conv"),
    (r"conv(\d)_block(\d+)_0_bn", r"denseblock{}.denselayer{}.norm1"),
    (r"conv(\d)_block(\d+)_1_conv", r"denseblock{}.denselayer{}.conv1"),
    (r"conv(\d)_block(\d+)_1_bn", r"denseblock{}.denselayer{}.norm2"),
    (r"conv(\d)_block(\d+)_2_conv", r"denseblock{}.denselayer{}.conv2"),
)
"""Layers of Keras, whose blocks count from 2, and of PyTorch, whose blocks count from 1."""
OLD = re.compile(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.")
"""Names before PyTorch 0.4, such as denselayer1.norm.1.weight."""


def is_one(state: Mapping[str, np.ndarray]) -> bool:
    """Tell whether arrays are named as those of a DenseNet of PyTorch."""
    return _prefix(state) is not None


def is_gray(state: Mapping[str, np.ndarray]) -> bool:
    """Tell whether its first convolution sees one channel, as TorchXRayVision's does."""
    prefix = _prefix(state)
    return prefix is not None and state[prefix + FIRST].shape[1] == 1


def give(model: Any, state: Mapping[str, np.ndarray]) -> None:
    """Give the layers of a DenseNet of Keras the weights of the same place.

    A first convolution of one channel is spread over three, which see the mean of them.

    Raises:
        KeyError: the state has no such array.
        ValueError: an array has another shape.
    """
    prefix = _prefix(state) or ""
    named = {OLD.sub(r"\1\2.", name.removeprefix(prefix)): value for name, value in state.items()}
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(_layer_weights(layer, _name(layer.name), named))


def _prefix(state: Mapping[str, np.ndarray]) -> str | None:
    return next((name.removesuffix(FIRST) for name in state if name.endswith(FIRST)), None)


def _name(layer: str) -> str:
    for pattern, name in NAMES:
        if found := re.fullmatch(pattern, layer):
            block, *rest = found.groups() or ("2",)
            return name.format(int(block) - 1, *rest)
    raise KeyError(f"the layer '{layer}' has no counterpart")


def _layer_weights(layer: Any, name: str, state: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    if type(layer).__name__ == "BatchNormalization":
        parts = ("weight", "bias", "running_mean", "running_var")
        return [state[f"{name}.{part}"] for part in parts]
    kernel = state[f"{name}.weight"].transpose(2, 3, 1, 0)
    channels = layer.kernel.shape[2]
    if kernel.shape[2] == 1 < channels:
        kernel = np.repeat(kernel / channels, channels, axis=2)
    return [kernel]
