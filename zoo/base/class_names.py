"""Names of classes as people write them: which are one class, which are used and called what."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from zoo.base.errors import InvalidSetting, UnknownName

CLASSES = "classes"
HEALTHY = frozenset(
    {"normal", "healthy", "negative", "no finding", "no findings", "benign", "control"}
)
"""What classes without a finding are called, as `fold` gives it."""

_BETWEEN = re.compile(r"(?<=\w)[\s_-]+(?=\w)")
_WHOLE = re.compile(r"(\d{1,15})(?:[.,]0*)?", re.ASCII)
_SHOWN = 5


def fold(name: str) -> str:
    """Give what names have in common that differ only by case, accents' coding, `_`, or `.0`.

    Examples:
        >>> fold("No_Finding") == fold("no finding"), fold("1.0"), fold("-1")
        (True, '1', '-1')
    """
    if match := _WHOLE.fullmatch(name.strip()):
        return str(int(match[1]))
    return _BETWEEN.sub(" ", unicodedata.normalize("NFC", name.strip()).casefold())


def is_healthy(name: str) -> bool:
    """Tell whether a class is called as those without a finding are."""
    return fold(name) in HEALTHY


def merged(names: Iterable[str]) -> tuple[dict[str, str], str]:
    """Give the name that each is known by, and a sentence where several are one class.

    Of names that `fold` to the same the most frequent one stands for all.
    """
    spellings: dict[str, Counter[str]] = defaultdict(Counter)
    for name, count in Counter(names).items():
        spellings[fold(name)][name] += count
    known: dict[str, str] = {}
    told = []
    for counted in spellings.values():
        chosen = min(counted, key=lambda name: (-counted[name], name))
        known |= dict.fromkeys(counted, chosen)
        if len(counted) > 1:
            others = ", ".join(ascii_if_alike(name, chosen) for name in counted if name != chosen)
            told.append(f"{others} as '{chosen}'")
    note = f"Taken as one class: {'; '.join(told[:_SHOWN])}." if told else ""
    return known, note


def ascii_if_alike(name: str, other: str) -> str:
    """Quote a name; one that looks like the other, but for its accents' coding, is spelt out."""
    normal = unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other)
    return ascii(name) if normal else f"'{name}'"


def chosen_classes(options: Mapping[str, str]) -> dict[str, str] | None:
    """Return the class of each label that was asked for, in their order; None when none was.

    `0:NORMAL,1:PNEUMONIA` gives the labels 0 and 1 other names; several labels may have the same.

    Raises:
        InvalidSetting: a label without a name or given twice, or fewer than two classes.
    """
    if CLASSES not in options:
        return None
    pairs = [part.strip().rpartition(":") for part in options[CLASSES].split(",")]
    named = {(label if mark else name).strip(): name.strip() for label, mark, name in pairs}
    if len(named) < len(pairs) or not all(map(all, named.items())) or len({*named.values()}) < 2:
        raise InvalidSetting(
            f"The classes '{options[CLASSES]}' cannot be used. Expected at least two, each label "
            "once, as 'classes=LABEL,LABEL' or 'classes=LABEL:NAME,LABEL:NAME'."
        )
    return named


def renamed(chosen: Mapping[str, str], present: Sequence[str], kind: str) -> dict[str, str]:
    """Give the class of each label that is there and was chosen; labels are compared by `fold`.

    Raises:
        UnknownName: a label that was chosen is not there.
    """
    by_fold = {fold(label): label for label in present}
    for label in chosen:
        if label not in present and fold(label) not in by_fold:
            raise UnknownName.among(kind, label, present)
    return {
        (label if label in present else by_fold[fold(label)]): name
        for label, name in chosen.items()
    }
