"""Warnings that concern the reader of a file, not its user, kept quiet."""

from __future__ import annotations

import threading
import warnings


class Silence:
    """No warning is shown while any thread is inside.

    `warnings.catch_warnings` alone is not enough: the filters belong to the whole process, so two
    threads that leave in the order they came would put back each other's. Here the first one in
    saves them and the last one out puts them back.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._saved = warnings.catch_warnings()
                self._saved.__enter__()
                warnings.simplefilter("ignore")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._saved.__exit__(None, None, None)


silence = Silence()
"""Entered wherever an image file is opened or decoded."""
