"""Rows of numbers on disk, in shards that are checked before they are believed.

A shard is an array of rows that is read through a memory map, and an index beside it: the keys of
the rows, their shape, a checksum of the array's file, and what else is known of each row. The
index is written last and is an archive, which has checksums of its own. When a shard was last used
is the time of its index, so that those nobody asks for can leave first.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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
    "details": Expected("iu", "rows details", optional=True),
}

_in_use: set[Path] = set()
"""Shards that this process has mapped: they do not leave to make room for others."""
_told: WeakSet[Progress] = WeakSet()
"""Listeners that know already that nothing can be kept: one line is enough for a training."""


@dataclass(frozen=True, eq=False)
class Shard:
    """The index of a shard that is on disk."""

    path: Path
    keys: Sequence[str]
    shape: tuple[int, ...]
    checksum: int
    details: np.ndarray

    def rows(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Map the rows, once they were found to be what was written.

        Raises:
            ValueError: they are damaged.
            OSError: they cannot be read.
        """
        if checksum_of(self.path) != self.checksum:
            raise ValueError("its checksum is another")
        values = np.load(self.path, mmap_mode="r", allow_pickle=False)
        if values.shape != self.shape or values.dtype != dtype:
            raise ValueError("it has another shape than was written")
        _in_use.add(self.path)
        with contextlib.suppress(OSError):  # of a cache that may only be read
            os.utime(_index_of(self.path))
        return np.asarray(values)


class Shards:
    """The rows of one folder by their keys. Several threads and processes may read and write it.

    Names of shards are random: whoever computes a row that another computes too writes it once
    more, and either is right. Damaged shards are removed and told, and so are those of which a part
    is missing: their rows are then not found. What cannot be written is kept in memory, unless
    `in_memory` is off.
    """

    def __init__(
        self,
        folder: Path,
        progress: Progress,
        dtype: type[np.generic] = np.float32,
        *,
        in_memory: bool = True,
    ) -> None:
        self.folder, self.progress, self.dtype = folder, progress, np.dtype(dtype)
        self.writable, self._in_memory = True, in_memory
        self._unopened: dict[str, Shard] = {}
        self._open: list[np.ndarray] = []
        self._details: list[np.ndarray] = []
        self._places: dict[str, tuple[int, int]] = {}
        self._turn = threading.RLock()
        leftovers.sweep_once(folder)
        _remove(*_there(folder, "*.keys.npy"), *_there(folder, "*.values.npy"))  # an older layout
        damaged = 0
        for path in _there(folder, f"*{INDEX}"):
            try:
                shard = _read_index(path)
                self._unopened.update(dict.fromkeys(shard.keys, shard))
            except OSError:  # it may be whole: another process may have removed it meanwhile
                damaged += 1
            except Exception:  # a damaged archive fails in many ways
                _remove(path, _rows_of(path))
                damaged += 1
        self._tell(damaged)

    def find(self, keys: Iterable[str]) -> Collection[str]:
        """Look for rows, and check the shards that hold them; return the keys that were found."""
        damaged = 0
        with self._turn:
            for key in keys:
                if key in self._places or (shard := self._unopened.get(key)) is None:
                    continue
                for one in shard.keys:
                    self._unopened.pop(one, None)
                try:
                    rows = shard.rows(self.dtype)
                except (FileNotFoundError, ValueError, EOFError):
                    damaged += 1
                    _remove(_index_of(shard.path), shard.path)
                except OSError:  # it cannot be read now, and may be whole
                    damaged += 1
                else:
                    self._add(shard.keys, rows, shard.details)
            self._tell(damaged)
        return self._places.keys()

    def append(
        self, keys: Sequence[str], values: np.ndarray, details: np.ndarray | None = None
    ) -> None:
        """Write a shard of rows, with some whole numbers of each; where that fails, it is said."""
        values = values.astype(self.dtype, copy=False)
        with self._turn:
            if self.writable:
                try:
                    shard = written(self.folder, keys, values, details)
                    self._add(keys, shard.rows(self.dtype), shard.details)
                except (NotWritten, OSError, ValueError) as error:
                    self.writable = False
                    self._tell_once(error)
                else:
                    return
            if self._in_memory:
                self._add(keys, values, _details(keys, details))

    def rows(self, keys: Sequence[str]) -> np.ndarray:
        """Return the rows of `keys`, in order, of those that `find` or `append` gave."""
        values = np.empty((len(keys), *self._open[0].shape[1:]), self.dtype)
        for place, key in enumerate(keys):
            shard, row = self._places[key]
            values[place] = self._open[shard][row]
        return values

    def row(self, key: str) -> np.ndarray:
        """Return one row of `find` or `append`, where it is mapped: shards may differ in width."""
        shard, row = self._places[key]
        return self._open[shard][row]

    def details(self, key: str) -> np.ndarray:
        """Return the whole numbers that were kept with a row of `find` or `append`."""
        shard, row = self._places[key]
        return self._details[shard][row]

    def _add(self, keys: Sequence[str], rows: np.ndarray, details: np.ndarray) -> None:
        self._open.append(rows)
        self._details.append(details)
        for row, key in enumerate(keys):  # last: other threads find what is there
            self._places[key] = (len(self._open) - 1, row)

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


