"""Dask clusters of workers on this machine: threads of this process, or processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from zoo.base import environment
from zoo.base.cluster import Cluster, connected

if TYPE_CHECKING:
    from distributed import LocalCluster


def local(workers: int, *, processes: bool) -> LocalCluster:
    """Start workers of one thread each, at ports that nobody else has."""
    from distributed import LocalCluster

    return LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=processes, dashboard_address=":0"
    )


@contextmanager
def two_workers() -> Iterator[Cluster]:
    """Give a cluster of two threads, which are this process's own again afterwards."""
    with (
        local(2, processes=False) as here,
        connected(here.scheduler_address) as cluster,
    ):
        yield cluster
    environment._threads_of_a_task.clear()
