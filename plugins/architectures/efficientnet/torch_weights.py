"""Read a weights file in PyTorch's legacy format without PyTorch and without running its code.

The file is five pickles and then the raw storages. Pickles can name any function to call, so the
reader knows four names and refuses all others.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from zoo import BadInput

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {"FloatStorage": "<f4", "LongStorage": "<i8"}
INSTRUCTIONS = (
    "PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE GLOBAL REDUCE "
    "BUILD BINPERSID EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS EMPTY_TUPLE TUPLE "
    "TUPLE1 TUPLE2 TUPLE3 BINPUT LONG_BINPUT BINGET LONG_BINGET"
)


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by name.

    Raises:
        BadInput: the file is missing, cut short, of another format, or names code to run.
    """
    try:
        return _read(io.BytesIO(path.read_bytes()))
    except FileNotFoundError as error:
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.") from error
    except Exception as error:  # a damaged pickle fails in any way
        raise BadInput(
            f"'{path}' is not a weights file that can be read ({error}). "
            "Expected a state dictionary in PyTorch's legacy format."
        ) from error


class _Tensor(NamedTuple):
    """A view of a storage that is read later in the file."""

    storage: tuple[str, str]
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


def _tensor(storage: Any, offset: Any, size: Any, stride: Any, *_: Any) -> _Tensor:
    # Not the class itself: a pickle may set attributes of a class, which would change later reads.
    return _Tensor(storage, offset, size, stride)


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return one of the four names that are data, or refuse."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in TYPES:
            return TYPES[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not data")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        """Return the key and the type of a storage that follows the pickles."""
        kind, dtype, key, *_ = pid
        if kind != "storage" or dtype not in TYPES.values():
            raise pickle.UnpicklingError(f"unknown record '{kind}' of type '{dtype}'")
        return str(key), dtype


def _read(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol = _load(file), _load(file)
    if (magic, protocol) != (MAGIC, 1001):
        raise pickle.UnpicklingError("unknown format")
    _load(file)  # byte order and type sizes of the writer
    deferred = dict(_load(file))
    if not all(isinstance(tensor, _Tensor) for tensor in deferred.values()):
        raise pickle.UnpicklingError("it holds something else than tensors")
    dtypes = {d.storage[0]: d.storage[1] for d in deferred.values()}
    storages = {}
    for key in _load(file):
        count = int.from_bytes(_exactly(file, 8), "little")
        dtype = np.dtype(dtypes[key])
        storages[key] = np.frombuffer(_exactly(file, count * dtype.itemsize), dtype)
    return {name: _array(tensor, storages) for name, tensor in deferred.items()}


def _load(file: BinaryIO) -> Any:
    start = file.tell()
    for place, (instruction, argument, _) in enumerate(pickletools.genops(file)):
        if instruction.name not in INSTRUCTIONS.split():
            raise pickle.UnpicklingError(f"it has the instruction {instruction.name}, not data")
        if instruction.name == "LONG_BINPUT" and int(argument or 0) > place:
            # The unpickler makes room for all numbers up to this one: up to 64 GB.
            raise pickle.UnpicklingError("it numbers an object beyond those it has")
    file.seek(start)
    return _Unpickler(file).load()


def _array(tensor: _Tensor, storages: dict[str, np.ndarray]) -> np.ndarray:
    """Lay the tensor's strides over its storage, never beyond the storage's ends."""
    values = storages[tensor.storage[0]][tensor.offset :]
    reach = sum((n - 1) * s for n, s in zip(tensor.size, tensor.stride, strict=True)) + 1
    needed = max(reach, math.prod(tensor.size))
    smallest = min(tensor.offset, *tensor.stride, 0)
    if min(tensor.size, default=1) < 1 or smallest < 0 or needed > len(values):
        raise pickle.UnpicklingError("a tensor reaches beyond its storage")
    strides = [s * values.itemsize for s in tensor.stride]
    return np.lib.stride_tricks.as_strided(values, tensor.size, strides, writeable=False).copy()


def _exactly(file: BinaryIO, count: int) -> bytes:
    content = file.read(count)
    if len(content) != count:
        raise EOFError("the file is cut short")
    return content
