"""Stream a data set's images from where they are stored, a few batches at a time."""

from __future__ import annotations

import contextlib
import functools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, Unreachable
from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.data.pixels import keeping, kept_rows
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

    channels = input_shape[2]
    streamed = _read(dataset, samples, input_shape, batch_size)
    return streamed.map(lambda x: _repeated(x, channels), tf.data.AUTOTUNE).prefetch(2)


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
    return tf.data.Dataset.zip((pixels, parts)).map(_cutting(input_shape[:2]), tf.data.AUTOTUNE)


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
    if preset == "none":
        pixels = seen_batches(dataset, in_order, content, input_shape, frames, batch_size)
        answers = tf.data.Dataset.from_tensor_slices((targets[order], weights[order]))
        return (
            tf.data.Dataset.zip((pixels, answers.batch(batch_size)))
            .map(lambda x, y: (x, *y))
            .prefetch(2)
        )
    numbers = np.repeat(rounds, len(samples)).tolist()

    def drawn() -> Iterator[Any]:
        """Draw the views of one batch after the other, while others are worked on."""
        for start in range(0, len(order), batch_size):
            part = slice(start, start + batch_size)
            views = augmentation.joined(
                augmentation.draw(
                    preset,
                    seed,
                    number,
                    [d for n, d in zip(numbers[part], content[part], strict=True) if n == number],
                    input_shape[:2],
                )
                for number in dict.fromkeys(numbers[part])
            )
            seen = content[part]
            framed = () if frames is None else (frames.of(seen), frames.masks_of(seen))
            softened = augmentation.softened(targets[order[part]], views)
            yield (views, *framed), softened, weights[order[part]]

    of_batches = _generated(drawn, math.ceil(len(order) / batch_size))
    pixels = _read(dataset, in_order, read_shape(input_shape, frames), batch_size)
    return (
        tf.data.Dataset.zip((pixels, of_batches))
        .map(_viewing(input_shape, preset), tf.data.AUTOTUNE)
        .prefetch(2)
    )


def _read(
    dataset: Dataset,
    samples: Sequence[Sample],
    input_shape: tuple[int, int, int],
    batch_size: int,
) -> Any:
    """Stream pictures as uint8, with one channel where all are gray and kept so."""
    height, width, channels = input_shape
    kept = kept_rows(dataset, samples, (height, width))

    def read() -> Iterator[np.ndarray]:
        starts = range(0, len(samples), batch_size)
        if kept is not None:
            for start in starts:
                rows = kept.some(start, start + batch_size)
                yield rows if kept.channels == 1 else to_channels(rows, channels)
            return
        with keeping(dataset):
            one = in_parallel(lambda sample: dataset.read(sample, (height, width)), samples)
            for start in starts:
                many = range(start, min(start + batch_size, len(samples)))
                yield np.stack([to_channels(next(one), channels) for _ in many])

    given = channels if kept is None else min(channels, kept.channels)
    like = np.empty((0, height, width, given), np.uint8)
    return _generated(read, math.ceil(len(samples) / batch_size), like)


def _generated(give: Callable[[], Iterator[Any]], count: int, like: Any = None) -> Any:
    """Stream what a generator gives; `like` has its structure (default: its first element)."""
    import tensorflow as tf

    def spec(array: Any) -> Any:
        return tf.TensorSpec((None, *array.shape[1:]), array.dtype)

    signature = tf.nest.map_structure(spec, next(give()) if like is None else like)
    streamed = tf.data.Dataset.from_generator(give, output_signature=signature)
    return streamed.apply(tf.data.experimental.assert_cardinality(count))


def _repeated(pixels: Any, channels: int) -> Any:
    """Give gray pictures as many channels."""
    import tensorflow as tf

    return tf.repeat(pixels, channels // pixels.shape[-1], axis=-1)


# What is made once is traced once, not in each epoch anew.


@functools.cache
def _cutting(size: tuple[int, int]) -> Any:
    """Return what cuts pictures to their boxes."""
    import tensorflow as tf

    return tf.function(lambda pixels, boxes: cut(pixels, boxes, size), autograph=False)


@functools.cache
def _viewing(input_shape: tuple[int, int, int], preset: str) -> Any:
    """Return what gives a batch its views, and so makes a batch of an epoch."""
    import tensorflow as tf

    height, width, channels = input_shape

    def viewed(pixels: Any, drawn: Any) -> Any:
        given, targets, weights = drawn
        seen = augmentation.apply(pixels, *given, size=(height, width), preset=preset)
        return _repeated(seen, channels), targets, weights

    return tf.function(viewed, autograph=False)


def read_shape(input_shape: tuple[int, int, int], frames: Frames | None) -> tuple[int, int, int]:
    """Return the shape that pictures are read in before what is in their frames is cut out."""
    return input_shape if frames is None else (*frames.reading, input_shape[2])


def shuffled(count: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of an epoch, the same whenever it is asked for."""
    return np.random.default_rng([seed, epoch]).permutation(count)


@contextlib.contextmanager
def reading_errors() -> Iterator[None]:
    """Turn the error that tf.data makes of a BadInput or Unreachable back into it.

    Raises:
        BadInput: an image that was readable before no longer is.
        Unreachable: it lies behind an address that does not answer any more.
    """
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        for kind in (BadInput, Unreachable):
            _, mark, told = str(error.message).partition(f"{kind.__name__}: ")
            if mark:
                raise kind(told.splitlines()[0]) from error
        raise
