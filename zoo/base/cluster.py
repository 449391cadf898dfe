"""Work on the workers of a Dask cluster: tasks that may be done twice, a few at a time.

A worker that dies costs the tasks it had in hand: the scheduler gives them to another. One with
other versions, other plugins or other data is refused by the first task that reaches it.
"""

from __future__ import annotations

import contextlib
import functools
import math
import queue
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import uuid4

from zoo.base.cluster_worker import Terms, do, plugins
from zoo.base.environment import versions
from zoo.base.errors import BadInput, InvalidSetting, ZooError
from zoo.base.types import Dataset, Sample

CONNECT_SECONDS = 10
PATIENCE_SECONDS = 60
"""How long work waits for a worker when there is none: one that was killed may be started again."""
LOOK_SECONDS = 5
AHEAD = 4
"""Tasks for each thread of the cluster that are sent before the first of them is fetched."""
CHUNK = 256
"""Images of a task: seconds of work, beside which the milliseconds that a task costs are few."""
LOOKED_AT = 8
"""Images by which a worker's data are compared with those here."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Cluster:
    """The workers of a Dask scheduler that answers."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self.address = client, address
        self._count, self._counted_until = 1, 0.0
        self._terms = Terms(uuid4().hex, versions(), plugins())

    @property
    def threads(self) -> int:
        """How many tasks the workers do at a time, at least one."""
        if time.monotonic() >= self._counted_until:  # asking costs as much as a task
            self._count = max(1, sum(self._threads_by_worker().values()))
            self._counted_until = time.monotonic() + LOOK_SECONDS
        return self._count

    def _threads_by_worker(self) -> dict[str, int]:
        try:
            return self._client.nthreads()
        except OSError as error:
            raise self._gone() from error

    def each(
        self,
        function: Callable[[Item], Result],
        items: Iterable[Item],
        *,
        ordered: bool = True,
        data: tuple[Dataset, Sequence[Sample]] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(item)` as workers do it, in the order of `items` or as they come.

        It must give the same when it is done twice, and what it raises is raised here. With `data`
        each worker is asked first whether it reads the same there.

        Raises:
            ZooError: a worker is not like this machine, all are gone, or a task ends its worker
                again and again.
        """
        terms = self._terms
        if data is not None:
            terms = replace(terms, token=uuid4().hex, probe=_probe(*data))
        order = _pickled(function)
        waiting: dict[Any, int] = {}
        ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        done: dict[int, Result] = {}
        given, yielded, numbered = 0, 0, enumerate(items)
        try:
            while True:
                for number, item in _first(numbered, AHEAD * self.threads - (given - yielded)):
                    task = self._client.submit(do, terms, order, item, pure=False)
                    waiting[task] = number
                    task.add_done_callback(ready.put)
                    given += 1
                if not waiting and not done:
                    return
                task = self._next(ready)
                done[waiting.pop(task)] = self._result(task)
                while done and (not ordered or yielded in done):
                    yield done.pop(yielded if ordered else next(iter(done)))
                    yielded += 1
        finally:
            if waiting:
                with contextlib.suppress(Exception):  # of a scheduler that is gone
                    self._client.cancel(list(waiting))

    def over_samples(
        self,
        function: Callable[[Dataset, Sample], Result],
        dataset: Dataset,
        samples: Sequence[Sample],
    ) -> Iterator[Result]:
        """Yield `function(dataset, sample)` in order; workers get a data set that only reads."""
        parts = list(chunks(samples, self.chunk(len(samples))))
        work = functools.partial(_over, function, reading(dataset))
        for results in self.each(work, parts, data=(dataset, samples)):
            yield from results

    def chunk(self, count: int, most: int = CHUNK, step: int = 1) -> int:
        """Return how many of `count` items a task has: fewer where every thread should get some."""
        fair = math.ceil(count / (AHEAD * self.threads))
        return min(most, max(1, math.ceil(fair / step)) * step)

    def _next(self, ready: queue.SimpleQueue[Any]) -> Any:
        """Wait until a task is done; without any worker, not for ever."""
        alone = 0.0
        while True:
            try:
                return ready.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                alone = 0.0 if self._threads_by_worker() else alone + LOOK_SECONDS
                if alone >= PATIENCE_SECONDS:
                    raise self._without_workers() from None

    def _result(self, task: Any) -> Any:
        from concurrent.futures import CancelledError

        from distributed import KilledWorker

        try:
            while True:
                try:
                    return task.result(timeout=PATIENCE_SECONDS)
                except TimeoutError:
                    if task.status == "error":
                        raise
                    if not self._threads_by_worker():  # it was done, and went with its worker
                        raise self._without_workers() from None
        except KilledWorker as error:
            raise ZooError(
                "A task ended each worker that took it, most often for want of memory: "
                f"{error}. Give workers more of it, or fewer threads."
            ) from error
        except CancelledError as error:
            raise self._gone() from error
        except ModuleNotFoundError as error:
            raise InvalidSetting(
                f"A worker lacks a program: {error}. Install the same on each machine: "
                f"xray-zoo {self._terms.versions['xray-zoo']} and the plugins that are here."
            ) from error

    def _without_workers(self) -> ZooError:
        return ZooError(
            f"All workers of the Dask scheduler '{self.address}' are gone. What they had done is "
            "kept where it can be: start some, and give the command again."
        )

    def _gone(self) -> ZooError:
        return ZooError(
            f"The Dask scheduler '{self.address}' is gone, and the work with it. Start it again, "
            "and give the command again."
        )


@contextlib.contextmanager
def connected(scheduler: str | None) -> Iterator[Cluster | None]:
    """Give the cluster of a scheduler's address, or None without one.

    Raises:
        InvalidSetting: Dask is not installed, nothing answers there, or there is no worker.
    """
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise InvalidSetting(
            "--backend dask needs Dask on this machine: pip install 'xray-zoo[dask]'"
        ) from error
    client = Client.__new__(Client)
    try:
        client.__init__(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        # Left to its finaliser it would be closed by whichever thread collects garbage: in that of
        # another client's new event loop this waits for a lock that is held until the loop runs.
        client.close()
        raise InvalidSetting(
            f"The Dask scheduler '{scheduler}' does not answer ({error}). Expected an address such "
            "as tcp://127.0.0.1:8786."
        ) from error
    with client:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError as error:
            raise InvalidSetting(
                f"The Dask scheduler '{scheduler}' has no worker. Start some: dask worker "
                f"{scheduler} --nworkers 4 --nthreads 1"
            ) from error
        yield Cluster(client, scheduler)


def reading(dataset: Dataset) -> Dataset:
    """Return a data set that reads and digests images, without the index of all of them."""
    return replace(dataset, samples=(), mask=None, attributes={})


def chunks(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Cut items into parts of that size."""
    return (items[start : start + size] for start in range(0, len(items), size))


def _first(items: Iterator[Item], count: int) -> Iterator[Item]:
    return (item for _, item in zip(range(count), items, strict=False))


def _over(
    function: Callable[[Dataset, Sample], Result], dataset: Dataset, samples: Sequence[Sample]
) -> list[Result]:
    return [function(dataset, sample) for sample in samples]


def _pickled(function: Callable[..., Any]) -> bytes:
    import cloudpickle

    try:
        return cloudpickle.dumps(function)
    except Exception as error:  # what cannot be pickled fails in many ways
        raise ZooError(
            f"This cannot be done by workers, since a part of it cannot be sent to them ({error}). "
            "A reader must give functions that can be pickled."
        ) from error


def _probe(dataset: Dataset, samples: Sequence[Sample]) -> bytes:
    step = max(1, len(samples) // LOOKED_AT)
    looked_at = samples[::step][:LOOKED_AT]
    digests = [_digest(dataset, sample) for sample in looked_at]
    compare = functools.partial(_unlike, reading(dataset), list(looked_at), digests)
    return _pickled(compare)


def _unlike(dataset: Dataset, samples: Sequence[Sample], digests: Sequence[str]) -> str:
    """Say which image is another one here; nothing when none is."""
    for sample, digest in zip(samples, digests, strict=True):
        if _digest(dataset, sample) != digest:
            return sample.name
    return ""


def _digest(dataset: Dataset, sample: Sample) -> str:
    try:
        return dataset.digest(sample)
    except BadInput:
        return ""
