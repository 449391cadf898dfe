"""Work side by side: threads that read, and jobs on this machine's cores or a Dask cluster."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from zoo.base.cluster import Cluster
from zoo.base.environment import reading_threads
from zoo.base.errors import InvalidSetting, ZooError
from zoo.base.quiet_import import quiet_import
from zoo.base.types import Dataset, Sample

BACKENDS = ("loky", "dask")


def check_backend(name: str, scheduler: str | None) -> None:
    """Refuse a backend that is unknown, or an address that it has no use for.

    Raises:
        InvalidSetting: one of these.
    """
    if name not in BACKENDS:
        raise InvalidSetting(f"The backend is '{name}'; expected one of: {', '.join(BACKENDS)}.")
    if (name == "dask") != (scheduler is not None):
        raise InvalidSetting(
            "Expected --backend dask together with --scheduler ADDRESS, or neither of them."
        )


def in_processes(
    function: Callable[[Item], Result], items: Iterable[Item], jobs: int, cluster: Cluster | None
) -> Iterator[Result]:
    """Yield `function(item)` as it is done, by processes of this machine or workers of a cluster.

    Raises:
        ZooError: as `Cluster.each`, or a process was ended from outside.
    """
    if cluster is not None:
        yield from cluster.each(function, items, ordered=False)
        return
    import joblib

    pool = joblib.Parallel(
        n_jobs=jobs,
        backend="loky",
        return_as="generator_unordered",
        **({"initializer": _in_silence} if jobs > 1 else {}),
    )
    try:
        yield from pool(joblib.delayed(function)(item) for item in items)
    except BrokenProcessPool as error:
        raise ZooError(
            f"One of {jobs} processes was ended by the system, most often for want of memory. What "
            "was done is kept where it can be: give the command again, with fewer --jobs."
        ) from error


def _in_silence() -> None:
    """Import TensorFlow in a new process, before what is sent there does it."""
    with quiet_import():
        pass


def over_samples(
    function: Callable[[Dataset, Sample], Result],
    dataset: Dataset,
    samples: Sequence[Sample],
    cluster: Cluster | None = None,
) -> Iterator[Result]:
    """Yield `function(dataset, sample)` in order, from threads here or workers of a cluster.

    The function may be sent elsewhere: it must be that of a module, or a `partial` of one.

    Raises:
        ZooError: as `Cluster.each`.
    """
    if cluster is not None:
        return cluster.over_samples(function, dataset, samples)
    return in_parallel(functools.partial(function, dataset), samples)


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int = 64
) -> Iterator[Result]:
    """Yield `function(item)` in order from a few threads, at most `ahead` of them waiting.

    Decoding leaves Python's lock, so threads are enough for reading images.
    """
    threads = reading_threads()
    if threads == 1:  # a worker beside others: a thread of its own would take a core of theirs
        yield from map(function, items)
        return
    with ThreadPoolExecutor(max_workers=threads) as pool:
        waiting: deque[Any] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) >= ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


Item = TypeVar("Item")

Result = TypeVar("Result")