def written(
    folder: Path, keys: Sequence[str], values: np.ndarray, details: np.ndarray | None = None
) -> Shard:
    """Write a shard of rows into a folder, where whoever opens it next finds them.

    Raises:
        NotWritten: it cannot be written.
    """
    path, details = folder / f"{uuid4().hex}{ROWS}", _details(keys, details)
    with replacing(path) as temporary:
        np.save(temporary, values)
        checksum = checksum_of(temporary)
    with replacing(_index_of(path)) as temporary:
        np.savez(
            temporary,
            keys=np.array(keys, np.str_),
            shape=np.array(values.shape, np.int64),
            checksum=np.uint32(checksum),
            details=details,
        )
    return Shard(path, keys, values.shape, checksum, details)


def size_of(folder: Path) -> int:
    """Return the bytes of all shards in a folder and below it."""
    return sum(size for _, size, _ in _by_use(folder))


def make_room(folder: Path, limit: int) -> int:
    """Remove shards below a folder, the least recently used first, until `limit` bytes are left.

    Those that this process uses stay. Returns the bytes that are left.
    """
    shards = _by_use(folder)
    left = sum(size for _, size, _ in shards)
    for _, size, index in sorted(shards):
        if left <= limit:
            break
        if _rows_of(index) not in _in_use:
            _remove(index, _rows_of(index))
            left -= 0 if index.exists() else size
    return left


def _by_use(folder: Path) -> list[tuple[int, int, Path]]:
    """Return when each shard was last used, its bytes, and its index."""
    found = []
    for index in _there(folder, f"**/*{INDEX}"):
        with contextlib.suppress(OSError):  # another process may have removed it meanwhile
            own = index.stat()
            found.append((own.st_mtime_ns, own.st_size + _rows_of(index).stat().st_size, index))
    return found


def _details(keys: Sequence[str], details: np.ndarray | None) -> np.ndarray:
    return np.zeros((len(keys), 0), np.int64) if details is None else details


def _read_index(path: Path) -> Shard:
    index = read_arrays(path, TABLE)
    keys, shape = index["keys"].tolist(), tuple(index["shape"].tolist())
    if not shape or shape[0] != len(keys):
        raise ValueError("it has another number of keys than of rows")
    details = _details(keys, index.get("details"))
    return Shard(_rows_of(path), keys, shape, int(index["checksum"]), details)


def _rows_of(index: Path) -> Path:
    return index.with_name(index.name.removesuffix(INDEX) + ROWS)


def _index_of(rows: Path) -> Path:
    return rows.with_name(rows.name.removesuffix(ROWS) + INDEX)


def _there(folder: Path, pattern: str) -> list[Path]:
    """Return the files of a folder in order; none where it cannot be listed: nothing needs them."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _remove(*paths: Path) -> None:
    for path in paths:
        with contextlib.suppress(OSError):  # of a cache that may only be read
            path.unlink(missing_ok=True)
