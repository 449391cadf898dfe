"""Features of a frozen backbone, computed once for each view of each image and kept on disk.

The folder's name is a digest of the backbone's weights and layers, so another backbone or another
preprocessing never meets these files; a row's key is the image's content and its view, so a changed
image is computed anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.base.cache import FEATURES, cache_folder
from zoo.base.parallel import in_parallel
from zoo.base.pictures.images import READING
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import Progress
from zoo.base.shards import Shards
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.data.pipeline import read_shape
from zoo.data.pixels import keep
from zoo.data.resampling import cut

BATCH = 32
SHARD_ROWS = 1024


def features(
    backbone: Any,
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    *,
    frames: Frames | None = None,
    views: int = 1,
    preset: str = "none",
    seed: int = 0,
    progress: Progress,
    title: str = "features",
) -> np.ndarray:
    """Return `(samples, views, features)` float32; view 0 is the image as it is.

    `backbone` is a Keras model from pixels to a `(batch, features)` or feature-map tensor; it is
    given what is in the `frames` of the images, or whole ones where these are None.
    Rows that are on disk are read, once their checksum was found right; the others are computed and
    written shard by shard, so that an interrupted pass goes on where it was. Where nothing can be
    written they are computed all the same, and kept in memory.
    """
    key = backbone_key(backbone) if frames is None else f"{backbone_key(backbone)}-{frames.key}"
    store = Shards(cache_folder() / FEATURES / key, progress)
    # The same file looks otherwise at another depth.
    depth = f"{dataset.bits}-bit " if dataset.bits else ""
    names = [depth + _view_name(preset, seed, view) for view in range(views)]
    found = store.find([f"{d}:{name}" for d in digests for name in names])
    missing = [
        i for i, d in enumerate(digests) if any(f"{d}:{name}" not in found for name in names)
    ]
    if missing:
        _compute(
            backbone,
            frames,
            dataset,
            samples,
            digests,
            missing,
            names,
            preset,
            seed,
            store,
            progress,
            title,
        )
    shape = (len(samples), views, *backbone.output_shape[1:])
    return store.rows([f"{d}:{name}" for d in digests for name in names]).reshape(shape)


def backbone_key(backbone: Any) -> str:
    """Identify a backbone by its layers but their automatic names, their wiring and weights.

    Operations that are no layers, such as a division, count with the constants they are given.
    How images are read is part of it, too.
    """
    import keras

    content = hashlib.blake2b(f"reading {READING}".encode(), digest_size=12)
    places = {operation: place for place, operation in enumerate(backbone.operations)}

    # A layer may also be part of another model, such as one that goes on from this backbone.
    nodes = {id(node) for level in backbone._nodes_by_depth.values() for node in level}

    def told(argument: Any) -> Any:
        if isinstance(argument, keras.KerasTensor):
            operation, *output = argument._keras_history
            return places.get(operation), output
        return np.asarray(argument).tolist() if hasattr(argument, "__array__") else argument

    for operation in backbone.operations:
        wiring = [
            keras.tree.map_structure(told, (node.arguments.args, node.arguments.kwargs))
            for node in operation._inbound_nodes
            if id(node) in nodes
        ]
        content.update(repr(wiring).encode())
        config = {k: v for k, v in operation.get_config().items() if k not in ("name", "trainable")}
        content.update(type(operation).__name__.encode())
        content.update(json.dumps(config, sort_keys=True, default=str).encode())
        for weight in operation.get_weights() if isinstance(operation, keras.Layer) else ():
            content.update(np.ascontiguousarray(weight).tobytes())
    return content.hexdigest()


def _compute(
    backbone: Any,
    frames: Frames | None,
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    missing: Sequence[int],
    names: Sequence[str],
    preset: str,
    seed: int,
    store: Shards,
    progress: Progress,
    title: str,
) -> None:
    import tensorflow as tf

    seen = tuple(backbone.input_shape[1:])
    height, width, channels = read_shape(seen, frames)
    size = seen[:2]

    @tf.function(reduce_retracing=True)
    def plain(pixels: Any, *parts: Any) -> Any:
        given = cut(pixels, parts[0], size) if parts else tf.cast(pixels, tf.float32)
        return backbone(given, training=False)

    @tf.function(reduce_retracing=True)
    def augmented(pixels: Any, views: Any, *parts: Any) -> Any:
        given = augmentation.apply(pixels, views, *parts, size=size, preset=preset)
        return backbone(given, training=False)

    def read(index: int) -> np.ndarray:
        return to_channels(dataset.read(samples[index], (height, width)), channels)

    keys: list[str] = []
    values: list[np.ndarray] = []

    def flush() -> None:
        if keys:
            store.append(keys, np.concatenate(values))
            keys.clear()
            values.clear()

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
                    computed = plain(tf.constant(pixels), *parts)
                else:
                    drawn = augmentation.draw(preset, seed, view, content, size)
                    computed = augmented(tf.constant(pixels), drawn, *parts)
                keys.extend(f"{d}:{name}" for d in content)
                values.append(computed.numpy())
                progress.advance(len(chunk))
            if len(keys) >= SHARD_ROWS:
                flush()
    finally:
        flush()
        keep(dataset)
        progress.stop()


def _view_name(preset: str, seed: int, view: int) -> str:
    """Name a view by what was drawn for it, so that a changed preset is another view."""
    if view == 0:
        return "as-it-is"
    settings = hashlib.blake2b(repr(augmentation.PRESETS[preset]).encode(), digest_size=4)
    return f"{preset}-{settings.hexdigest()}-{seed}-{view}"
