from __future__ import annotations

import contextlib
import os
import pickle
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_writing import write_torch

from plugins.architectures.efficientnet.lite import packaged_weights
from plugins.backbones import torch_files
from plugins.backbones.torch_files import MAGIC, read_state
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
    tensor = torch_files._Tensor(("0", "<f4"), 1, (2, 2), (1, 2))
    assert torch_files._array(tensor, storages).tolist() == [[1, 3], [2, 4]]
    for offset, size, stride in ((0, (7,), (1,)), (0, (10**6,), (0,)), (5, (2,), (1,))):
        with pytest.raises(pickle.UnpicklingError, match="beyond"):
            torch_files._array(torch_files._Tensor(("0", "<f4"), offset, size, stride), storages)


@given(st.integers(0, 47_000), st.binary(min_size=1, max_size=8))
@settings(max_examples=60, deadline=None)
@pytest.mark.slow
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


STATE = {
    "features.conv0.weight": np.arange(12, dtype="<f4").reshape(2, 3, 1, 2),
    "features.norm0.num_batches_tracked": np.array(7, dtype="<i8"),
}


@pytest.mark.parametrize("whole", [False, True])
def test_an_archive_gives_a_state_dictionary_or_a_whole_networks(tmp_path, whole):
    path = tmp_path / "weights.pt"
    write_torch(path, STATE, whole=whole)
    read = read_state(path)
    assert read.keys() == STATE.keys()
    for name, values in STATE.items():
        np.testing.assert_array_equal(read[name], values)
        assert read[name].dtype == values.dtype


def test_code_in_an_archive_is_refused_and_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(Harm(), 2))
    with pytest.raises(BadInput, match="not data"):
        read_state(path)
    assert not (tmp_path / "harmed").exists()


def test_no_class_of_a_layer_is_imported(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.nn.modules.harm", None)  # importing it would fail
    path = tmp_path / "weights.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(  # one of the class, with a state that names no tensor
            "archive/data.pkl", b"\x80\x02ctorch.nn.modules.harm\nHarm\n)\x81}b."
        )
    assert read_state(path) == {}


def test_an_archive_that_is_compressed_or_cut_short_is_refused(tmp_path):
    path = tmp_path / "weights.pt"
    write_torch(path, STATE, compress=True)
    with pytest.raises(BadInput, match="compressed"):
        read_state(path)
    write_torch(path, STATE)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(BadInput, match="not a weights file"):
        read_state(path)


@given(st.integers(0, 1200), st.binary(min_size=1, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_damaged_archive_is_refused_or_read(position, damage):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        write_torch(path, STATE, whole=True)
        content = bytearray(path.read_bytes())
        content[position : position + len(damage)] = damage
        path.write_bytes(content)
        with contextlib.suppress(BadInput):
            assert all(isinstance(value, np.ndarray) for value in read_state(path).values())
