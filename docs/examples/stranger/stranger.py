"""A network of three convolutions for xray-zoo."""

from __future__ import annotations

from typing import Any

from zoo import Architecture, Option, hookimpl


def build(input_shape: tuple[int, int, int], num_classes: int, width: int = 16) -> Any:
    """Return a functional model: pixels 0-255 `(batch, height, width, channels)` in, logits out."""
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in (width, 2 * width, 4 * width):
        x = layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="stranger")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give one architecture."""
    return [
        Architecture(
            name="stranger",
            summary="Three strided convolutions and global average pooling",
            build=build,
            parameters=23_714,
            input_shape=(128, 128, 3),
            reference="after Springenberg, Dosovitskiy, Brox, Riedmiller, Striving for Simplicity: "
            "The All Convolutional Net, 2015",
            options={"width": Option(16, "filters of the first convolution")},
            recipe={"epochs": 20, "learning_rate": 3e-3},
        )
    ]
