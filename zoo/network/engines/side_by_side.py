"""A batch computed in small parts, each by one core: the cores never wait for each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from zoo.network.export_formats import ExportedNetwork

if TYPE_CHECKING:
    import numpy as np

PART = 4
"""Images that one core computes at once: what lies between the layers stays in its own cache."""


def side_by_side(call: ExportedNetwork, cores: int) -> ExportedNetwork:
    """Return a network that answers a batch by `call` in parts, `cores` of them at a time.

    `call` is asked by several threads at once, and takes one core each time.
    """
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    pool = ThreadPoolExecutor(cores, thread_name_prefix="engine")

    def answers(pixels: np.ndarray) -> Mapping[str, np.ndarray]:
        if len(pixels) <= PART:
            return call(pixels)
        parts = np.split(pixels, range(PART, len(pixels), PART))
        given = list(pool.map(call, parts))
        return {name: np.concatenate([one[name] for one in given]) for name in given[0]}

    return answers
