"""Small pictures, decoded once and kept on disk as they are read: 8-bit, at one size.

A picture is known by the digest of its file's content, so that a changed file is never met by old
pixels; the folder's name holds the size and how files are read: the version of that, and of each
image format of another package. Where nothing may be kept every picture is decoded again: that
costs time, and gives the same pixels.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.digests import digest_file
from zoo.base.errors import BadInput
from zoo.base.parallel import in_parallel
from zoo.base.pictures import images
from zoo.base.progress import SILENT, Progress, track
from zoo.base.shards import Shards
from zoo.base.types import Dataset, Sample
from zoo.data.changes import Stamp, stamp_of
from zoo.data.pixel_store import PixelStore, Shape, folder_of, key_of, room_for

FEWEST = 32
"""Pictures of no data set that are written together: each shard is looked at by whoever reads."""


class KeptPixels:
    """The `read` of a data set of files: what is kept is not decoded again, the rest is kept.

    Args:
        dataset: reads its files at their depth.
        path: gives the file of an image.
        digests: of the images' content, by name.
        stamps: of their files, as they were before they were digested.
        progress: told where nothing can be kept.
        opened: the pictures of a size that are open already.
    """

    def __init__(
        self,
        dataset: Dataset,
        path: Callable[[Sample], Path],
        digests: Mapping[str, str],
        stamps: Mapping[str, Stamp],
        progress: Progress,
        opened: PixelStore | None = None,
    ) -> None:
        self._dataset, self._path = dataset, path
        self._digests, self._stamps, self.progress = digests, stamps, progress
        self._stores = {} if opened is None else {opened.size: opened}
        self._turn = threading.Lock()

    def __call__(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read an image as `Dataset.read` does."""
        if size is None:
            return self._dataset.read(sample, None)
        return self.shaped(sample, size)[0]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        """Send the reading alone to another process: what is kept, and all digests, stay here."""
        return _itself, (self._dataset.read,)

    def shaped(self, sample: Sample, size: tuple[int, int]) -> tuple[np.ndarray, Shape]:
        """Read an image; return it and the `(height, width)` it has upright."""
        name = sample.name
        return _read(
            self.store(size),
            self._path(sample),
            self._digests[name],
            self._dataset.bits,
            self._stamps.get(name),
        )

    def key(self, sample: Sample) -> str:
        """Identify a picture as it is read: by its content, and the depth of the data set."""
        return f"{self._digests[sample.name]}:{self._dataset.bits or 'own'}"

    def unchanged(self, sample: Sample) -> bool:
        """Tell whether an image's file still is what was digested."""
        seen = self._stamps.get(sample.name)
        return seen is not None and stamp_of(self._path(sample)) == seen

    def store(self, size: tuple[int, int]) -> PixelStore:
        """Return the pictures of a size, opened once."""
        with self._turn:
            if size not in self._stores:
                self._stores[size] = PixelStore(size, self.progress)
            return self._stores[size]

    def rows(self, samples: Sequence[Sample], size: tuple[int, int]) -> KeptRows | None:
        """Return images as `kept_rows` does."""
        store, bits = self.store(size), self._dataset.bits
        store.flush()  # of the pass before
        keys = [store.found(self._digests[sample.name], bits) for sample in samples]
        channels = {store.channels(key) for key in keys}
        return KeptRows(store, keys, channels.pop()) if len(channels) == 1 and all(keys) else None

    def flush(self) -> None:
        """Write what waits to be kept."""
        for store in list(self._stores.values()):
            store.flush()


class FileReader:
    """Reads files of no data set at one size: what is kept is not decoded again.

    A few are not kept before more come: to decode one takes less than to write and open a shard.
    """

    def __init__(self, size: tuple[int, int], bits: int | None) -> None:
        self._bits, self._store = bits, PixelStore(size)

    def read(self, path: Path) -> tuple[np.ndarray, Shape, str]:
        """Return an image `(height, width, 3)` uint8, the shape it has upright, and its digest.

        Raises:
            BadInput: it cannot be read.
        """
        seen, digest = stamp_of(path), ""
        with contextlib.suppress(BadInput):  # what decoding says of the file is told
            digest = digest_file(path)
        pixels, shape = _read(self._store, path, digest, self._bits, seen)
        return pixels, shape, digest or digest_file(path)

    def flush(self) -> None:
        """Write what waits to be kept, where it is worth a shard."""
        self._store.flush(FEWEST)


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Images of a data set that are all kept with as many channels."""

    store: PixelStore
    keys: Sequence[str]
    channels: int

    def some(self, start: int, stop: int) -> np.ndarray:
        """Return some of the images in order, `(images, height, width, channels)` uint8."""
        return self.store.rows(self.keys[start:stop], self.channels)


def _itself(read: Callable[..., Any]) -> Callable[..., Any]:
    return read


def _read(
    store: PixelStore, path: Path, digest: str, bits: int | None, seen: Stamp | None
) -> tuple[np.ndarray, Shape]:
    """Read a file that had this digest when its stamp was `seen`, and keep it if it still has."""
    if found := store.read(store.found(digest, bits)):
        return found
    pixels, shape, deep = images.read_examined(path, store.size, bits=bits)
    if digest and seen is not None and stamp_of(path) == seen:
        store.keep(key_of(digest, bits, deep=deep), pixels, shape)
    return pixels, shape


def kept_files(
    dataset: Dataset,
    samples: Sequence[Sample],
    name: str,
    make: Callable[[Sample], bytes],
    progress: Progress = SILENT,
) -> list[bytes]:
    """Make a small file of each image, in a few threads; those that are kept are not made again.

    `name` tells what is made from anything else that is made of the same images.
    """

    def made_of(missing: Collection[Sample]) -> list[bytes]:
        return list(track(progress, in_parallel(make, missing), "small pictures", len(missing)))

    read = dataset.read
    if not isinstance(read, KeptPixels):
        return made_of(samples)
    shards = Shards(folder_of(name), read.progress, np.uint8, in_memory=False)
    keys = [read.key(sample) for sample in samples]
    found = shards.find(keys)
    missing = {key: s for key, s in zip(keys, samples, strict=True) if key not in found}
    made = dict(zip(missing, made_of(missing.values()), strict=True))
    kept = {key: made[key] for key, sample in missing.items() if read.unchanged(sample)}
    widest = max(map(len, kept.values()), default=0)
    if kept and room_for(widest * len(kept)):
        rows = np.zeros((len(kept), widest), np.uint8)
        for row, one in zip(rows, kept.values(), strict=True):
            row[: len(one)] = np.frombuffer(one, np.uint8)
        shards.append(list(kept), rows, np.array([[len(one)] for one in kept.values()]))

    def content_of(key: str) -> bytes:
        return made[key] if key in made else shards.row(key)[: shards.details(key)[0]].tobytes()

    return [content_of(key) for key in keys]


def kept_rows(
    dataset: Dataset, samples: Sequence[Sample], size: tuple[int, int]
) -> KeptRows | None:
    """Return images that need not be decoded; None unless all are kept, with as many channels."""
    return dataset.read.rows(samples, size) if isinstance(dataset.read, KeptPixels) else None


def keep(dataset: Dataset) -> None:
    """Write what was decoded of a data set and waits to be kept."""
    if isinstance(dataset.read, KeptPixels):
        dataset.read.flush()


@contextlib.contextmanager
def keeping(dataset: Dataset) -> Iterator[None]:
    """Keep what the block decodes, also where it ends with an error."""
    try:
        yield
    finally:
        keep(dataset)
