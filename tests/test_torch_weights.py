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

from plugins.efficientnet.lite0 import packaged_weights
from plugins.efficientnet.torch_weights import MAGIC, read_state
from zoo.errors import BadInput


def test_the_packaged_weights_are_read():
    state = read_state(packaged_weights())
    assert state["_conv_stem.weight"].shape == (32, 3, 3, 3)
    assert state["_conv_stem.weight"].dtype == np.float32
    assert all(np.isfinite(value).all() for value in state.values())


class Harm:
    def __reduce__(self):
        return os.system, ("touch harmed",)


@pytest.mark.parametrize("position", [0, 3])
def test_code_in_the_file_is_refused_and_not_run(tmp_path, monkeypatch, position):
    monkeypatch.chdir(tmp_path)
    parts = [MAGIC, 1001, {}, {}]
    parts[position] = Harm()
    path = tmp_path / "weights.pth"
    path.write_bytes(b"".join(pickle.dumps(part) for part in parts))
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
