"""Read .npz files whose arrays must fit each other: kinds, shapes and values are checked."""

from __future__ import annotations

import errno
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np


@dataclass(frozen=True)
class Expected:
    """What an array of a file must be.

    `kinds` are numpy's letters: `f` for floats, `iu` for whole numbers, `U` for text. `axes` names
    each axis: axes of the same name are equally long in all arrays; None: any shape. Floats must be
    finite; numbers lie between `low` and `high`. An `optional` array may be absent or empty.
    """

    kinds: str
    axes: str | None = None
    low: float = -math.inf
    high: float = math.inf
    optional: bool = False


def read_arrays(
    path: Path, table: Mapping[str, Expected], **lengths: int | None
) -> dict[str, np.ndarray]:
    """Read the arrays that a table names; `lengths` are those of axes that are known already.

    Raises:
        ValueError: an array is missing, or is not what the table says.
        OSError: the file cannot be read. A damaged archive raises other errors, too.
    """
    try:
        with path.open("rb") as file:
            arrays = _arrays(file, table)
    except OSError as error:
        if error.errno == errno.EINVAL:  # a damaged archive points before its own beginning
            raise ValueError("its table of contents is damaged") from error
        raise
    check_arrays(arrays, table, **lengths)
    return arrays


def _arrays(file: IO[bytes], table: Mapping[str, Expected]) -> dict[str, np.ndarray]:
    archive = np.load(file, allow_pickle=False)
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise ValueError("it is no archive of arrays")  # noqa: TRY004
    with archive:
        optional = {name for name, expected in table.items() if expected.optional}
        if missing := table.keys() - optional - set(archive.files):
            raise ValueError(f"it has no '{min(missing)}'")
        return {name: archive[name] for name in table if name in archive.files}


def check_arrays(
    arrays: Mapping[str, np.ndarray], table: Mapping[str, Expected], **lengths: int | None
) -> None:
    """Compare arrays with a table, and their shapes with each other.

    Raises:
        ValueError: with the first array that is not what the table says.
    """
    known = {axis: length for axis, length in lengths.items() if length is not None}
    for name, array in arrays.items():
        expected = table[name]
        if expected.optional and not array.size:
            continue
        if array.dtype.kind not in expected.kinds:
            raise ValueError(f"'{name}' is of type {array.dtype}")
        if expected.axes is not None:
            axes = expected.axes.split()
            fits = array.ndim == len(axes) and all(
                known.setdefault(axis, length) == length
                for axis, length in zip(axes, array.shape, strict=True)
            )
            if not fits:
                told = " by ".join(f"{known.get(axis, 'any')} {axis}" for axis in axes)
                raise ValueError(f"'{name}' is {array.shape}, not {told or 'one number'}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ValueError(f"'{name}' has values that are not finite")
        if array.dtype.kind in "fiu" and array.size:
            least, most = array.min(), array.max()
            if least < expected.low or most > expected.high:
                raise ValueError(
                    f"'{name}' goes from {least} to {most}, not {expected.low:g} to "
                    f"{expected.high:g}"
                )
