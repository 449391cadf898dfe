"""What a worker of a Dask cluster does with a task: it looks whether it fits, and works."""

from __future__ import annotations

import functools
import pickle
import threading
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from zoo.base import formats, hooks
from zoo.base.environment import limit_threads, versions
from zoo.base.errors import BadInput, InvalidSetting


@dataclass(frozen=True, eq=False)
class Terms:
    """What a worker must share with the command: versions, plugins and some images' content."""

    token: str
    versions: dict[str, str]
    plugins: tuple[str, ...]
    probe: bytes = b""
    """A pickled function that says what is wrong with the worker's data, '' when nothing is."""


def plugins() -> tuple[str, ...]:
    """Name the installed plugins with their versions."""
    entries = [*entry_points(group=hooks.GROUP), *entry_points(group=formats.GROUP)]
    known = ((entry.name, entry.dist) for entry in entries)
    return tuple(sorted({f"{name} of {d.name} {d.version}" for name, d in known if d is not None}))


def do(terms: Terms, order: bytes, item: Any) -> Any:
    """Do a task, here in a worker: `order` is the pickled function of the item.

    Raises:
        ZooError: this worker does not fit the terms.
    """
    from distributed import get_worker

    worker = get_worker()
    limit_threads(worker.state.nthreads, tasks=worker.state.nthreads)
    _meet(terms, worker.address)
    return _unpickled(order)(item)


_unpickled = functools.lru_cache(maxsize=8)(pickle.loads)  # of the command itself
_met: dict[str, Exception | None] = {}
_meeting = threading.Lock()


def _meet(terms: Terms, worker: str) -> None:
    """Refuse to work when this process is not like that of the command; looked at once."""
    with _meeting:
        if terms.token not in _met:
            _met[terms.token] = _misfit(terms, worker)
    if (misfit := _met[terms.token]) is not None:
        raise misfit


def _misfit(terms: Terms, worker: str) -> Exception | None:
    here, expected = versions(), terms.versions
    others = [
        f"{name} {here.get(name)} ({version})"
        for name, version in expected.items()
        if here.get(name) != version
    ]
    if others:
        return InvalidSetting(
            f"The worker {worker} has other versions than the command (in brackets): "
            f"{', '.join(others)}. Install the same on each machine."
        )
    if missing := sorted(set(terms.plugins) ^ set(plugins())):
        return InvalidSetting(
            f"The worker {worker} has other plugins than the command: {', '.join(missing)} is on "
            "one side alone. Install the same on each machine."
        )
    if terms.probe and (name := pickle.loads(terms.probe)()):  # noqa: S301 (of the command itself)
        return BadInput(
            f"The data of the worker {worker} are not those that the command was given for: "
            f"'{name}' is missing there, or another image. Expected the same files under the same "
            "path on each machine."
        )
    return None
