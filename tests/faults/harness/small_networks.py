"""A plugin with two networks so small that a training is over before much can go wrong."""

from __future__ import annotations

from typing import Any

from zoo import Architecture, hookimpl

INPUT = (32, 32, 3)


def _network(input_shape: tuple[int, int, int], num_classes: int, trainable: bool) -> Any:
    import keras
    from keras import layers

    pixels = keras.Input(input_shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    first = layers.Conv2D(6, 5, strides=4, activation="relu", trainable=trainable)
    x = layers.GlobalAveragePooling2D()(first(x))
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def build_whole(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    return _network(input_shape, num_classes, trainable=True)


def build_frozen(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    return _network(input_shape, num_classes, trainable=False)


@hookimpl
def zoo_architectures() -> list[Architecture]:
    recipe = {"epochs": 2, "learning_rate": 0.01, "frame": "whole", "cases": 8}
    return [
        Architecture(
            name=name,
            summary="One convolution.",
            build=build,
            parameters=470,
            input_shape=INPUT,
            recipe=recipe,
        )
        for name, build in (("whole", build_whole), ("frozen", build_frozen))
    ]
