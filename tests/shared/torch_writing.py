"""Files as torch.save writes them, without PyTorch: state dictionaries and whole networks."""

from __future__ import annotations

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

STORAGES = {"<f4": "FloatStorage", "<i8": "LongStorage"}


class _Tensor:
    """One array, pickled as PyTorch pickles a tensor."""

    def __init__(self, values: np.ndarray, key: str, rebuild: Any, kind: type) -> None:
        self.values, self.storage, self.rebuild = np.ascontiguousarray(values), (kind, key), rebuild

    def __reduce__(self) -> Any:
        stride = tuple(s // self.values.itemsize for s in self.values.strides)
        storage = types.SimpleNamespace(pid=self.storage, size=self.values.size)
        return self.rebuild, (storage, 0, self.values.shape, stride, False, OrderedDict())


class _Pickler(pickle.Pickler):
    def persistent_id(self, one: Any) -> Any:
        if isinstance(one, types.SimpleNamespace):
            kind, key = one.pid
            return ("storage", kind, key, "cpu", one.size)
        return None


@contextmanager
def _torch() -> Iterator[dict[str, types.ModuleType]]:
    """Stand in for the modules whose names such a pickle has."""
    names = ("torch", "torch._utils", "torchxrayvision", "torchxrayvision.models")
    modules = {name: types.ModuleType(name) for name in names}

    def _rebuild_tensor_v2() -> None: ...

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    modules["torch._utils"]._rebuild_tensor_v2 = _rebuild_tensor_v2  # type: ignore[attr-defined]
    for name in STORAGES.values():
        kind = type(name, (), {"__module__": "torch"})
        setattr(modules["torch"], name, kind)
    network = type("DenseNet", (), {"__module__": "torchxrayvision.models"})
    modules["torchxrayvision.models"].DenseNet = network  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, modules):
        yield modules


def write_torch(
    path: Path, state: Mapping[str, np.ndarray], *, whole: bool = False, compress: bool = False
) -> None:
    """Write arrays as today's torch.save writes a state dictionary, or a `whole` network."""
    with _torch() as modules:
        rebuild = modules["torch._utils"]._rebuild_tensor_v2
        tensors = OrderedDict()
        for key, (name, values) in enumerate(state.items()):
            kind = getattr(modules["torch"], STORAGES[values.dtype.str])
            tensors[name] = _Tensor(values, str(key), rebuild, kind)
        network = modules["torchxrayvision.models"].DenseNet
        pickled = io.BytesIO()
        _Pickler(pickled, 2).dump(_network(network, tensors) if whole else tensors)
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for key, values in enumerate(state.values()):
            archive.writestr(f"archive/data/{key}", np.ascontiguousarray(values).tobytes())


def _network(kind: type, tensors: Mapping[str, _Tensor]) -> Any:
    """Return a network of parts in parts, which have the tensors as parameters."""
    one = kind()
    parts: dict[str, dict[str, _Tensor]] = {}
    one._parameters = OrderedDict()  # type: ignore[attr-defined]
    for name, tensor in tensors.items():
        part, dot, rest = name.partition(".")
        if dot:
            parts.setdefault(part, {})[rest] = tensor
        else:
            one._parameters[name] = tensor  # type: ignore[attr-defined]
    inside = OrderedDict((name, _network(kind, part)) for name, part in parts.items())
    one.__dict__.update(_buffers=OrderedDict(), _modules=inside, training=False, momentum=0.1)
    one._non_persistent_buffers_set = set()  # type: ignore[attr-defined]
    return one
