"""A Dask cluster of two workers that are threads of this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from zoo.base import environment
from zoo.base.cluster import Cluster, connected


@contextmanager
def two_workers() -> Iterator[Cluster]:
    """Give the cluster; the threads are this process's own again afterwards."""
    from distributed import LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as local,
        connected(local.scheduler_address) as cluster,
    ):
        yield cluster
    environment._threads_of_a_task.clear()
