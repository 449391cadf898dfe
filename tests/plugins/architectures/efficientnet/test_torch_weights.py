from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.architectures.efficientnet import torch_weights
from plugins.architectures.efficientnet.lite0 import packaged_weights
from plugins.architectures.efficientnet.torch_weights import MAGIC, read_state
from zoo import BadInput


def test_the_packaged_weights_are_read():
    state = read_state(packaged_weights())
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_conv_stem.weight"].dtype == np.float32
    assert all(np.isfinite(value).all() for value in state.values())


class Harm:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("position", [0, 3])
def test_code_in_the_file_is_refused_and_not_run(tmp_path, monkeypatch, position, protocol):
    monkeypatch.chdir(tmp_path)
    parts = [MAGIC, 1001, {}, {}]
    parts[position] = Harm()
    path = tmp_path / "weights.pth"
    path.write_bytes(b"".join(pickle.dumps(part, protocol) for part in parts))
    with pytest.raises(BadInput, match="not data"):
        read_state(path)
    assert not (tmp_path / "harmed").exists()


def test_a_file_cannot_change_how_later_files_are_read(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(  # sets attributes of what the tensor's name stands for
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n"
        b"(N}(X\x04\x00\x00\x00readccollections\nOrderedDict\n"
        b"X\x08\x00\x00\x00__call__ccollections\nOrderedDict\nutb."
    )
    with pytest.raises(BadInput):
        read_state(path)
    assert isinstance(read_state(packaged_weights())["_bn0.weight"], np.ndarray)


def test_a_file_cannot_ask_for_all_memory(tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(b"\x80\x02}r\xff\xff\xff\xff.")  # object number 4,294,967,295
    with pytest.raises(BadInput, match="beyond"):
        read_state(path)


def test_a_tensor_is_never_larger_than_its_storage():
    storages = {"0": np.arange(6, dtype="<f4")}
    tensor = torch_weights._Tensor(("0", "<f4"), 1, (2, 2), (1, 2))
    assert torch_weights._array(tensor, storages).tolist() == [[1, 3], [2, 4]]
    for offset, size, stride in ((0, (7,), (1,)), (0, (10**6,), (0,)), (5, (2,), (1,))):
        with pytest.raises(pickle.UnpicklingError, match="beyond"):
            torch_weights._array(
                torch_weights._Tensor(("0", "<f4"), offset, size, stride), storages
            )


@given(st.integers(0, 47_000), st.binary(min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_refused_or_read(position, damage):
    content = bytearray(packaged_weights().read_bytes())
    content[position : position + len(damage)] = damage
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pth"
        path.write_bytes(content)
        with contextlib.suppress(BadInput):
            assert all(isinstance(value, np.ndarray) for value in read_state(path).values())


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps(1)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a weights file"):
        read_state(path)
