from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

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


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps(1)])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(BadInput, match="not a weights file"):
        read_state(path)
