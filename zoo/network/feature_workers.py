"""Rows of features by the workers of a cluster, which write into a folder that all share."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.cluster import Cluster, chunks, reading
from zoo.base.errors import InvalidSetting
from zoo.base.files import replacing
from zoo.base.progress import SILENT, Progress
from zoo.base.shards import written
from zoo.base.types import Sample
from zoo.data.frames import Frames
from zoo.network import plugin_layers
from zoo.network.feature_pass import BATCH, SHARD_ROWS, Asked, Wanted, compute

BACKBONE = "backbone.keras"
"""What workers load from beside the rows."""

_Part = tuple[Sequence[Sample], Sequence[str], Frames | None]
"""Some images, their digests, and what is in their frames."""


class _SharedShards:
    """Where a worker writes rows: into the folder in which the command looks for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def append(self, keys: Sequence[str], values: np.ndarray) -> None:
        written(self.folder, keys, values.astype(np.float32, copy=False))


def by_workers(
    folder: Path,
    wanted: Wanted,
    backbone: Any,
    frames: Frames | None,
    samples: Sequence[Sample],
    digests: Sequence[str],
    missing: Sequence[int],
    cluster: Cluster,
    progress: Progress,
    title: str,
) -> None:
    """Let workers write the rows of the `missing` among the samples into a folder.

    Raises:
        ZooError: as `Cluster.each`, or the folder is not one that all share.
    """
    with replacing(folder / BACKBONE) as temporary:
        backbone.save(temporary)
    views = len(wanted.names)
    # Whole batches, as a pass here has them: another size may round otherwise.
    most = max(1, SHARD_ROWS // views // BATCH) * BATCH
    size = cluster.chunk(len(missing), most, step=BATCH)

    def parts() -> Iterator[_Part]:
        for chunk in chunks(missing, size):
            content = [digests[i] for i in chunk]
            seen = None if frames is None else frames.only(content)
            yield [samples[i] for i in chunk], content, seen

    progress.start(title, len(missing) * views)
    try:
        work = functools.partial(_fill, folder, replace(wanted, dataset=reading(wanted.dataset)))
        for done in cluster.each(work, parts(), ordered=False, data=(wanted.dataset, samples)):
            progress.advance(done * views)
    finally:
        progress.stop()


def _fill(folder: Path, wanted: Wanted, part: _Part) -> int:
    """Compute the rows of some images in a worker; return how many images they were."""
    samples, digests, frames = part
    asked = _loaded(folder / BACKBONE, wanted.preset)
    store, everything = _SharedShards(folder), range(len(samples))
    compute(asked, frames, wanted, samples, digests, everything, store, SILENT, "features")
    return len(samples)


@functools.lru_cache(maxsize=2)
def _loaded(path: Path, preset: str) -> Asked:
    """Load the backbone that the command wrote and make its graphs, once for many tasks.

    Raises:
        InvalidSetting: it is not there.
    """
    if not path.is_file():
        raise InvalidSetting(
            f"A worker does not see '{path}', which the command has written. Expected a cache "
            "folder that all machines share: give its path as ZOO_CACHE to the command."
        )
    return Asked(plugin_layers.load(path, ()), preset)
