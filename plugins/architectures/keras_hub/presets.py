"""What is known of each preset of KerasHub without loading it.

Names, versions and published parameters are those of KerasHub 0.32; a test compares them with what
is installed. KerasHub keeps settings with the weights, so those here are used for random weights
and for what `zoo list` says.

Left out are DINOv3, Swin, MiT, HGNetV2, MobileNet, CSPNet and EfficientNetV2, whose blocks are
layers of KerasHub that would have to be installed wherever a run is used, and VGG and Xception,
which `keras:` has; and three EfficientNets (el, em, es) whose entry leads to other weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from plugins.architectures.keras_hub.families import (
    FAMILIES,
    Family,
    deit,
    densenet,
    dinov2,
    efficientnet,
    resnet,
    vit,
)


class Preset(NamedTuple):
    """One preset; its name says what it was trained on, and at which size."""

    name: str
    kind: str
    """Its family's name."""
    settings: Mapping[str, Any]
    """Arguments of the class in `keras_hub.models`, without the shape of its input."""
    version: int
    published: int
    """Parameters as KerasHub counts them; of an EfficientNet with its classifier."""

    @property
    def family(self) -> Family:
        """Return what it shares with others."""
        return FAMILIES[self.kind]

    @property
    def handle(self) -> str:
        """Return where its files are on Kaggle: owner/model/framework/variation/version."""
        return f"keras/{self.family.model}/keras/{self.name}/{self.version}"

    @property
    def side(self) -> int:
        """Return the pixels a side that are given to it unless another size is asked for."""
        return 384 if "_384_" in self.name else 224

    @property
    def trained_on(self) -> str:
        """Return what its weights have seen."""
        if self.kind == "dinov2":
            return "LVD-142M"
        return "ImageNet-21k" if self.name.endswith("21k") else "ImageNet"


