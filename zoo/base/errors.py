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
from collections import Counter
from collections.abc import Iterable

FAMILY_MARK = ":"
"""Ends the part that the names of a family share, as in `keras:VGG16`."""
SHOWN = 40
"""Names that an error lists at most."""


class ZooError(Exception):
    """Something the user can mend."""


class BadInput(ZooError):
    """An image, folder, table or model file that cannot be used."""


class UnknownName(ZooError):
    """No architecture, explainer, run or option of that name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str]) -> UnknownName:
        """Build the error for `name`, with the closest known name or a list of what there is."""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean '{close[0]}'?" if close else known_names(names)
        return cls(f"There is no {kind} '{name}'. {hint}")


def known_names(names: Iterable[str]) -> str:
    """Say in a sentence which names there are: a family once, and no more than can be read."""
    names = sorted(names)
    families = Counter(name.partition(FAMILY_MARK)[0] for name in names if FAMILY_MARK in name)
    alone = [name for name in names if FAMILY_MARK not in name]
    told = [*alone, *(f"{family}{FAMILY_MARK} ({n})" for family, n in sorted(families.items()))]
    more = f" and {len(told) - SHOWN} more" if len(told) > SHOWN else ""
    return f"Known: {', '.join(told[:SHOWN]) or 'none'}{more}."


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
