"""Masks as run lengths, as the SIIM-ACR table writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

RUNS = "runs"
NONE = ("", "-1")
_RUNS = re.compile(r"\d{1,9} \d{1,9}(?: \d{1,9} \d{1,9})*", re.ASCII)


def are_runs(text: str) -> bool:
    """Tell whether a cell holds pairs of numbers, or says that nothing is marked."""
    return text in NONE or _RUNS.fullmatch(text) is not None


def mask_of(runs: tuple[str, ...], frame: tuple[int, int]) -> np.ndarray:
    """Return the union of runs as `(height, width)` bool; `frame` is width and height.

    A pair is how many pixels are skipped since the last run, and how many are marked, down the
    columns from the left. What lies beyond the frame is cut off.
    """
    import numpy as np

    width, height = frame
    marked = np.zeros(width * height, bool)
    for text in runs:
        if text in NONE:
            continue
        skipped, lengths = np.array(text.split(), np.int64).reshape(-1, 2).T
        ends = np.cumsum(skipped + lengths)
        for begin, end in zip((ends - lengths).tolist(), ends.tolist(), strict=True):
            marked[begin:end] = True
    return marked.reshape(width, height).T


def resized(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the mask at `size = (height, width)`: each pixel takes what lies at its middle."""
    import numpy as np

    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.int64)
        for new, old in zip(size, mask.shape, strict=True)
    )
    return mask[rows[:, None], columns[None, :]]
