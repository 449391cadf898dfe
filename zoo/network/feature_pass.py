"""Rows of features: pictures are read, cut, varied and shown to a backbone, a batch at a time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import Progress
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.data.pipeline import read_shape
from zoo.data.pixels import keep
from zoo.data.resampling import cut
from zoo.network.folding import folded

BATCH = 32
SHARD_ROWS = 1024


class Store(Protocol):
    """Where rows go."""

    def append(self, keys: Sequence[str], values: np.ndarray) -> None:
        """Keep rows under their keys."""


@dataclass(frozen=True, eq=False)
class Wanted:
    """What the rows are of: how images are read, and which views of each, by name."""

    dataset: Dataset
    names: Sequence[str]
    preset: str
    seed: int


class Asked:
    """A backbone and the graphs that ask it, made when they are first needed.

    `plain` is asked about pictures as they are, `augmented` about views of them by the `preset`.
    """

    def __init__(self, backbone: Any, preset: str) -> None:
        self.input_shape: tuple[int, int, int] = tuple(backbone.input_shape[1:])
        self._backbone, self._preset = backbone, preset

    @cached_property
    def plain(self) -> Callable[..., Any]:
        """Take pixels, and what is seen of each where that is not all."""
        import tensorflow as tf

        backbone, size = self._quick, self.input_shape[:2]

        @tf.function(reduce_retracing=True, autograph=False)
        def plain(pixels: Any, *parts: Any) -> Any:
            given = cut(pixels, parts[0], size) if parts else tf.cast(pixels, tf.float32)
            return backbone(given, training=False)

        return plain

    @cached_property
    def augmented(self) -> Callable[..., Any]:
        """Take pixels, the views that were drawn of them, and what is seen of each."""
        import tensorflow as tf

        backbone, size, preset = self._quick, self.input_shape[:2], self._preset

        @tf.function(reduce_retracing=True, autograph=False)
        def augmented(pixels: Any, views: Any, *parts: Any) -> Any:
            given = augmentation.apply(pixels, views, *parts, size=size, preset=preset)
            return backbone(given, training=False)

        return augmented

    @cached_property
    def _quick(self) -> Any:
        return folded(self._backbone)


def compute(
    asked: Asked,
    frames: Frames | None,
    wanted: Wanted,
    samples: Sequence[Sample],
    digests: Sequence[str],
    missing: Sequence[int],
    store: Store,
    progress: Progress,
    title: str,
) -> None:
    """Compute the rows of the `missing` among the samples, and hand them to the store.

    Raises:
        BadInput: an image cannot be read.
    """
    import tensorflow as tf

    names, preset = wanted.names, wanted.preset
    seen = asked.input_shape
    height, width, channels = read_shape(seen, frames)
    size = seen[:2]

    def read(index: int) -> np.ndarray:
        return to_channels(wanted.dataset.read(samples[index], (height, width)), channels)

    # Keys and rows are kept by one step, so that an interruption never parts them.
    made: list[tuple[list[str], np.ndarray]] = []

    def flush() -> None:
        if made:
            keys, rows = zip(*made, strict=True)
            store.append(list(itertools.chain(*keys)), np.concatenate(rows))
            made.clear()

    progress.start(title, len(missing) * len(names))
    try:
        images = in_parallel(read, missing, ahead=2 * BATCH)
        for start in range(0, len(missing), BATCH):
            chunk = missing[start : start + BATCH]
            pixels = np.stack([next(images) for _ in chunk])
            content = [digests[i] for i in chunk]
            parts = () if frames is None else (tf.constant(frames.of(content)),)
            for view, name in enumerate(names):
                if view == 0:
                    computed = asked.plain(tf.constant(pixels), *parts)
                else:
                    drawn = augmentation.draw(preset, wanted.seed, view, content, size)
                    computed = asked.augmented(tf.constant(pixels), drawn, *parts)
                made.append(([f"{d}:{name}" for d in content], computed.numpy()))
                progress.advance(len(chunk))
            if sum(len(rows) for _, rows in made) >= SHARD_ROWS:
                flush()
    finally:
        flush()
        keep(wanted.dataset)
        progress.stop()
