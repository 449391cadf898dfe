"""Errors that the user can mend.

    ZooError
    ├── BadInput          an image, folder, table or model file that cannot be used
    ├── UnknownName       no architecture, explainer, run or option of that name
    ├── InvalidSetting    an option or setting outside what is allowed
    ├── DamagedRun        a run folder that is unfinished, incomplete or altered
    ├── NotWritten        a file or folder that the system does not let be written
    ├── Unreachable      an address that does not answer, refuses, or has nothing
    └── MissingWeights    pretrained weights that are not on this machine

Each says what was received, what was expected and what to do. The command line shows it in one
piece and exits with code 2. Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(Exception):
    """Something the user can mend."""


class BadInput(ZooError):
    """An image, folder, table or model file that cannot be used."""


class UnknownName(ZooError):
    """No architecture, explainer, run or option of that name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """Build the error for `name`, with the closest known name or the whole list."""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(names) or 'none'}."
        return cls(f"There is no {kind} '{name}'. {hint}")


class InvalidSetting(ZooError):
    """An option or setting outside what is allowed."""


class DamagedRun(ZooError):
    """A run folder that is unfinished, incomplete or altered."""


class NotWritten(ZooError):
    """A file or folder that the system does not let be written: no room, no permission."""


class Unreachable(ZooError):
    """An address that does not answer, refuses or has no such file; it says nothing of a file."""


class MissingWeights(ZooError):
    """Pretrained weights that are not on this machine."""


def in_a_line(error: BaseException) -> str:
    """Return the kind of an error and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or ['no message'])[0]}"
