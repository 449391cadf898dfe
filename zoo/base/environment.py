"""What a result was made with: versions and memory."""

from __future__ import annotations

import sys
from importlib.metadata import version

import psutil


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
