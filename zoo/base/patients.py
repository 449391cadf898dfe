"""Who is on the image: rules that find the patient in a file's name or in the folders above it.

Several images of one patient must stay on one side of a split, so every reader asks here. The
folders of classes and splits play no part: a patient who is in two splits keeps one id, and the
leak can be seen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from zoo.base.errors import UnknownName
from zoo.base.path_rules import is_path_rule, path_rule

AUTO = "auto"
NONE = "none"
ENOUGH = 0.9
"""Share of the names that must fit a rule before it is chosen unasked."""

DEEP = 3
"""From this many folders above an image one of them may be the patient's."""
FEW, IMAGES_OF_ONE = 5, 20
"""Fewer folders than these, or with more images each, are classes and splits."""

_PNEUMONIA = re.compile(r"person(\d+)_(bacteria|virus)_\d+(?:_\d+)*", re.ASCII)
_NORMAL = re.compile(r"((?:NORMAL2-)?IM-\d+)(?:-\d+)+", re.ASCII)
_NIH = re.compile(r"(\d{8})_\d{3}", re.ASCII)
_TUBERCULOSIS = re.compile(r"((?:CHNCXR|MCUCXR)_\d{4})_[01]", re.ASCII)
_MIMIC = re.compile(r"(?:^|/)(p\d{8})/", re.ASCII)
_BIDS = re.compile(r"(?:^|/)sub-([A-Za-z0-9]+)[_/]", re.ASCII)
_FOLDER = re.compile(
    r"(?:^|/)((?:patient|subject|person|pat)(?:[ _-]?(?:id|no|nr))?[ _-]?[A-Za-z]?\d+)/",
    re.ASCII | re.IGNORECASE,
)


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


def tuberculosis(stem: str) -> str | None:
    """Find the patient in names of the Shenzhen and Montgomery sets, such as `CHNCXR_0001_0`."""
    match = _TUBERCULOSIS.fullmatch(stem)
    return match[1] if match else None


def mimic(path: str) -> str | None:
    """Find the patient in paths of MIMIC-CXR, such as `p10/p10000032/s50414267/1.jpg`."""
    match = _MIMIC.search(path)
    return match[1] if match else None


def bids(path: str) -> str | None:
    """Find the subject in paths of the Brain Imaging Data Structure, as BIMCV's: `sub-S03044/`."""
    match = _BIDS.search(path)
    return match[1] if match else None


def folder(path: str) -> str | None:
    """Find a folder named as a patient, such as `patient00001` of CheXpert and MURA."""
    match = _FOLDER.search(path)
    return match[1] if match else None


def names_a_patient(name: str) -> bool:
    """Tell whether a folder is named as a patient, by whatever rule."""
    return any(rule(f"{name}/") is not None for rule in OF_FOLDERS.values())


def nobody(stem: str) -> str | None:  # noqa: ARG001 (a rule takes the stem)
    """Find no patient in any name."""
    return None


_OF_STEMS: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {"kermany": kermany, "nih": nih, "tuberculosis": tuberculosis}
)
OF_FOLDERS: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {"mimic": mimic, "bids": bids, "folder": folder}
)
RULES: Mapping[str, Callable[[str], str | None]] = MappingProxyType(
    {**_OF_STEMS, **OF_FOLDERS, NONE: nobody}
)

CHEST = "chest X-ray"


def subject_of(rule: str) -> str:
    """Say what the images of a set show whose file names fit a rule; empty when that is open."""
    return CHEST if rule in ("kermany", "nih", "tuberculosis", "mimic") else ""


def is_rule(rule: str) -> bool:
    """Tell whether patients can be found by `rule`: a name in `RULES`, or a rule for paths."""
    return rule in RULES or is_path_rule(rule)


def how_known(data: Mapping[str, Any]) -> str:
    """Say by what patients are told apart: `data` has patient_rule, images and patients."""
    if data["patient_rule"] != NONE:
        return f"patient rule: {data['patient_rule']}"
    return "as the data name them" if data["patients"] < data["images"] else "nobody is known"


def patient_of(rule: str, name: str) -> str | None:
    """Give the patient on the image called `name` (a path or a file name), or None if unknown.

    Raises:
        UnknownName: there is no such rule.
        InvalidSetting: a rule for paths that cannot be read.
    """
    return _finder(rule)(name)


def _finder(rule: str) -> Callable[[str], str | None]:
    if rule in _OF_STEMS or rule == NONE:
        return lambda name: RULES[rule](PurePosixPath(name.replace("\\", "/")).stem)
    if rule in OF_FOLDERS:
        return lambda name: OF_FOLDERS[rule](name.replace("\\", "/"))
    if is_path_rule(rule):
        return path_rule(rule)
    raise UnknownName.among("patient rule", rule, (AUTO, *RULES))


def choose_rule(names: Sequence[str]) -> str:
    """Choose the first rule that at least 90 % of the names fit, else `none`."""
    for rule in RULES:
        find = _finder(rule)
        fitting = sum(find(name) is not None for name in names)
        if fitting and fitting >= ENOUGH * len(names):
            return rule
    return NONE


def _level_of_people(names: Sequence[str]) -> int:
    """Give which folder of a path there are so many of that each may be a patient; 0: none."""
    folders = [name.split("/")[:-1] for name in names]
    for level in range(1, max(map(len, folders), default=0) + 1):
        different = {above[level - 1] for above in folders if len(above) >= level}
        if max(FEW, len(names) / IMAGES_OF_ONE) <= len(different) < len(names):
            return level
    return 0


def assign_patients(names: Sequence[str], rule: str = AUTO) -> tuple[str, list[str], str]:
    """Give the rule that was used, a patient for every name, and a sentence for the user.

    A file whose name does not fit the rule is a patient of its own, called by its whole name.

    `rule` is `auto`, the name of a rule, or a rule for paths: `folder:2` for the second folder, or
    a regular expression whose groups hold the patient.

    Raises:
        UnknownName: `rule` is none of these.
        InvalidSetting: a rule for paths that cannot be read.

    Examples:
        >>> rule, patients, note = zoo.assign_patients(["a.png", "b.png"], "none")
        >>> patients
        ['a.png', 'b.png']
    """
    rule = choose_rule(names) if rule == AUTO else rule
    find = _finder(rule)
    recognised = [find(name) for name in names]
    patients = [patient or name for patient, name in zip(recognised, names, strict=True)]
    if rule == NONE:
        note = (
            "No patient is known: every image counts as a patient of its own, "
            "so one patient in two splits would go unseen."
        )
        level = _level_of_people(names)
        if deep := next((name for name in names if name.count("/") >= (level or DEEP)), ""):
            note += (
                " Does a folder name the patient? Say which, as "
                f"'patients=folder:{level or 2}' for '{deep}'."
            )
    else:
        note = f"{len(set(recognised) - {None}):,} patients recognised by the '{rule}' rule."
        if strays := recognised.count(None):
            fits = "name does" if strays == 1 else "names do"
            note += f" {strays:,} {fits} not fit it; each counts as a patient of its own."
    return rule, patients, note
