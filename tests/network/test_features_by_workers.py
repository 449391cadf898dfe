"""Workers of a cluster fill the cache of features with the rows that would be computed here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dask_workers import local, two_workers

from zoo import InvalidSetting, load_registry
from zoo.base.cluster import Cluster, connected
from zoo.base.progress import SILENT, Silent
from zoo.data.frames import Frames
from zoo.network import feature_pass, feature_workers
from zoo.network import features as module
from zoo.network.features import features

pytest.importorskip("distributed")

DATA = load_registry().dataset("phantom?images=40&size=64")
DIGESTS = [DATA.digest(sample) for sample in DATA.samples]


@pytest.fixture(scope="module")
def inside() -> Iterator[Cluster]:
    """Give two workers that are threads of this process."""
    with two_workers() as cluster:
        yield cluster


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path))
    for changed in (feature_pass, feature_workers):
        monkeypatch.setattr(changed, "BATCH", 4)
        monkeypatch.setattr(changed, "SHARD_ROWS", 8)
    return tmp_path


@pytest.fixture(scope="module")
def backbone() -> Any:
    import keras
    from keras import layers

    pixels = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(pixels) - 0.5
    x = layers.Conv2D(4, 3, strides=2, kernel_initializer=keras.initializers.HeNormal(seed=1))(x)
    return keras.Model(pixels, layers.GlobalAveragePooling2D()(x))


def computed(backbone: Any, cluster: Cluster | None = None, **options: Any) -> np.ndarray:
    options.setdefault("progress", SILENT)
    return features(backbone, DATA, DATA.samples, DIGESTS, cluster=cluster, **options)


class Steps(Silent):
    def __init__(self) -> None:
        self.total = self.done = 0

    def start(self, title: str, total: int) -> None:
        self.total = total

    def advance(self, steps: int = 1) -> None:
        self.done += steps


def test_rows_are_those_that_are_computed_here(
    backbone: Any, inside: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = {d: np.array([0.1, 0.1, 0.9, 0.8], np.float32) for d in DIGESTS}
    masks = {d: np.ones((4, 4), np.float32) for d in DIGESTS}
    frames = Frames((48, 48), boxes, masks, "boxes")
    options = {"frames": frames, "views": 2, "preset": "chest", "seed": 3}
    here = computed(backbone, **options)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "shared"))
    steps = Steps()
    there = computed(backbone, inside, progress=steps, **options)
    assert there.shape == (40, 2, 4)
    np.testing.assert_allclose(there, here, rtol=1e-5, atol=1e-6)
    assert steps.done == steps.total == 80
    shards = list((tmp_path / "shared").rglob("*.rows.npy"))
    assert len(shards) > 1, "each task leaves its own"
    # What workers have written is found by whoever comes next.
    monkeypatch.setattr(module, "compute", None)
    np.testing.assert_array_equal(computed(backbone, **options), there)


def test_workers_compute_only_what_is_missing(
    backbone: Any, inside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    features(backbone, DATA, DATA.samples[:30], DIGESTS[:30], progress=SILENT)
    steps = Steps()
    computed(backbone, inside, progress=steps)
    assert steps.total == 10


def test_a_cache_that_a_worker_does_not_see_is_refused(
    backbone: Any, inside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = feature_workers.replacing

    def elsewhere(path: Path):
        return save(path.with_name("lost.keras"))

    monkeypatch.setattr(feature_workers, "replacing", elsewhere)
    with pytest.raises(InvalidSetting, match=r"does not see .*ZOO_CACHE"):
        computed(backbone, inside)


@pytest.mark.slow
def test_a_pretrained_backbone_by_processes_of_which_one_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.checks import embeddings

    pretrained = embeddings.backbone(load_registry())
    if pretrained is None:
        pytest.skip("no pretrained weights are here")
    for changed in (feature_pass, feature_workers):
        monkeypatch.setattr(changed, "BATCH", 32)
    here = computed(pretrained.model)
    monkeypatch.setenv("ZOO_CACHE", str(tmp_path / "shared"))
    with (
        local(2, processes=True) as workers,
        connected(workers.scheduler_address) as cluster,
    ):
        process = next(iter(workers.workers.values())).pid

        class Killer(Silent):
            def advance(self, steps: int = 1) -> None:
                nonlocal process
                if process:
                    os.kill(process, 9)
                    process = 0

        there = computed(pretrained.model, cluster, progress=Killer())
    np.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)
