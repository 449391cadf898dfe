"""Work on a Dask cluster gives what work here gives, and who does not fit is refused."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from dask_workers import local, two_workers
from PIL import Image

from zoo import BadInput, InvalidSetting, ZooError, load_registry
from zoo.base import cluster as module
from zoo.base import cluster_worker
from zoo.base.cluster import Cluster, connected
from zoo.base.parallel import in_processes, over_samples
from zoo.base.progress import SILENT
from zoo.checks import inventory, similarity
from zoo.data import baseline_inputs
from zoo.data.verify import verify

distributed = pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def inside() -> Iterator[Cluster]:
    """Give two workers that are threads of this process."""
    with two_workers() as cluster:
        yield cluster


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for number in range(24):
        path = tmp_path / "data" / ("A", "B")[number % 2] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (40, 48), np.uint8)).save(path)
    return tmp_path / "data"


def test_results_come_in_the_order_of_the_items_however_long_each_takes(inside: Cluster) -> None:
    def slow_at_first(number: int) -> int:
        time.sleep(0.2 if number == 0 else 0)
        return number * number

    assert list(inside.each(slow_at_first, range(40))) == [n * n for n in range(40)]
    unordered = list(inside.each(slow_at_first, range(40), ordered=False))
    assert sorted(unordered) == [n * n for n in range(40)]
    assert unordered[0] != 0, "the others need not wait for the slow one"


def test_only_a_few_tasks_are_sent_before_results_are_taken(inside: Cluster) -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        while True:
            yield drawn
            drawn += 1

    results = inside.each(abs, items())
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    assert drawn <= 3 + module.AHEAD * inside.threads
    results.close()


def test_what_a_task_raises_is_raised_here(inside: Cluster) -> None:
    def refuse(number: int) -> int:
        raise BadInput(f"not {number}")

    with pytest.raises(BadInput, match=r"not [012]"):
        list(inside.each(refuse, range(3)))


def test_jobs_of_a_cluster_are_those_of_processes(inside: Cluster) -> None:
    assert sorted(in_processes(abs, [-3, 2], 1, inside)) == [2, 3]


def test_the_parts_of_the_check_find_the_same_by_workers(inside: Cluster, folder: Path) -> None:
    dataset = load_registry().dataset(str(folder))
    here = verify(dataset, skip_broken=False, progress=SILENT)
    there = verify(dataset, skip_broken=False, progress=SILENT, cluster=inside)
    assert there.fingerprint == here.fingerprint
    assert there.stamps == here.stamps
    dataset, samples = there.dataset, there.dataset.samples
    assert inventory.headers(dataset, samples, SILENT, inside) == inventory.headers(
        dataset, samples
    )
    np.testing.assert_array_equal(
        similarity.small_pictures(dataset, samples),
        similarity.small_pictures(dataset, samples, SILENT, inside),
    )
    ours = baseline_inputs.baseline_inputs(dataset, samples)
    theirs = baseline_inputs.baseline_inputs(dataset, samples, cluster=inside)
    assert ours.keys() == theirs.keys()
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_a_broken_image_is_named_by_workers_too(inside: Cluster, folder: Path) -> None:
    (folder / "A" / "000.png").write_bytes(b"no image")
    dataset = load_registry().dataset(str(folder))
    verified = verify(dataset, skip_broken=True, progress=SILENT, cluster=inside)
    assert len(verified.broken) == 1
    assert "000.png" in verified.broken[0]
    with pytest.raises(BadInput, match="1 of 24 images cannot be read"):
        verify(dataset, skip_broken=False, progress=SILENT, cluster=inside)


def test_a_worker_with_other_data_is_refused(inside: Cluster, folder: Path) -> None:
    dataset = load_registry().dataset(str(folder))
    elsewhere = threading.get_ident()

    def digest(sample):
        ours = threading.get_ident() == elsewhere
        return dataset.digest(sample) if ours else "0123456789abcdef"

    other = replace(dataset, digest=digest)
    with pytest.raises(BadInput, match=r"data of the worker .* are not those"):
        verify(other, skip_broken=False, progress=SILENT, cluster=inside)


def test_a_worker_with_other_versions_or_plugins_is_refused(inside: Cluster) -> None:
    known = inside._terms
    older = replace(known, versions={**known.versions, "keras": "2.4"})
    assert "keras" in str(cluster_worker._misfit(older, "tcp://there:1"))
    assert "(2.4)" in str(cluster_worker._misfit(older, "tcp://there:1"))
    lacking = replace(known, plugins=(*known.plugins, "mine of my-package 1.0"))
    assert "mine of my-package 1.0" in str(cluster_worker._misfit(lacking, "tcp://there:1"))
    assert cluster_worker._misfit(known, "tcp://there:1") is None


def test_a_refusal_of_a_worker_reaches_the_command(
    inside: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(inside._terms, token=uuid4().hex, versions={"python": "2.7"})
    monkeypatch.setattr(inside, "_terms", other)
    with pytest.raises(InvalidSetting, match="other versions"):
        list(inside.each(abs, [1]))


def test_what_cannot_be_sent_is_said(inside: Cluster) -> None:
    lock = threading.Lock()
    with pytest.raises(ZooError, match="cannot be sent to them"):
        list(inside.each(lambda _: lock.locked(), [1]))


def test_without_an_answer_or_a_worker_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with pytest.raises(InvalidSetting, match="does not answer"), connected("tcp://127.0.0.1:1"):
        pass
    with pytest.raises(InvalidSetting, match="does not answer"), connected("no address"):
        pass
    with (
        local(0, processes=False) as workers,
        pytest.raises(InvalidSetting, match="has no worker"),
        connected(workers.scheduler_address),
    ):
        pass


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "no address"])
def test_a_client_that_never_connected_is_closed_at_once(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.3)
    with pytest.raises(InvalidSetting), connected(address):
        pass
    left = [one for one in gc.get_objects() if isinstance(one, distributed.Client)]
    states = {one.status for one in left}
    assert states <= {"running", "closed"}, "its finaliser may block the next client"


def test_a_cluster_whose_workers_all_go_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.1)
    with (
        local(1, processes=False) as workers,
        connected(workers.scheduler_address) as cluster,
    ):
        results = cluster.each(abs, range(1000))
        assert next(results) == 0
        workers.scale(0)
        with pytest.raises(ZooError, match="All workers"):
            list(results)


def test_tasks_are_small_enough_for_every_thread_and_of_whole_batches(inside: Cluster) -> None:
    assert inside.chunk(1_000_000) == module.CHUNK
    assert inside.chunk(16) * module.AHEAD * inside.threads >= 16
    assert inside.chunk(1) == 1
    assert inside.chunk(1000, most=1024, step=32) % 32 == 0


@pytest.mark.slow
def test_a_killed_worker_costs_its_tasks_and_changes_no_result(folder: Path) -> None:
    dataset = load_registry().dataset(str(folder))
    with (
        local(2, processes=True) as workers,
        connected(workers.scheduler_address) as cluster,
    ):
        first = next(iter(workers.workers.values())).pid

        def work(number: int) -> tuple[int, int]:
            time.sleep(0.1)
            return number, os.getpid()

        results = cluster.each(work, range(60))
        early = [next(results) for _ in range(8)]
        os.kill(first, 9)
        late = list(results)
        assert [number for number, _ in early + late] == list(range(60))
        assert len({process for _, process in late}) >= 2, "another took its place"
        here = verify(dataset, skip_broken=False, progress=SILENT)
        assert (
            verify(dataset, skip_broken=False, progress=SILENT, cluster=cluster).fingerprint
            == here.fingerprint
        )


def test_over_samples_works_here_without_a_cluster(folder: Path) -> None:
    dataset = load_registry().dataset(str(folder))
    digests = list(over_samples(lambda d, s: d.digest(s), dataset, dataset.samples))
    assert digests == [dataset.digest(sample) for sample in dataset.samples]
