"""Stream a data set's images from where they are stored, a few batches at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.data.resampling import cut

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


def seen_batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    input_shape: tuple[int, int, int],
    frames: Frames | None,
    batch_size: int = PREDICTION_BATCH,
) -> Any:
    """Stream what a network sees of `samples`, in order, `(batch, *input_shape)` float32.

    That is what is in their `frames`, or whole pictures where these are None.
    """
    import tensorflow as tf

    pixels = batches(dataset, samples, read_shape(input_shape, frames), batch_size)
    if frames is None:
        return pixels.map(lambda x: tf.cast(x, tf.float32), tf.data.AUTOTUNE)
    parts = tf.data.Dataset.from_tensor_slices(frames.of(digests)).batch(batch_size)
    return tf.data.Dataset.zip((pixels, parts)).map(
        lambda x, boxes: cut(x, boxes, input_shape[:2]), tf.data.AUTOTUNE
    )


def training_batches(
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    input_shape: tuple[int, int, int],
    targets: np.ndarray,
    weights: np.ndarray,
    *,
    frames: Frames | None = None,
    batch_size: int,
    preset: str,
    seed: int,
    rounds: Sequence[int],
) -> Any:
    """Stream one epoch, shuffled and augmented, as `(pixels, targets, weights)` batches.

    An epoch is one or more `rounds`, numbered throughout the training; in each of them all samples
    are seen once. `targets` is `(samples, classes)` one-hot and `weights` is `(samples,)`.
    """
    import tensorflow as tf

    order = np.concatenate([shuffled(len(samples), seed, number) for number in rounds])
    in_order, content = [samples[i] for i in order], [digests[i] for i in order]
    of_order = targets[order]
    if preset == "none":
        pixels = seen_batches(dataset, in_order, content, input_shape, frames, batch_size)
    else:
        size = input_shape[:2]
        views = augmentation.joined(
            augmentation.draw(preset, seed, number, of_round, size)
            for number, of_round in zip(rounds, _parted(content, len(rounds)), strict=True)
        )
        of_order = augmentation.softened(of_order, views)
        framed = () if frames is None else (frames.of(content), frames.masks_of(content))
        drawn = (views, *framed)
        pixels = tf.data.Dataset.zip(
            (
                batches(dataset, in_order, read_shape(input_shape, frames), batch_size),
                tf.data.Dataset.from_tensor_slices(drawn).batch(batch_size),
            )
        ).map(
            lambda x, drawn: augmentation.apply(x, *drawn, size=size, preset=preset),
            tf.data.AUTOTUNE,
        )
    answers = tf.data.Dataset.from_tensor_slices((of_order, weights[order]))
    return (
        tf.data.Dataset.zip((pixels, answers.batch(batch_size)))
        .map(lambda x, y: (x, y[0], y[1]))
        .prefetch(2)
    )


def _parted(content: Sequence[str], parts: int) -> list[Sequence[str]]:
    size = len(content) // parts
    return [content[start * size : (start + 1) * size] for start in range(parts)]


def read_shape(input_shape: tuple[int, int, int], frames: Frames | None) -> tuple[int, int, int]:
    """Return the shape that pictures are read in before what is in their frames is cut out."""
    return input_shape if frames is None else (*frames.reading, input_shape[2])


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
