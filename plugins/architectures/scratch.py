"""A network from scratch with as few weights as possible: separable convolutions, no dense part."""

from __future__ import annotations

from typing import Any

from zoo import Architecture, Option, hookimpl

FILTERS = (32, 64, 128, 192)


def build(input_shape: tuple[int, int, int], num_classes: int, dropout: float = 0.2) -> Any:
    """Return a functional model: pixels 0-255 `(batch, height, width, channels)` in, logits out."""
    import keras
    from keras import layers

    def activated(x: Any) -> Any:
        # A small set has few steps an epoch; with Keras's 0.99 the statistics would lag behind.
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    x = activated(layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(x))
    for place, filters in enumerate(FILTERS):
        if place:
            # 'same' keeps at least one place, so that any input size works.
            x = layers.MaxPooling2D(padding="same")(x)
        for _ in range(2):
            x = activated(layers.SeparableConv2D(filters, 3, padding="same", use_bias=False)(x))
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="scratch")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give the small network from scratch."""
    return [
        Architecture(
            name="scratch",
            summary="Small CNN from scratch: separable convolutions, global average pooling",
            build=build,
            parameters=103_810,
            multiply_adds=27_857_280,
            reference="after Chollet, Xception: Deep Learning with Depthwise Separable "
            "Convolutions, 2017",
            options={"dropout": Option(0.2, "share of features dropped before the logits")},
            input_shape=(128, 128, 3),
            recipe={
                "epochs": 15,
                "learning_rate": 3e-3,
                "warm_up": 0.5,
                "averaging": 0.5,
                "patience": 8,
            },
            presets={
                "fast": {"input_shape": (96, 96, 3), "epochs": 6},
                "best": {"epochs": 40},
            },
        )
    ]
