"""Small pictures, decoded once and kept on disk as they are read: 8-bit, at one size.

A picture is known by the digest of its file's content, so that a changed file is never met by old
pixels; the folder's name holds the size and the version of reading. Where nothing may be kept every
picture is decoded again: that costs time, and gives the same pixels.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.cache import PIXELS, cache_folder, pixels_limit
from zoo.base.digests import digest_file
from zoo.base.errors import BadInput
from zoo.base.pictures import images
from zoo.base.pictures.images import READING
from zoo.base.progress import SILENT, Progress
from zoo.base.shards import Shards, make_room, size_of
from zoo.base.types import Dataset, Sample
from zoo.data.changes import Stamp, stamp_of

SHARD_BYTES = 32_000_000
"""Bytes of pictures that are written together."""
GRAY, COLOUR = 1, 3

Shape = tuple[int, int]


class PixelStore:
    """Pictures of one size by their keys; gray ones are kept as one channel.

    A key is a content digest, and for a deep picture the depth that it was read at as well.
    """

    def __init__(self, size: tuple[int, int], progress: Progress = SILENT) -> None:
        self.size = size
        folder = cache_folder() / PIXELS
        place = folder / f"{READING}-{size[0]}x{size[1]}"
        self._folder = folder
        self._turn = threading.Lock()
        self._full = pixels_limit(0) == 0
        self._shards = {
            channels: Shards(place / name, progress, np.uint8, in_memory=False)
            for channels, name in ((GRAY, "gray"), (COLOUR, "rgb"))
        }
        self._waiting: dict[int, dict[str, tuple[np.ndarray, Shape]]] = {GRAY: {}, COLOUR: {}}

    @property
    def open(self) -> bool:
        """Whether more pictures can be kept."""
        return not self._full and all(shards.writable for shards in self._shards.values())

    def found(self, digest: str, bits: int | None) -> str:
        """Return the key of a picture that is kept, empty when it is not."""
        keys = (digest, _key(digest, bits, deep=True))
        return next((key for key in keys if self.channels(key)), "")

    def channels(self, key: str) -> int:
        """Return the number of channels that a picture is kept with; 0: it is not kept."""
        return next((n for n, shards in self._shards.items() if key in shards.find((key,))), 0)

    def read(self, key: str) -> tuple[np.ndarray, Shape] | None:
        """Return a picture `(height, width, 3)` uint8 and the shape its file has upright."""
        if not (channels := self.channels(key)):
            return None
        shards = self._shards[channels]
        pixels, (height, width) = shards.rows((key,))[0], shards.details(key).tolist()
        return np.repeat(pixels, COLOUR // channels, axis=-1), (height, width)

    def rows(self, keys: Sequence[str], channels: int) -> np.ndarray:
        """Return pictures that are all kept with so many channels, `(pictures, …)` uint8."""
        return self._shards[channels].rows(keys)

    def keep(self, key: str, pixels: np.ndarray, shape: Shape) -> None:
        """Keep a picture `(height, width, 3)`; it is found once it is written with others."""
        if not self.open:
            return
        gray = bool((pixels == pixels[..., :1]).all())
        channels = GRAY if gray else COLOUR
        row = pixels[..., :channels].copy()
        with self._turn:
            waiting = self._waiting[channels]
            waiting[key] = row, shape
            full = len(waiting) * row.nbytes >= SHARD_BYTES
            taken = self._taken(channels) if full else {}
        self._write(channels, taken)

    def flush(self) -> None:
        """Write what waits."""
        for channels in (GRAY, COLOUR):
            with self._turn:
                taken = self._taken(channels)
            self._write(channels, taken)

    def _taken(self, channels: int) -> dict[str, tuple[np.ndarray, Shape]]:
        taken, self._waiting[channels] = self._waiting[channels], {}
        return taken

    def _write(self, channels: int, taken: Mapping[str, tuple[np.ndarray, Shape]]) -> None:
        if not taken or not self.open:
            return
        values = np.stack([pixels for pixels, _ in taken.values()])
        limit = pixels_limit(size_of(self._folder)) - values.nbytes
        if limit < 0 or make_room(self._folder, limit) > limit:
            self._full = True
            return
        with contextlib.suppress(OSError):  # what can be written at all is told by the next line
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # pictures of patients
        shapes = np.array([shape for _, shape in taken.values()], np.int64)
        self._shards[channels].append(list(taken), values, shapes)


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
        self._digests, self._stamps, self._progress = digests, stamps, progress
        self._stores = {} if opened is None else {opened.size: opened}
        self._turn = threading.Lock()

    def __call__(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read an image as `Dataset.read` does."""
        if size is None:
            return self._dataset.read(sample, None)
        return self.shaped(sample, size)[0]

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

    def store(self, size: tuple[int, int]) -> PixelStore:
        """Return the pictures of a size, opened once."""
        with self._turn:
            if size not in self._stores:
                self._stores[size] = PixelStore(size, self._progress)
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
    """Reads files of no data set at one size: what is kept is not decoded again."""

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
        """Write what waits to be kept."""
        self._store.flush()


@dataclass(frozen=True, eq=False)
class KeptRows:
    """Images of a data set that are all kept with as many channels."""

    store: PixelStore
    keys: Sequence[str]
    channels: int

    def some(self, start: int, stop: int) -> np.ndarray:
        """Return some of the images in order, `(images, height, width, channels)` uint8."""
        return self.store.rows(self.keys[start:stop], self.channels)


def _read(
    store: PixelStore, path: Path, digest: str, bits: int | None, seen: Stamp | None
) -> tuple[np.ndarray, Shape]:
    """Read a file that had this digest when its stamp was `seen`, and keep it if it still has."""
    if found := store.read(store.found(digest, bits)):
        return found
    pixels, shape, deep = images.read_examined(path, store.size, bits=bits)
    if digest and seen is not None and stamp_of(path) == seen:
        store.keep(_key(digest, bits, deep=deep), pixels, shape)
    return pixels, shape


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


def _key(digest: str, bits: int | None, *, deep: bool) -> str:
    """Return what a picture is kept by: a deep one is another picture at another depth."""
    return f"{digest}:{bits or 'own'}" if deep else digest
