"""Who is on the image: named rules that find the patient in a file's name.

Several images of one patient must stay on one side of a split, so every reader asks here. The
folder plays no part: a patient who is in two splits keeps one id, and the leak can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType

from zoo.base.errors import UnknownName

AUTO = "auto"
NONE = "none"
ENOUGH = 0.9
"""Share of the names that must fit a rule before it is chosen unasked."""

_PNEUMONIA = re.compile(r"person(\d+)_(bacteria|virus)_\d+(?:_\d+)*", re.ASCII)
_NORMAL = re.compile(r"((?:NORMAL2-)?IM-\d+)(?:-\d+)+", re.ASCII)
_NIH = re.compile(r"(\d{8})_\d{3}", re.ASCII)


def kermany(stem: str) -> str | None:
    """Find the patient in names of the Kaggle set *Chest X-Ray Images (Pneumonia)*.

    Bacterial and viral cases are numbered separately: the person's number alone is no patient.
    """
    if match := _PNEUMONIA.fullmatch(stem):
        return f"{match[2]}-{match[1]}"
    match = _NORMAL.fullmatch(stem)
    return match[1] if match else None


def nih(stem: str) -> str | None:
    """Find the patient in names of NIH ChestX-ray14, such as `00001280_004`."""
    match = _NIH.fullmatch(stem)
    return str(int(match[1])) if match else None


def nobody(stem: str) -> str | None:  # noqa: ARG001 (a rule takes the stem)
    """Find no patient in any name."""
    return None


RULES: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {"kermany": kermany, "nih": nih, NONE: nobody}
)

CHEST = "chest X-ray"


def subject_of(rule: str) -> str:
    """Say what the images of a set show whose file names fit a rule; empty when that is open."""
    return CHEST if rule in ("kermany", "nih") else ""


def patient_of(rule: str, name: str) -> str | None:
    """Give the patient on the image called `name` (a path or a file name), or None if unknown.

    Raises:
        UnknownName: there is no such rule.
    """
    if rule not in RULES:
        raise UnknownName.among("patient rule", rule, RULES)
    return RULES[rule](PurePosixPath(name.replace("\\", "/")).stem)


def choose_rule(names: Sequence[str]) -> str:
    """Choose the first rule that at least 90 % of the names fit, else `none`."""
    for rule in RULES:
        fitting = sum(patient_of(rule, name) is not None for name in names)
        if fitting and fitting >= ENOUGH * len(names):
            return rule
    return NONE


def assign_patients(names: Sequence[str], rule: str = AUTO) -> tuple[str, list[str], str]:
    """Give the rule that was used, a patient for every name, and a sentence for the user.

    A file whose name does not fit the rule is a patient of its own, called by its whole name.

    Raises:
        UnknownName: `rule` is neither `auto` nor the name of a rule.

    Examples:
        >>> rule, patients, note = zoo.assign_patients(["a.png", "b.png"], "none")
        >>> patients
        ['a.png', 'b.png']
    """
    if rule != AUTO and rule not in RULES:
        raise UnknownName.among("patient rule", rule, (AUTO, *RULES))
    rule = choose_rule(names) if rule == AUTO else rule
    recognised = [patient_of(rule, name) for name in names]
    patients = [patient or name for patient, name in zip(recognised, names, strict=True)]
    if rule == NONE:
        note = (
            "No patient is known: every image counts as a patient of its own, "
            "so one patient in two splits would go unseen."
        )
    else:
        note = f"{len(set(recognised) - {None}):,} patients recognised by the '{rule}' rule."
        if strays := recognised.count(None):
            note += f" {strays:,} names do not fit it; each counts as a patient of its own."
    return rule, patients, note
