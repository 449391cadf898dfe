"""What is known of each network of keras.applications without loading Keras.

Parameters and multiply-adds are those of the default: input 160 x 160 x 3, two classes, features
from the middle. `python benchmarks/backbones.py` prints them.
"""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    """What networks of one paper share."""

    scale: str
    """What pixels are made into, as `plugins.backbones.scaling` names it."""
    smallest: int
    """Pixels a side of the smallest input."""
    reference: str
    bounded: bool = True
    """Whether batch normalisation keeps features in their bounds."""


class Model(NamedTuple):
    """One network."""

    family: str
    middle: str
    """The layer that gives the last features of 1/16 of the input's side; after '<', the layer that
    takes them."""
    parameters: int = 0
    multiply_adds: int = 0


FAMILIES = {
    "convnext": Family(
        "inside",
        32,
        "Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, A ConvNet for the 2020s, 2022",
        bounded=False,
    ),
    "densenet": Family(
        "torch",
        32,
        "Huang, Liu, van der Maaten, Weinberger, Densely Connected Convolutional Networks, 2017",
    ),
    "efficientnet": Family(
        "inside",
        32,
        "Tan, Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019",
    ),
    "efficientnet_v2": Family(
        "inside", 32, "Tan, Le, EfficientNetV2: Smaller Models and Faster Training, 2021"
    ),
    "inception_resnet_v2": Family(
        "tf",
        75,
        "Szegedy, Ioffe, Vanhoucke, Alemi, Inception-v4, Inception-ResNet and the Impact of "
        "Residual Connections on Learning, 2017",
    ),
    "inception_v3": Family(
        "tf",
        75,
        "Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, Rethinking the Inception Architecture for "
        "Computer Vision, 2016",
    ),
    "mobilenet": Family(
        "tf",
        32,
        "Howard, Zhu, Chen, Kalenichenko and others, MobileNets: Efficient Convolutional Neural "
        "Networks for Mobile Vision Applications, 2017",
    ),
    "mobilenet_v2": Family(
        "tf",
        32,
        "Sandler, Howard, Zhu, Zhmoginov, Chen, MobileNetV2: Inverted Residuals and Linear "
        "Bottlenecks, 2018",
    ),
    "mobilenet_v3": Family(
        "inside", 32, "Howard, Sandler, Chu, Chen and others, Searching for MobileNetV3, 2019"
    ),
    "nasnet": Family(
        "tf",
        32,
        "Zoph, Vasudevan, Shlens, Le, Learning Transferable Architectures for Scalable Image "
        "Recognition, 2018",
    ),
    "resnet": Family(
        "caffe", 32, "He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, 2016"
    ),
    "resnet_v2": Family(
        "tf", 32, "He, Zhang, Ren, Sun, Identity Mappings in Deep Residual Networks, 2016"
    ),
    "vgg16": Family(
        "caffe",
        32,
        "Simonyan, Zisserman, Very Deep Convolutional Networks for Large-Scale Image Recognition, "
        "2015",
        bounded=False,
    ),
    "xception": Family(
        "tf",
        71,
        "Chollet, Xception: Deep Learning with Depthwise Separable Convolutions, 2017",
    ),
}
FAMILIES["vgg19"] = FAMILIES["vgg16"]

