"""An MNIST-like network: three convolutions and one dense layer."""

from __future__ import annotations

from typing import Any

from zoo import Architecture, Option, hookimpl

FILTERS = (32, 64, 128)


def build(input_shape: tuple[int, int, int], num_classes: int, dropout: float = 0.15) -> Any:
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
    # Logits stay exact when the other layers compute in 16 bits.
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(pixels, logits, name="mnist")


@hookimpl
def zoo_architectures() -> list[Architecture]:
    """Give the MNIST-like network."""
    return [
        Architecture(
            name="mnist",
            summary="MNIST-like: 3 convolutions, 1 dense layer; made for small pictures",
            build=build,
            parameters=2_191_490,
            multiply_adds=167_248_000,
            input_shape=(128, 128, 3),
            reference="after LeCun, Bottou, Bengio, Haffner, Gradient-Based Learning Applied to "
            "Document Recognition, 1998",
            options={
                "dropout": Option(0.15, "share of activations dropped after each convolution")
            },
            recipe={"epochs": 15, "warm_up": 0.5, "averaging": 0.5},
            presets={
                "fast": {"input_shape": (96, 96, 3), "epochs": 6},
                "best": {"epochs": 40, "patience": 10},
            },
        )
    ]
