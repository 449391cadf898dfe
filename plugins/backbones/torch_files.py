"""Read a weights file of PyTorch without PyTorch and without running its code.

In the legacy format the file is five pickles and then the raw storages; in today's it is an archive
of one pickle and the storages. Pickles can name any function to call, so the reader knows a few
names of data and refuses all others. A whole network that was pickled gives its weights alone:
classes of layers are stood in for by one that only keeps what it is told.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from zoo import BadInput

MAGIC = 0x1950A86A20F9469CFC6C
TYPES = {
    "FloatStorage": "<f4",
    "LongStorage": "<i8",
    "HalfStorage": "<f2",
    "DoubleStorage": "<f8",
    "IntStorage": "<i4",
    "BoolStorage": "|b1",
}
LAYERS = ("torch.nn.modules.", "torchvision.models.", "torchxrayvision.")
"""Modules whose classes are parts of a network: none is imported, each is stood in for."""
INSTRUCTIONS = (
    "PROTO STOP MARK NONE NEWTRUE NEWFALSE BININT BININT1 BININT2 LONG1 BINUNICODE GLOBAL REDUCE "
    "BUILD NEWOBJ BINFLOAT BINPERSID EMPTY_DICT SETITEM SETITEMS EMPTY_LIST APPEND APPENDS "
    "EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 BINPUT LONG_BINPUT BINGET LONG_BINGET"
)


def read_state(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary, or of a whole network's, by name.

    Raises:
        BadInput: the file is missing, cut short, of another format, or names code to run.
    """
    try:
        content = path.read_bytes()
        reads = _read_archive if zipfile.is_zipfile(io.BytesIO(content)) else _read_legacy
        return reads(io.BytesIO(content))
    except FileNotFoundError as error:
        raise BadInput(f"There is no weights file '{path}'. Check weights=PATH.") from error
    except Exception as error:  # a damaged pickle fails in any way
        raise BadInput(
            f"'{path}' is not a weights file that can be read ({error}). "
            "Expected a state dictionary as torch.save writes it."
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


def _parameter(tensor: Any, *_: Any) -> Any:
    return tensor


def _collection(items: Any = ()) -> tuple[Any, ...]:
    return tuple(items)


class _Module:
    """Stands for a part of a network; it keeps what a pickle says of it and does nothing."""

    def __init__(self, *_: Any) -> None:
        self.state: Mapping[str, Any] = {}

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state)


NAMED: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
    ("builtins", "set"): _collection,
    ("__builtin__", "set"): _collection,
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: BinaryIO, dtypes: dict[str, str]) -> None:
        super().__init__(file)
        self.dtypes = dtypes

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the names that are data, a stand-in for a layer's class, or refuse."""
        if (module, name) in NAMED:
            return NAMED[module, name]
        if module == "torch" and name in TYPES:
            return TYPES[name]
        if module.startswith(LAYERS):
            return type("Part", (_Module,), {})  # a new one: nothing that is set on it stays
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is not data")

    def persistent_load(self, pid: Any) -> Any:
        """Return the key and the type of a storage that is kept outside the pickle."""
        kind, dtype, key, *_ = pid
        if kind == "module":  # the legacy format adds the source of a layer's class
            return dtype
        if kind != "storage" or dtype not in TYPES.values():
            raise pickle.UnpicklingError(f"unknown record '{kind}' of type '{dtype}'")
        self.dtypes[str(key)] = dtype
        return str(key), dtype


def _read_legacy(file: BinaryIO) -> dict[str, np.ndarray]:
    magic, protocol = _load(file), _load(file)
    if (magic, protocol) != (MAGIC, 1001):
        raise pickle.UnpicklingError("unknown format")
    _load(file)  # byte order and type sizes of the writer
    dtypes: dict[str, str] = {}
    deferred = _tensors(_load(file, dtypes))
    storages = {}
    for key in _load(file):
        count = int.from_bytes(_exactly(file, 8), "little")
        dtype = np.dtype(dtypes[key])
        storages[key] = np.frombuffer(_exactly(file, count * dtype.itemsize), dtype)
    return {name: _array(tensor, storages) for name, tensor in deferred.items()}


def _read_archive(file: BinaryIO) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
        folder = pickled.removesuffix("data.pkl")

        def member(name: str) -> bytes:
            if archive.getinfo(folder + name).compress_type != zipfile.ZIP_STORED:
                raise pickle.UnpicklingError("it is compressed, which torch.save never does")
            return archive.read(folder + name)

        if f"{folder}byteorder" in archive.namelist() and member("byteorder") != b"little":
            raise pickle.UnpicklingError("it was written on a big-endian machine")
        deferred = _tensors(_load(io.BytesIO(member("data.pkl"))))
        storages = {
            key: np.frombuffer(member(f"data/{key}"), dtype)
            for key, dtype in {tensor.storage for tensor in deferred.values()}
        }
    return {name: _array(tensor, storages) for name, tensor in deferred.items()}


def _tensors(found: Any) -> dict[str, _Tensor]:
    """Return the tensors of a state dictionary, of a checkpoint that has one, or of a network."""
    if isinstance(found, _Module):
        found = dict(_state_of(found, "", set()))
    elif isinstance(found, Mapping) and isinstance(found.get("state_dict"), Mapping):
        found = found["state_dict"]
    tensors = dict(found)
    if not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise pickle.UnpicklingError("it holds something else than tensors")
    return tensors


def _state_of(part: _Module, prefix: str, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield names and tensors of a network and of its parts, as `state_dict` names them."""
    if id(part) in seen:  # in a damaged file a part may even hold itself
        return
    seen.add(id(part))
    for kind in ("_parameters", "_buffers"):
        for name, tensor in dict(part.state.get(kind, {})).items():
            if tensor is not None:
                yield f"{prefix}{name}", tensor
    for name, inner in dict(part.state.get("_modules", {})).items():
        if isinstance(inner, _Module):
            yield from _state_of(inner, f"{prefix}{name}.", seen)


def _load(file: BinaryIO, dtypes: dict[str, str] | None = None) -> Any:
    """Unpickle data; `dtypes` is given the types of the storages that it names."""
    start = file.tell()
    for place, (instruction, argument, _) in enumerate(pickletools.genops(file)):
        if instruction.name not in INSTRUCTIONS.split():
            raise pickle.UnpicklingError(f"it has the instruction {instruction.name}, not data")
        if instruction.name == "LONG_BINPUT" and int(argument or 0) > place:
            # The unpickler makes room for all numbers up to this one: up to 64 GB.
            raise pickle.UnpicklingError("it numbers an object beyond those it has")
    file.seek(start)
    return _Unpickler(file, {} if dtypes is None else dtypes).load()


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
