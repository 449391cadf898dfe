"""The file of a network depends on the network alone."""

from __future__ import annotations

import json
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zoo.base import digests
from zoo.runs import model_file
from zoo.runs.run_folder import MODEL


def build() -> Any:
    import keras
    from keras import layers

    keras.utils.set_random_seed(1)
    shared = keras.dtype_policies.DTypePolicy("float32")  # told by its address in memory
    pixels = keras.Input((16, 16, 3), name="pixels")
    x = layers.Conv2D(4, 3, dtype=shared, name="first")(pixels)
    x = layers.BatchNormalization(dtype=shared, name="second")(x)
    x = layers.Dropout(0.1, seed=2, name="third")(layers.Flatten(name="flat")(x))
    return keras.Model(pixels, layers.Dense(2, name="last")(x), name="net")


def test_equal_networks_give_equal_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = []  # so that the second does not lie where the first one lay
    found = set()
    for name, now in (("one", 1.7e9), ("other", 1.8e9)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        kept.append(build())
        (tmp_path / name).mkdir()
        model_file.save_model(tmp_path / name, kept[-1])
        found.add(digests.digest_file(tmp_path / name / MODEL))
    assert len(found) == 1


def test_the_rewritten_file_is_the_same_network(tmp_path: Path) -> None:
    import keras

    model = build()
    model_file.save_model(tmp_path, model)
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.float32)
    loaded = keras.models.load_model(tmp_path / MODEL, compile=False, safe_mode=True)
    np.testing.assert_array_equal(loaded(pixels), model(pixels))
    with zipfile.ZipFile(tmp_path / MODEL) as archive:
        config = archive.read("config.json").decode()
        assert {member.date_time[0] for member in archive.infolist()} == {1980}
    numbers = {
        item["shared_object_id"]
        for item in _objects(json.loads(config))
        if item.get("shared_object_id") is not None
    }
    assert numbers <= set(range(len(numbers)))


def _objects(content: Any) -> list[dict[str, Any]]:
    inner = content.values() if isinstance(content, dict) else content
    below = [each for one in inner if isinstance(one, dict | list) for each in _objects(one)]
    return [*below, content] if isinstance(content, dict) else below