MODELS = {
    "ConvNeXtBase": Model(
        "convnext", "<convnext_base_downsampling_block_2", 60_122_240, 7_148_186_624
    ),
    "ConvNeXtLarge": Model(
        "convnext", "<convnext_large_downsampling_block_2", 134_616_768, 15_991_374_336
    ),
    "ConvNeXtSmall": Model(
        "convnext", "<convnext_small_downsampling_block_2", 33_983_328, 4_043_866_368
    ),
    "ConvNeXtTiny": Model(
        "convnext", "<convnext_tiny_downsampling_block_2", 12_348_768, 1_886_631_168
    ),
    "ConvNeXtXLarge": Model(
        "convnext", "<convnext_xlarge_downsampling_block_2", 238_733_568, 28_347_291_648
    ),
    "DenseNet121": Model("densenet", "pool4_relu", 4_326_976, 1_339_803_648),
    "DenseNet169": Model("densenet", "pool4_relu", 5_827_648, 1_485_621_760),
    "DenseNet201": Model("densenet", "pool4_relu", 9_640_000, 1_855_901_184),
    "EfficientNetB0": Model("efficientnet", "block6a_expand_activation", 948_615, 131_791_744),
    "EfficientNetB1": Model("efficientnet", "block6a_expand_activation", 1_309_419, 182_472_832),
    "EfficientNetB2": Model("efficientnet", "block6a_expand_activation", 1_535_007, 208_048_096),
    "EfficientNetB3": Model("efficientnet", "block6a_expand_activation", 2_341_681, 318_260_192),
    "EfficientNetB4": Model("efficientnet", "block6a_expand_activation", 3_845_927, 485_095_200),
    "EfficientNetB5": Model("efficientnet", "block6a_expand_activation", 5_637_855, 737_504_640),
    "EfficientNetB6": Model("efficientnet", "block6a_expand_activation", 8_215_595, 1_050_133_440),
    "EfficientNetB7": Model("efficientnet", "block6a_expand_activation", 12_750_879, 1_599_066_880),
    "EfficientNetV2B0": Model(
        "efficientnet_v2", "block6a_expand_activation", 1_472_676, 276_662_592
    ),
    "EfficientNetV2B1": Model(
        "efficientnet_v2", "block6a_expand_activation", 1_909_976, 417_240_256
    ),
    "EfficientNetV2B2": Model(
        "efficientnet_v2", "block6a_expand_activation", 2_219_084, 464_596_256
    ),
    "EfficientNetV2B3": Model(
        "efficientnet_v2", "block6a_expand_activation", 3_165_534, 682_389_216
    ),
    "EfficientNetV2L": Model(
        "efficientnet_v2", "block6a_expand_activation", 21_981_384, 4_322_211_968
    ),
    "EfficientNetV2M": Model(
        "efficientnet_v2", "block6a_expand_activation", 10_158_832, 1_873_853_376
    ),
    "EfficientNetV2S": Model(
        "efficientnet_v2", "block6a_expand_activation", 5_500_472, 1_157_701_504
    ),
    "InceptionResNetV2": Model(
        "inception_resnet_v2", "block17_20_mixed", 26_474_016, 2_520_720_992
    ),
    "InceptionV3": Model("inception_v3", "mixed7", 8_978_336, 1_117_584_224),
    "MobileNet": Model("mobilenet", "conv_pw_11_relu", 1_629_888, 249_985_024),
    "MobileNetV2": Model("mobilenet_v2", "block_13_expand_relu", 618_560, 112_602_752),
    "MobileNetV3Large": Model(
        "mobilenet_v3", "<expanded_conv_12_depthwise_pad", 884_280, 85_309_152
    ),
    "MobileNetV3Small": Model(
        "mobilenet_v3", "<expanded_conv_8_depthwise_pad", 211_272, 19_357_280
    ),
    "NASNetLarge": Model("nasnet", "normal_concat_12", 20_193_810, 3_428_637_216),
    "NASNetMobile": Model("nasnet", "normal_concat_8", 1_061_236, 193_830_112),
    "ResNet101": Model("resnet", "conv4_block23_out", 27_663_744, 3_487_746_048),
    "ResNet101V2": Model("resnet_v2", "conv4_block23_preact_relu", 26_522_112, 3_248_539_648),
    "ResNet152": Model("resnet", "conv4_block36_out", 43_376_512, 5_381_736_448),
    "ResNet152V2": Model("resnet_v2", "conv4_block36_preact_relu", 42_227_200, 5_142_530_048),
    "ResNet50": Model("resnet", "conv4_block6_out", 8_593_280, 1_593_755_648),
    "ResNet50V2": Model("resnet_v2", "conv4_block6_preact_relu", 7_460_352, 1_354_549_248),
    "VGG16": Model("vgg16", "block5_conv3", 14_715_712, 7_829_914_624),
    "VGG19": Model("vgg19", "block5_conv4", 20_025_408, 9_953_281_024),
    "Xception": Model("xception", "block13_sepconv2_act", 14_602_736, 2_101_037_616),
}
