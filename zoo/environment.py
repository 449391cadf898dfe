"""What a result was made with: versions, memory, threads."""

from __future__ import annotations

import os
import resource
import sys
from importlib.metadata import version


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    packages = ("xray-zoo", "tensorflow", "keras", "numpy", "scikit-learn", "pillow")
    return {"python": sys.version.split()[0], **{name: version(name) for name in packages}}


def peak_memory() -> int:
    """Return the largest memory this process has held so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def limit_threads(threads: int) -> None:
    """Let TensorFlow take that many cores in this worker (0: all), if it is not yet loaded."""
    if threads:
        os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(threads))
        os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
