"""Read a weights file in PyTorch's legacy format without PyTorch and without running its code.

The file is five pickles and then the raw storages. Pickles can name any function to call, so the
reader knows four names and refuses all others.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import BadInput

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by name.

    Raises:
        BadInput: the file is missing, cut short, of another format, or names code to run.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except FileNotFoundError as error:
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.") from error
    except Exception as error:  # a damaged pickle fails in any way
        raise BadInput(
            f"'{path}' is not a weights file that can be read ({error}). "
            "Expected a state dictionary in PyTorch's legacy format."
        ) from error


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return one of the four names that are data, or refuse."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return Tensor
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not data")

    def persistent_load(self, pid: Any) -> tuple[str, np.dtype]:
        """Return the key and the type of a storage that follows the pickles."""
        kind, dtype, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown record '{kind}'")
        return str(key), dtype


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol = _Unpickler(file).load(), _Unpickler(file).load()
    if (magic, protocol) != (MAGIC, 1001):
        raise pickle.UnpicklingError("unknown format")
    _Unpickler(file).load()  # byte order and type sizes of the writer
    deferred: dict[str, Tensor] = dict(_Unpickler(file).load())
    dtypes = {d.storage[0]: d.storage[1] for d in deferred.values()}
    storages = {}
    for key in _Unpickler(file).load():
        count = int.from_bytes(_exactly(file, 8), "little")
        dtype = dtypes[key]
        storages[key] = np.frombuffer(_exactly(file, count * dtype.itemsize), dtype)
    return {name: tensor.read(storages) for name, tensor in deferred.items()}


class Tensor:
    """A view of a storage that is read later in the file."""

    def __init__(
        self, storage: tuple[str, np.dtype], offset: int, size: Any, stride: Any, *_: Any
    ) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, size, stride

    def read(self, storages: dict[str, np.ndarray]) -> np.ndarray:
        """Return the array, once the storages have been read."""
        values = storages[self.storage[0]][self.offset :]
        needed = sum((n - 1) * s for n, s in zip(self.size, self.stride, strict=True)) + 1
        if min(self.size, default=1) < 1 or needed > len(values) or min(self.stride, default=0) < 0:
            raise pickle.UnpicklingError("a tensor reaches beyond its storage")
        strides = [s * values.itemsize for s in self.stride]
        return np.lib.stride_tricks.as_strided(values, self.size, strides, writeable=False).copy()


def _exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise EOFError("the file is cut short")
    return content
