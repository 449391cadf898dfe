"""What a result was made with: versions and memory, and the cores that it may take."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version

import psutil

_threads_of_a_task: list[int] = []
"""How many threads a task of this worker may take; empty in other processes."""


def reading_threads() -> int:
    """Return how many threads should read images; several wait for a disk where none is short."""
    return cores() if _threads_of_a_task else 2 * cores()


def cores() -> int:
    """Return how many cores this task may keep busy."""
    return _threads_of_a_task[0] if _threads_of_a_task else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    packages = ("xray-zoo", "tensorflow", "keras", "numpy", "scikit-learn", "pillow")
    return {"python": sys.version.split()[0], **{name: version(name) for name in packages}}


def peak_memory() -> int:
    """Return the largest memory this process has held so far, in MB."""
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset // 2**20
    import resource  # where psutil knows no peak

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (2**20 if sys.platform == "darwin" else 2**10)


def limit_threads(threads: int, tasks: int = 1) -> None:
    """Let this worker take that many cores (0: all) for so many tasks at a time.

    TensorFlow keeps to it if it is not yet loaded.
    """
    if threads:
        _threads_of_a_task[:] = [max(1, threads // tasks)]
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
