"""Names written as a shell writes them: `keras:*Net*` for several, `keras:` for a family."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from zoo.base.errors import FAMILY_MARK, UnknownName, known_names

WILD = "*?["
NEAR = 3
"""Names that an error proposes at most."""


def is_pattern(name: str) -> bool:
    """Tell whether a name stands for several."""
    return name.endswith(FAMILY_MARK) or any(sign in name for sign in WILD)


def whole_family(pattern: str) -> str:
    """Return the pattern with what a family's name leaves out: `keras:` is `keras:*`."""
    return f"{pattern}*" if pattern.endswith(FAMILY_MARK) else pattern


def matching(kind: str, pattern: str, known: Iterable[str]) -> list[str]:
    """Return the known names that a pattern stands for, in their own order.

    `*` is any text, `?` any letter, `[ab]` one of these; capitals count. A name that ends in a
    colon is a family, and the same as with `*` behind it.

    Raises:
        UnknownName: it matches none; says which names are near.
    """
    names, asked = sorted(known), whole_family(pattern)
    found = [name for name in names if fnmatchcase(name, asked)]
    if not found:
        raise UnknownName(f"No {kind} matches '{pattern}'. {_hint(asked, names)}")
    return found


def _hint(pattern: str, names: Sequence[str]) -> str:
    alike = [name for name in names if fnmatchcase(name.lower(), pattern.lower())]
    if alike:
        return f"Capitals count: did you mean {_listed(alike)}?"
    letters = "".join(letter for letter in pattern.lower() if letter not in f"{WILD}]")
    lowered = {name.lower(): name for name in names}
    bare = letters.rpartition(FAMILY_MARK)[2]
    near = [name for low, name in lowered.items() if bare and bare in low] or [
        lowered[low] for low in difflib.get_close_matches(letters, lowered, n=NEAR)
    ]
    if near:
        return f"Did you mean {_listed(near)}?"
    return known_names(names)


def _listed(names: Sequence[str]) -> str:
    more = f" (and {len(names) - NEAR} more)" if len(names) > NEAR else ""
    return " or ".join(f"'{name}'" for name in names[:NEAR]) + more
