"""What long work tells whoever waits for it: on a terminal, in a notebook or in the app."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """A listener to long work."""

    def note(self, message: str) -> None:
        """Tell a sentence, such as what is being done or what was found."""

    def warn(self, message: str) -> None:
        """Tell a sentence that should not be missed."""

    def start(self, title: str, total: int) -> None:
        """Begin a stretch of `total` steps; a stretch that was running ends."""

    def advance(self, steps: int = 1) -> None:
        """Tell that steps are done."""

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        """Tell the figures of an epoch that has ended."""

    def stop(self) -> None:
        """End the running stretch."""


class Silent:
    """A listener that tells nobody."""

    def note(self, message: str) -> None:
        """Do nothing."""

    def warn(self, message: str) -> None:
        """Do nothing."""

    def start(self, title: str, total: int) -> None:
        """Do nothing."""

    def advance(self, steps: int = 1) -> None:
        """Do nothing."""

    def epoch(self, row: Mapping[str, Any], epochs: int) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""


SILENT = Silent()
"""What to give as `progress` to a function that should say nothing."""


class Epochs:
    """The epochs of one training, each written as a line with the time that the rest takes."""

    def __init__(self) -> None:
        self._seconds: list[float] = []

    def line(self, row: Mapping[str, Any], epochs: int) -> str:
        """Write the figures of an epoch that has ended and how long the rest takes at most."""
        self._seconds.append(row["seconds"])
        left = max(0, epochs - int(row["epoch"])) * sum(self._seconds) / len(self._seconds)
        return (
            f"{row['phase']} epoch {row['epoch']:>3}/{epochs}  loss {row['loss']:.4f}  "
            f"validation loss {row['val_loss']:.4f}  PR-AUC {row['val_pr_auc']:.4f}  "
            f"ROC-AUC {row['val_roc_auc']:.4f}  at most {clock(left)} left"
        )


class Stretch:
    """A stretch of work: how far it is, and how long the rest takes at the pace it has had."""

    def __init__(self, title: str = "", total: int = 0) -> None:
        self.title, self.total, self.done = title, total, 0
        self._began = time.monotonic()

    def seconds_left(self) -> float | None:
        """Return the seconds that are left; None before anything is done."""
        if not self.done:
            return None
        spent = time.monotonic() - self._began
        return spent * max(0, self.total - self.done) / self.done

    def __str__(self) -> str:
        left = self.seconds_left()
        more = "" if left is None else f", about {clock(left)} left"
        return f"{self.done:,} of {self.total:,}{more}"


def clock(seconds: float) -> str:
    """Write a time as minutes and seconds, '2:05', or with hours before them, '1:02:05'."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def track(progress: Progress, items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield the items, advancing by one after each."""
    progress.start(title, total)
    try:
        for item in items:
            yield item
            progress.advance()
    finally:
        progress.stop()
