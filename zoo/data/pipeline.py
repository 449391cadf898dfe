"""Stream a data set's images from where they are stored, a few batches at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.pixel_arrays import to_channels
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation

PREDICTION_BATCH = 32


def batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    input_shape: tuple[int, int, int],
    batch_size: int = PREDICTION_BATCH,
) -> Any:
    """Stream `samples` in order as `(batch, height, width, channels)` uint8 (a tf.data.Dataset)."""
    import tensorflow as tf

    height, width, channels = input_shape

    def read(index: np.ndarray) -> np.ndarray:
        pixels = dataset.read(samples[int(index)], (height, width))
        return to_channels(pixels, channels)

    def load(index: Any) -> Any:
        pixels = tf.numpy_function(read, [index], tf.uint8)
        pixels.set_shape(input_shape)
        return pixels

    streamed = tf.data.Dataset.range(len(samples))
    return streamed.map(load, tf.data.AUTOTUNE).batch(batch_size).prefetch(2)


def training_batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    input_shape: tuple[int, int, int],
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    batch_size: int,
    preset: str,
    seed: int,
    epoch: int,
) -> Any:
    """Stream one epoch, shuffled and augmented, as `(pixels, targets, weights)` batches.

    `targets` is `(samples, classes)` one-hot and `weights` is `(samples,)`.
    """
    import tensorflow as tf

    order = shuffled(len(samples), seed, epoch)
    in_order = [samples[i] for i in order]
    pixels = batches(dataset, in_order, input_shape, batch_size)
    if preset != "none":
        views = augmentation.draw(preset, seed, epoch, [digests[i] for i in order], input_shape[:2])
        drawn = tf.data.Dataset.from_tensor_slices(views).batch(batch_size)
        pixels = tf.data.Dataset.zip((pixels, drawn)).map(augmentation.apply, tf.data.AUTOTUNE)
    answers = tf.data.Dataset.from_tensor_slices((targets[order], weights[order]))
    return (
        tf.data.Dataset.zip((pixels, answers.batch(batch_size)))
        .map(lambda x, y: (tf.cast(x, tf.float32), y[0], y[1]))
        .prefetch(2)
    )


def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of an epoch, the same whenever it is asked for."""
    return np.random.default_rng([seed, epoch]).permutation(count)


@contextlib.contextmanager
def reading_errors() -> Iterator[None]:
    """Turn the error that tf.data makes of a BadInput back into it.

    Raises:
        BadInput: an image that was readable before no longer is.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        _, mark, told = str(error.message).partition("BadInput: ")
        if not mark:
            raise
        raise BadInput(told.splitlines()[0]) from error
