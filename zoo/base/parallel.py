"""Work side by side: threads that read, and jobs on this machine's cores or a Dask cluster."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from zoo.base.errors import InvalidSetting

BACKENDS = ("loky", "dask")

CONNECT_SECONDS = 10


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


@contextlib.contextmanager
def pool(jobs: int, scheduler: str | None) -> Iterator[Any]:
    """Give a joblib.Parallel that yields results as they come."""
    import joblib

    if scheduler is None:
        yield joblib.Parallel(n_jobs=jobs, backend="loky", return_as="generator_unordered")
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InvalidSetting(
            "--backend dask needs Dask on this machine: pip install 'xray-zoo[dask]'"
        ) from error
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InvalidSetting(
            f"The Dask scheduler '{scheduler}' does not answer ({error}). Expected an address such "
            "as tcp://127.0.0.1:8786."
        ) from error
    with client, joblib.parallel_config(backend="dask", client=client):
        yield joblib.Parallel(n_jobs=-1, return_as="generator_unordered")


def limit_threads(threads: int) -> None:
    """Let TensorFlow take that many cores in this worker (0: all), if it is not yet loaded."""
    if threads:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def in_parallel(
    function: Callable[[Item], Result], items: Iterable[Item], ahead: int = 64
) -> Iterator[Result]:
    """Yield `function(item)` in order from a few threads, at most `ahead` of them waiting.

    Decoding leaves Python's lock, so threads are enough for reading images.
    """
    with ThreadPoolExecutor(max_workers=2 * (os.cpu_count() or 1)) as pool:
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
