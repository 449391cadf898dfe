"""What presets of one paper share, and the settings that make each of their sizes."""

from __future__ import annotations

from typing import Any, NamedTuple

BATCH_NORMALISED, TRANSFORMER = 4e-4, 3e-5
"""Learning rates: that of `keras:` where there is batch normalisation, and a gentler one."""


class Family(NamedTuple):
    """What presets of one paper share."""

    backbone: str
    """The class in `keras_hub.models`."""
    model: str
    """What Kaggle calls the models that it belongs to."""
    scale: str
    """What pixels are made into before random weights, as `plugins.backbones.scaling` names it."""
    reference: str
    middle: str = ""
    """The layer with the last features of 1/16 of the input's side; empty: the level P4."""
    tokens: bool = False
    """Whether it is a transformer, whose tokens stand for parts of the picture."""

    @property
    def learning_rate(self) -> float:
        """Return that of a training in which the backbone is trained further."""
        return TRANSFORMER if self.tokens else BATCH_NORMALISED


FAMILIES = {
    "deit": Family(
        "DeiTBackbone",
        "deit",
        "torch",
        "Touvron, Cord, Douze, Massa, Sablayrolles, Jegou, Training Data-Efficient Image "
        "Transformers & Distillation through Attention, 2021",
        tokens=True,
    ),
    "densenet": Family(
        "DenseNetBackbone",
        "densenet",
        "torch",
        "Huang, Liu, van der Maaten, Weinberger, Densely Connected Convolutional Networks, 2017",
        "transition3_relu",
    ),
    "dinov2": Family(
        "DINOV2Backbone",
        "dinov2",
        "torch",
        "Oquab, Darcet, Moutakanni, Vo and others, DINOv2: Learning Robust Visual Features without "
        "Supervision, 2023",
        tokens=True,
    ),
    "efficientnet": Family(
        "EfficientNetBackbone",
        "efficientnet",
        "torch",
        "Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019",
    ),
    "resnet": Family(
        "ResNetBackbone",
        "resnetv1",
        "torch",
        "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016",
    ),
    "resnet_v2": Family(
        "ResNetBackbone",
        "resnetv2",
        "tf",
        "He, Zhang, Ren, Sun, Identity Mappings in Deep Residual Networks, 2016",
        "stack3_block0_pre_activation_relu",
    ),
    "resnet_vd": Family(
        "ResNetBackbone",
        "resnet_vd",
        "torch",
        "He, Zhang, Zhang, Zhang, Xie, Li, Bag of Tricks for Image Classification with "
        "Convolutional Neural Networks, 2019",
    ),
    "vit": Family(
        "ViTBackbone",
        "vit",
        "tf",
        "Dosovitskiy, Beyer, Kolesnikov, Weissenborn and others, An Image is Worth 16x16 Words: "
        "Transformers for Image Recognition at Scale, 2021",
        tokens=True,
    ),
}

_SIZES = {
    "tiny": (12, 192, 3),
    "small": (12, 384, 6),
    "base": (12, 768, 12),
    "large": (24, 1024, 16),
    "huge": (32, 1280, 16),
    "giant": (40, 1536, 24),
}
"""Of transformers: blocks, numbers a token, heads."""
_BOTTLENECK_BLOCKS = {
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
    200: (3, 12, 48, 3),
}
_BASIC_BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
_REPEATS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
_COEFFICIENTS = {
    "b0": (1.0, 1.0),
    "b1": (1.0, 1.1),
    "b2": (1.1, 1.2),
    "b3": (1.2, 1.4),
    "b4": (1.4, 1.8),
    "b5": (1.6, 2.2),
    "lite0": (1.0, 1.0),
}
"""Of EfficientNets: by how much width and depth are multiplied."""


def _transformer(size: str) -> dict[str, Any]:
    blocks, width, heads = _SIZES[size]
    return {"num_layers": blocks, "hidden_dim": width, "num_heads": heads}


def vit(size: str, patch: int) -> dict[str, Any]:
    """Return the settings of a ViT whose parts of the picture have `patch` pixels a side."""
    blocks = _transformer(size)
    return {**blocks, "patch_size": [patch, patch], "mlp_dim": 4 * blocks["hidden_dim"]}


def deit(size: str) -> dict[str, Any]:
    """Return the settings of a distilled DeiT."""
    blocks = _transformer(size)
    return {**blocks, "patch_size": [16, 16], "intermediate_dim": 4 * blocks["hidden_dim"]}


def dinov2(size: str, registers: int = 0) -> dict[str, Any]:
    """Return the settings of a DINOv2, with so many tokens that stand for no place."""
    blocks = _transformer(size)
    return {
        **blocks,
        "patch_size": 14,
        "intermediate_dim": 4 * blocks["hidden_dim"],
        "num_register_tokens": registers,
        "use_swiglu_ffn": size == "giant",
        "position_embedding_shape": [518, 518],
        "antialias_in_interpolation": registers > 0,
    }


def resnet(depth: int, kind: str = "") -> dict[str, Any]:
    """Return the settings of a ResNet of so many layers, of the `kind` 'v2', 'vd' or the first."""
    basic = depth in _BASIC_BLOCKS
    stem = [32, 32, 64] if kind == "vd" else [64]
    return {
        "input_conv_filters": stem,
        "input_conv_kernel_sizes": [3, 3, 3] if kind == "vd" else [7],
        "stackwise_num_filters": [64, 128, 256, 512],
        "stackwise_num_blocks": list((_BASIC_BLOCKS if basic else _BOTTLENECK_BLOCKS)[depth]),
        "stackwise_num_strides": [1, 2, 2, 2],
        "block_type": ("basic_block" if basic else "bottleneck_block")
        + ("_vd" if kind == "vd" else ""),
        "use_pre_activation": kind == "v2",
    }


def densenet(depth: int) -> dict[str, Any]:
    """Return the settings of a DenseNet of so many layers."""
    return {
        "stackwise_num_repeats": list(_REPEATS[depth]),
        "compression_ratio": 0.5,
        "growth_rate": 32,
    }


def efficientnet(size: str) -> dict[str, Any]:
    """Return the settings of an EfficientNet."""
    width, depth = _COEFFICIENTS[size]
    lite = size.startswith("lite")
    return {
        "stackwise_width_coefficients": [width] * 7,
        "stackwise_depth_coefficients": [depth] * 7,
        "stackwise_kernel_sizes": [3, 3, 5, 3, 5, 5, 3],
        "stackwise_num_repeats": [1, 2, 2, 3, 3, 4, 1],
        "stackwise_input_filters": [32, 16, 24, 40, 80, 112, 192],
        "stackwise_output_filters": [16, 24, 40, 80, 112, 192, 320],
        "stackwise_expansion_ratios": [1, 6, 6, 6, 6, 6, 6],
        "stackwise_squeeze_and_excite_ratios": [0 if lite else 0.25] * 7,
        "stackwise_strides": [1, 2, 2, 2, 1, 2, 1],
        "stackwise_block_types": ["v1"] * 7,
        "min_depth": None,
        "use_depth_divisor_as_min_depth": True,
        "cap_round_filter_decrease": True,
        "dropout": 0,
        "activation": "relu6" if lite else "swish",
    }
