"""An audit log: what was answered to which content and when; no names and no addresses."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from zoo.base.errors import BadInput
from zoo.web.service.limits import Unavailable


class Journal:
    """A file of JSON lines to which each answer is appended, for its owner alone to read.

    Raises:
        BadInput: the file cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._append(b"")
        except OSError as error:
            raise BadInput(
                f"The audit log '{path}' cannot be written: {error.strerror}. Name another file."
            ) from error

    def record(self, run: str, answers: Iterable[tuple[str, str, float]]) -> None:
        """Append the answers of a run, each `(digest of the content, answer, probability)`.

        Raises:
            Unavailable: they cannot be written; nothing should be answered then.
        """
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [
            json.dumps(
                {
                    "time": time,
                    "run": run,
                    "digest": digest,
                    "answer": answer,
                    "probability": round(probability, 6),
                },
                ensure_ascii=False,
            )
            for digest, answer, probability in answers
        ]
        try:
            self._append("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            raise Unavailable(
                "The audit log cannot be written, so nothing is answered. Tell the operator."
            ) from error

    def _append(self, content: bytes) -> None:
        """Write in one call at the end: lines of several processes do not mix, rotation is seen."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if os.write(handle, content) != len(content):
                raise OSError("the disk is full")
        finally:
            os.close(handle)
