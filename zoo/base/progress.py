"""What long work tells whoever waits for it; the command line and the app each draw it."""

from __future__ import annotations

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


def track(progress: Progress, items: Iterable[Item], title: str, total: int) -> Iterator[Item]:
    """Yield the items, advancing by one after each."""
    progress.start(title, total)
    try:
        for item in items:
            yield item
            progress.advance()
    finally:
        progress.stop()
