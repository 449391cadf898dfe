"""Where small pictures are kept: 8-bit, at one size, in shards, the oldest of which leave."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zoo.base.cache import PIXELS, cache_folder, pixels_limit, private_folder
from zoo.base.pictures.images import reading
from zoo.base.progress import SILENT, Progress
from zoo.base.shards import Shards, make_room, size_of

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
        place = folder_of(f"{size[0]}x{size[1]}")
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
        keys = (digest, key_of(digest, bits, deep=True))
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

    def flush(self, fewest: int = 1) -> None:
        """Write what waits, where there are so many pictures of a kind."""
        for channels in (GRAY, COLOUR):
            with self._turn:
                enough = len(self._waiting[channels]) >= fewest
                taken = self._taken(channels) if enough else {}
            self._write(channels, taken)

    def _taken(self, channels: int) -> dict[str, tuple[np.ndarray, Shape]]:
        taken, self._waiting[channels] = self._waiting[channels], {}
        return taken

    def _write(self, channels: int, taken: Mapping[str, tuple[np.ndarray, Shape]]) -> None:
        if not taken or not self.open:
            return
        values = np.stack([pixels for pixels, _ in taken.values()])
        self._full = not room_for(values.nbytes)
        if self._full:
            return
        shapes = np.array([shape for _, shape in taken.values()], np.int64)
        self._shards[channels].append(list(taken), values, shapes)


def folder_of(name: str) -> Path:
    """Return where pictures of a kind are kept, as this version reads them."""
    return cache_folder() / PIXELS / f"{reading()}-{name}"


def room_for(size: int) -> bool:
    """Make room for so many bytes; tell whether there is."""
    folder = cache_folder() / PIXELS
    limit = pixels_limit(size_of(folder)) - size
    if limit < 0 or make_room(folder, limit) > limit:
        return False
    with contextlib.suppress(OSError):  # whether anything can be written is told by whoever writes
        private_folder(PIXELS)
    return True


def key_of(digest: str, bits: int | None, *, deep: bool) -> str:
    """Return what a picture is kept by: a deep one is another picture at another depth."""
    return f"{digest}:{bits or 'own'}" if deep else digest
