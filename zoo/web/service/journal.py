"""An audit log: what was answered to which content and when, who signed in, wrong passwords."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base.errors import BadInput
from zoo.web.service.limits import Unavailable

logger = logging.getLogger(__name__)


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
        self._write(
            [
                {
                    "run": run,
                    "digest": digest,
                    "answer": answer,
                    "probability": round(probability, 6),
                }
                for digest, answer, probability in answers
            ]
        )

    def event(self, event: str, **about: str | int) -> None:
        """Append what happened, as a wrong password or that somebody signed in.

        Raises:
            Unavailable: it cannot be written.
        """
        self._write([{"event": event, **about}])

    def _write(self, entries: Iterable[Mapping[str, Any]]) -> None:
        time = datetime.now(UTC).isoformat(timespec="milliseconds")
        lines = [json.dumps({"time": time, **entry}, ensure_ascii=False) for entry in entries]
        try:
            self._append("".join(f"{line}\n" for line in lines).encode())
        except OSError as error:
            reason = error.strerror or str(error)
            logger.error("The audit log '%s' cannot be written: %s.", self.path, reason)  # noqa: TRY400 (the operator needs the reason, not the trace)
            raise Unavailable(
                "The audit log cannot be written, so nothing is answered. Tell the operator."
            ) from error

    def _append(self, content: bytes) -> None:
        """Write in one call at the end: lines of several processes do not mix, rotation is seen."""
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            written = os.write(handle, content)
            if written != len(content):  # half a line would spoil the next one
                end = os.lseek(handle, 0, os.SEEK_CUR)
                if end == os.fstat(handle).st_size:
                    os.ftruncate(handle, end - written)
                raise OSError("the disk is full")
        finally:
            os.close(handle)
