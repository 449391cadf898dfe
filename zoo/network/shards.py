"""Rows of numbers on disk, in shards that are checked before they are believed.

A shard is an array of rows that is read through a memory map, and an index beside it: the keys of
the rows, their shape, and a checksum of the array's file. The index is written last and is an
archive, which has checksums of its own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4
from weakref import WeakSet

import numpy as np

from zoo.base import leftovers
from zoo.base.array_files import Expected, read_arrays
from zoo.base.digests import checksum_of
from zoo.base.errors import NotWritten
from zoo.base.files import replacing
from zoo.base.progress import Progress

ROWS, INDEX = ".rows.npy", ".index.npz"
TABLE = {
    "keys": Expected("U", "rows"),
    "shape": Expected("iu", "axes", low=0),
    "checksum": Expected("iu", "", low=0),
}

_told: WeakSet[Progress] = WeakSet()
"""Listeners that know already that nothing can be kept: one line is enough for a training."""


@dataclass(frozen=True, eq=False)
class Shard:
    """The index of a shard that is on disk."""

    path: Path
    keys: Sequence[str]
    shape: tuple[int, ...]
    checksum: int

    def rows(self) -> np.ndarray:
        """Map the rows, once they were found to be what was written.

        Raises:
            ValueError: they are damaged.
            OSError: they cannot be read.
        """
        if checksum_of(self.path) != self.checksum:
            raise ValueError("its checksum is another")
        values = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if values.shape != self.shape or values.dtype != np.float32:
            raise ValueError("it has another shape than was written")
        return values


class Shards:
    """The rows of one folder by their keys. Several processes may read and write it.

    Names of shards are random: whoever computes a row that another computes too writes it once
    more, and either is right. Damaged shards are removed and told, and so are those of which a part
    is missing: their rows are then not found.
    """

    def __init__(self, folder: Path, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        self._known: list[Shard] = []
        self._open: list[np.ndarray] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._writable = True
        leftovers.sweep_once(folder)
        _remove(*folder.glob("*.keys.npy"), *folder.glob("*.values.npy"))  # of an older layout
        damaged = 0
        for path in sorted(folder.glob(f"*{INDEX}")) if folder.is_dir() else ():
            try:
                self._known.append(_read_index(path))
            except OSError:  # it may be whole: another process may have removed it meanwhile
                damaged += 1
            except Exception:  # a damaged archive fails in many ways
                _remove(path, _rows_of(path))
                damaged += 1
        self._tell(damaged)

    def find(self, keys: Sequence[str]) -> Collection[str]:
        """Look for rows, and check the shards that hold them; return the keys that were found."""
        wanted, damaged = set(keys) - self._places.keys(), 0
        for shard in list(self._known):
            if wanted.isdisjoint(shard.keys):
                continue
            self._known.remove(shard)
            try:
                rows = shard.rows()
            except (FileNotFoundError, ValueError, EOFError):
                damaged += 1
                _remove(_index_of(shard.path), shard.path)
            except OSError:  # it cannot be read now, and may be whole
                damaged += 1
            else:
                self._add(shard.keys, rows)
                wanted.difference_update(shard.keys)
        self._tell(damaged)
        return self._places.keys()

    def append(self, keys: Sequence[str], values: np.ndarray) -> None:
        """Write a shard of rows; where that fails they are kept in memory, and it is said."""
        values = values.astype(np.float32, copy=False)
        if self._writable:
            try:
                self._add(keys, self._written(keys, values).rows())
            except (NotWritten, OSError, ValueError) as error:
                self._writable = False
                self._tell_once(error)
            else:
                return
        self._add(keys, values)

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """Return the rows of `keys`, in order, of those that `find` or `append` gave."""
        values = np.empty((len(keys), *self._open[0].shape[1:]), np.float32)
        for place, key in enumerate(keys):
            shard, row = self._places[key]
            values[place] = self._open[shard][row]
        return values

    def _written(self, keys: Sequence[str], values: np.ndarray) -> Shard:
        path = self.folder / f"{uuid4().hex}{ROWS}"
        with replacing(path) as temporary:
            np.save(temporary, values)
            checksum = checksum_of(temporary)
        with replacing(_index_of(path)) as temporary:
            np.savez(
                temporary,
                keys=np.array(keys, np.str_),
                shape=np.array(values.shape, np.int64),
                checksum=np.uint32(checksum),
            )
        return Shard(path, keys, values.shape, checksum)

    def _add(self, keys: Sequence[str], rows: np.ndarray) -> None:
        for row, key in enumerate(keys):
            self._places[key] = (len(self._open), row)
        self._open.append(rows)

    def _tell_once(self, error: Exception) -> None:
        if self.progress not in _told:
            _told.add(self.progress)
            self.progress.warn(
                "What was computed cannot be kept for another time, which costs time alone: "
                f"{error}"
            )

    def _tell(self, damaged: int) -> None:
        if damaged:
            self.progress.note(
                f"{damaged} of the files that were kept in '{self.folder}' cannot be used (damaged "
                "or gone): what they held is computed again."
            )


def _read_index(path: Path) -> Shard:
    index = read_arrays(path, TABLE)
    keys, shape = index["keys"].tolist(), tuple(index["shape"].tolist())
    if not shape or shape[0] != len(keys):
        raise ValueError("it has another number of keys than of rows")
    return Shard(_rows_of(path), keys, shape, int(index["checksum"]))


def _rows_of(index: Path) -> Path:
    return index.with_name(index.name.removesuffix(INDEX) + ROWS)


def _index_of(rows: Path) -> Path:
    return rows.with_name(rows.name.removesuffix(ROWS) + INDEX)


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # of a cache that may only be read
            path.unlink(missing_ok=True)
