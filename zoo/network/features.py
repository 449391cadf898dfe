"""Features of a frozen backbone, computed once for each view of each image and kept on disk.

The folder's name is a digest of the backbone's weights and layers, so another backbone or another
preprocessing never meets these files; a row's key is the image's content and its view, so a changed
image is computed anew.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
import json
import marshal
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.base.cache import FEATURES, cache_folder
from zoo.base.cluster import Cluster
from zoo.base.pictures.images import reading
from zoo.base.progress import Progress
from zoo.base.shards import Shards
from zoo.base.types import Dataset, Sample
from zoo.data import augmentation
from zoo.data.frames import Frames
from zoo.network import plugin_layers
from zoo.network.feature_pass import Asked, Wanted, compute
from zoo.network.feature_workers import by_workers


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
    cluster: Cluster | None = None,
    asked: Asked | None = None,
) -> np.ndarray:
    """Return `(samples, views, features)` float32; view 0 is the image as it is.

    `backbone` is a Keras model from pixels to a `(batch, features)` or feature-map tensor; it is
    given what is in the `frames` of the images, or whole ones where these are None.
    Rows that are on disk are read, once their checksum was found right; the others are computed and
    written shard by shard, so that an interrupted pass goes on where it was. Where nothing can be
    written they are computed all the same, and kept in memory. Give the same `asked` for several
    lots of images: its graphs are made once.

    With a cluster its workers compute them, and write them into the folder, which all must see. A
    backbone with layers of a plugin is asked here alone.
    """
    key = backbone_key(backbone) if frames is None else f"{backbone_key(backbone)}-{frames.key}"
    folder = (cache_folder() / FEATURES / key).absolute()
    store = Shards(folder, progress)
    names = [f"{depth_of(dataset)}{_view_name(preset, seed, view)}" for view in range(views)]
    missing = _missing(store, digests, names)
    wanted = Wanted(dataset, names, preset, seed)
    if missing and cluster is not None and not plugin_layers.own_classes(backbone):
        by_workers(
            folder, wanted, backbone, frames, samples, digests, missing, cluster, progress, title
        )
        store = Shards(folder, progress)
        missing = _missing(store, digests, names)
    if missing:
        asked = asked or Asked(backbone, preset)
        compute(asked, frames, wanted, samples, digests, missing, store, progress, title)
    shape = (len(samples), views, *backbone.output_shape[1:])
    return store.rows([f"{d}:{name}" for d in digests for name in names]).reshape(shape)


def _missing(store: Shards, digests: Sequence[str], names: Sequence[str]) -> list[int]:
    found = store.find([f"{d}:{name}" for d in digests for name in names])
    return [i for i, d in enumerate(digests) if any(f"{d}:{name}" not in found for name in names)]


def depth_of(dataset: Dataset) -> str:
    """Say in a key at which depth a data set is read: the same file looks otherwise at another."""
    return f"{dataset.bits}-bit " if dataset.bits else ""


def backbone_key(backbone: Any) -> str:
    """Identify a backbone by its layers but their automatic names, their wiring and weights.

    Operations that are no layers, such as a division, count with the constants they are given; a
    layer that is not Keras's counts with its program. How images are read is part of it, too.
    """
    import keras

    content = hashlib.blake2b(f"reading {reading()}".encode(), digest_size=12)
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
        parts = operation._flatten_layers() if isinstance(operation, keras.Layer) else [operation]
        for kind in dict.fromkeys(map(type, parts)):
            content.update(_program(kind))
        content.update(json.dumps(config, sort_keys=True, default=str).encode())
        for weight in operation.get_weights() if isinstance(operation, keras.Layer) else ():
            content.update(np.ascontiguousarray(weight).tobytes())
    return content.hexdigest()


@functools.cache
def _program(kind: type) -> bytes:
    """Return what a layer computes: its module's source, nothing of Keras's own.

    Who mends a layer and trains again must not meet the features that the old one gave.
    """
    if kind.__module__.partition(".")[0] == "keras":
        return b""
    try:
        return inspect.getsource(sys.modules[kind.__module__]).encode()
    except (KeyError, OSError, TypeError):  # typed into a notebook or at a prompt
        codes = (getattr(one, "__code__", None) for one in vars(kind).values())
        return b"".join(marshal.dumps(code) for code in codes if code is not None)


def _view_name(preset: str, seed: int, view: int) -> str:
    """Name a view by what was drawn for it, so that a changed preset is another view."""
    if view == 0:
        return "as-it-is"
    settings = hashlib.blake2b(repr(augmentation.PRESETS[preset]).encode(), digest_size=4)
    return f"{preset}-{settings.hexdigest()}-{seed}-{view}"