_ALL = (
    Preset("deit_base_distilled_patch16_224_imagenet", "deit", deit("base"), 1, 85_800_192),
    Preset("deit_base_distilled_patch16_384_imagenet", "deit", deit("base"), 1, 86_092_032),
    Preset("deit_small_distilled_patch16_224_imagenet", "deit", deit("small"), 1, 21_666_432),
    Preset("deit_tiny_distilled_patch16_224_imagenet", "deit", deit("tiny"), 1, 5_524_800),
    Preset("densenet_121_imagenet", "densenet", densenet(121), 3, 7_037_504),
    Preset("densenet_169_imagenet", "densenet", densenet(169), 3, 12_642_880),
    Preset("densenet_201_imagenet", "densenet", densenet(201), 3, 18_321_984),
    Preset("dinov2_base", "dinov2", dinov2("base"), 1, 87_632_640),
    Preset("dinov2_giant", "dinov2", dinov2("giant"), 1, 1_138_585_088),
    Preset("dinov2_large", "dinov2", dinov2("large"), 1, 305_771_520),
    Preset("dinov2_small", "dinov2", dinov2("small"), 1, 22_582_656),
    Preset("dinov2_with_registers_base", "dinov2", dinov2("base", 4), 1, 87_635_712),
    Preset("dinov2_with_registers_giant", "dinov2", dinov2("giant", 4), 1, 1_138_591_232),
    Preset("dinov2_with_registers_large", "dinov2", dinov2("large", 4), 1, 305_775_616),
    Preset("dinov2_with_registers_small", "dinov2", dinov2("small", 4), 1, 22_584_192),
    Preset(
        "efficientnet_b0_ra4_e3600_r224_imagenet", "efficientnet", efficientnet("b0"), 2, 5_288_548
    ),
    Preset("efficientnet_b0_ra_imagenet", "efficientnet", efficientnet("b0"), 2, 5_288_548),
    Preset("efficientnet_b1_ft_imagenet", "efficientnet", efficientnet("b1"), 5, 7_794_184),
    Preset(
        "efficientnet_b1_ra4_e3600_r240_imagenet", "efficientnet", efficientnet("b1"), 2, 7_794_184
    ),
    Preset("efficientnet_b2_ra_imagenet", "efficientnet", efficientnet("b2"), 2, 9_109_994),
    Preset("efficientnet_b3_ra2_imagenet", "efficientnet", efficientnet("b3"), 2, 12_233_232),
    Preset("efficientnet_b4_ra2_imagenet", "efficientnet", efficientnet("b4"), 2, 19_341_616),
    Preset("efficientnet_b5_sw_ft_imagenet", "efficientnet", efficientnet("b5"), 2, 30_389_784),
    Preset("efficientnet_b5_sw_imagenet", "efficientnet", efficientnet("b5"), 2, 30_389_784),
    Preset("efficientnet_lite0_ra_imagenet", "efficientnet", efficientnet("lite0"), 2, 4_652_008),
    Preset("resnet_101_imagenet", "resnet", resnet(101), 3, 42_605_504),
    Preset("resnet_152_imagenet", "resnet", resnet(152), 3, 58_295_232),
    Preset("resnet_18_imagenet", "resnet", resnet(18), 3, 11_186_112),
    Preset("resnet_50_imagenet", "resnet", resnet(50), 3, 23_561_152),
    Preset("resnet_v2_101_imagenet", "resnet_v2", resnet(101, "v2"), 3, 42_605_504),
    Preset("resnet_v2_50_imagenet", "resnet_v2", resnet(50, "v2"), 3, 23_561_152),
    Preset("resnet_vd_101_imagenet", "resnet_vd", resnet(101, "vd"), 2, 44_673_864),
    Preset("resnet_vd_101_ssld_imagenet", "resnet_vd", resnet(101, "vd"), 2, 44_673_864),
    Preset("resnet_vd_152_imagenet", "resnet_vd", resnet(152, "vd"), 2, 60_363_592),
    Preset("resnet_vd_18_imagenet", "resnet_vd", resnet(18, "vd"), 2, 11_722_824),
    Preset("resnet_vd_200_imagenet", "resnet_vd", resnet(200, "vd"), 2, 74_933_064),
    Preset("resnet_vd_34_imagenet", "resnet_vd", resnet(34, "vd"), 2, 21_838_408),
    Preset("resnet_vd_50_imagenet", "resnet_vd", resnet(50, "vd"), 2, 25_629_512),
    Preset("resnet_vd_50_ssld_imagenet", "resnet_vd", resnet(50, "vd"), 2, 25_629_512),
    Preset("resnet_vd_50_ssld_v2_fix_imagenet", "resnet_vd", resnet(50, "vd"), 2, 25_629_512),
    Preset("resnet_vd_50_ssld_v2_imagenet", "resnet_vd", resnet(50, "vd"), 2, 25_629_512),
    Preset("vit_base_patch16_224_imagenet", "vit", vit("base", 16), 4, 85_798_656),
    Preset("vit_base_patch16_224_imagenet21k", "vit", vit("base", 16), 3, 85_798_656),
    Preset("vit_base_patch16_384_imagenet", "vit", vit("base", 16), 4, 86_090_496),
    Preset("vit_base_patch32_224_imagenet21k", "vit", vit("base", 32), 3, 87_455_232),
    Preset("vit_base_patch32_384_imagenet", "vit", vit("base", 32), 3, 87_528_192),
    Preset("vit_huge_patch14_224_imagenet21k", "vit", vit("huge", 14), 3, 630_764_800),
    Preset("vit_large_patch16_224_imagenet", "vit", vit("large", 16), 4, 303_301_632),
    Preset("vit_large_patch16_224_imagenet21k", "vit", vit("large", 16), 3, 303_301_632),
    Preset("vit_large_patch16_384_imagenet", "vit", vit("large", 16), 4, 303_690_752),
    Preset("vit_large_patch32_224_imagenet21k", "vit", vit("large", 32), 3, 305_510_400),
    Preset("vit_large_patch32_384_imagenet", "vit", vit("large", 32), 3, 305_607_680),
)
PRESETS = {one.name: one for one in _ALL}
