"""An AlexNet-like network: four convolutions, then a large dense part."""

from __future__ import annotations

from typing import Any

from zoo import Architecture, Option, hookimpl

FILTERS = (32, 64, 128, 256)


def build(input_shape: tuple[int, int, int], num_classes: int, dropout: float = 0.2) -> Any:
    """Return a functional model: pixels 0-255 `(batch, height, width, channels)` in, logits out."""
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in FILTERS:
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        # A small set has few steps an epoch; with Keras's 0.99 the statistics would lag behind.
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.MaxPooling2D()(x)
        x = layers.Dropout(dropout)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu")(x)
    x = layers.Dense(64, activation="relu")(x)
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="alexnet")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give the AlexNet-like network."""
    return [
        Architecture(
            name="alexnet",
            summary="AlexNet-like: 4 convolutions, 2 dense layers; large for a small data set",
            build=build,
            parameters=1_443_266,
            multiply_adds=241_700_992,
            input_shape=(128, 128, 3),
            reference="after Krizhevsky, Sutskever, Hinton, ImageNet Classification with Deep "
            "Convolutional Neural Networks, 2012",
            options={"dropout": Option(0.2, "share of activations dropped after each convolution")},
            recipe={"epochs": 15, "warm_up": 0.5, "averaging": 0.5},
            presets={
                "fast": {"input_shape": (96, 96, 3), "epochs": 6},
                "best": {"epochs": 40, "patience": 10},
            },
        )
    ]
