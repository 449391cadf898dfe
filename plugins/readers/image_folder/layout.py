"""Which class and which split each image of a folder belongs to, told by the folders above it.

Classes may stand below the splits (`train/NORMAL/…`), above them (`NORMAL/train/…`) or alone, and
folders that only hold the images (`NORMAL/images/…`) are stepped through. Where the names leave it
open, the question is asked with what was found.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from zoo import TRAIN, BadInput
from zoo.base.class_names import fold, is_healthy
from zoo.base.mask_names import is_images_folder, is_mask_folder
from zoo.base.path_rules import PathRule
from zoo.base.patients import names_a_patient
from zoo.base.sources import SPLIT_NAMES, split_named

MANY = 0.9
SHOWN = 5

_LAST = re.compile(rf"(.+)[ _-]({'|'.join(SPLIT_NAMES)})", re.IGNORECASE)
_FIRST = re.compile(rf"({'|'.join(SPLIT_NAMES)})[ _-](.+)", re.IGNORECASE)

_DIGITS = re.compile(r"\d+")

Folders = tuple[str, ...]


@dataclass(frozen=True)
class Placed:
    """The class and the split (or '') of each image, by name, and sentences on what was not."""

    of_name: Mapping[str, tuple[str, str]]
    notes: tuple[str, ...]


def place(names: Sequence[str], rule: PathRule | None, chosen: Collection[str]) -> Placed:
    """Tell class and split of each image; with a rule or `chosen` classes nothing is asked.

    Raises:
        BadInput: two levels of folders, or none, may be the classes.
    """
    folders = {name: tuple(name.split("/")[:-1]) for name in names}
    common = _common(list(folders.values()))
    below = {name: above[len(common) :] for name, above in folders.items()}
    split_of, below, notes = _splits(common, below)
    if rule is not None:
        return _by_rule(rule, split_of, notes)
    below = _without_asides(below, notes)
    if not chosen:
        _ask_whether_images(below.values())
    open_folders = {name: _without_images_folders(above) for name, above in below.items()}
    if len(set(split_of.values())) != 1:
        open_folders = _stepped(open_folders, split_of)
    if chosen:
        open_folders = _at_level_of(chosen, open_folders)
    else:
        _ask_which_level(open_folders.values())
        _ask_whether_classes({above[0] for above in open_folders.values() if above})
    placed = {name: (above[0], split_of[name]) for name, above in open_folders.items() if above}
    placed = _without_split_in_class(placed, notes)
    loose = [name for name, above in open_folders.items() if not above]
    if placed and loose:
        notes.append(f"Left out, being in no class folder: {_listed(loose)}.")
    return Placed(placed, tuple(notes))


def _by_rule(rule: PathRule, split_of: Mapping[str, str], notes: list[str]) -> Placed:
    given = {name: rule(name) for name in split_of}
    placed = {name: (label, split_of[name]) for name, label in given.items() if label}
    if missing := [name for name, label in given.items() if not label]:
        notes.append(f"Left out, since the rule gives them no class: {_listed(missing)}.")
    return Placed(placed, tuple(notes))


def _common(folders: Sequence[Folders]) -> Folders:
    """Give the folders above nearly all images, as unpacked archives have them, up to a split's."""
    common: Folders = ()
    while True:
        depth = len(common)
        inside = [above for above in folders if len(above) > depth and above[:depth] == common]
        heads = {above[depth] for above in inside}
        loose = sum(len(above) == depth + 1 for above in inside)
        if len(heads) != 1 or loose > (1 - MANY) * len(inside) or split_named(min(heads)):
            return common
        common = (*common, *heads)


def _splits(
    common: Folders, below: Mapping[str, Folders]
) -> tuple[dict[str, str], dict[str, Folders], list[str]]:
    """Take the folder that names a split out of each path, where all images have one.

    Where only some have one, those below a split that stands first are taken and the rest is said.

    Raises:
        BadInput: no folder is called as the training part, and others lie beside the splits.
    """
    below = _with_plain_splits(below)
    deep = {name: _split_place(above) for name, above in below.items() if above}
    split = {name: at for name, at in deep.items() if at is not None and len(below[name]) > 1}
    tops = {name: at for name, at in split.items() if at == 0}
    taken = tops or (split if len(split) == len(deep) else {})
    if not taken:
        notes: list[str] = []
        if split:
            others = len(deep) - len(split)
            some = "/".join((*common, *below[min(split)][: split[min(split)] + 1]))
            notes.append(
                f"Folders called as splits, such as '{some}', are taken as none: {others:,} images "
                "lie in no such folder."
            )
        return dict.fromkeys(below, ""), dict(below), notes
    outside = Counter(
        "/".join((*common, *above[:1])) for n, above in below.items() if n not in taken
    )
    notes = []
    if outside:
        shown = ", ".join(f"{top}/" if top else "loose files" for top in sorted(outside)[:SHOWN])
        notes = [f"Left out, being beside the splits: {shown} ({outside.total():,} images)."]
    splits = {name: split_named(below[name][at]) or "" for name, at in taken.items()}
    if outside and TRAIN not in splits.values():
        raise BadInput(
            f"Folders are called as the {' and '.join(sorted(set(splits.values())))} part, and "
            f"none as the training part: beside them lie {_quoted(sorted(filter(None, outside)))}. "
            "Call that of the training images 'train'."
        )
    rest = {name: (*below[name][:at], *below[name][at + 1 :]) for name, at in taken.items()}
    return splits, rest, notes


def _with_plain_splits(below: Mapping[str, Folders]) -> dict[str, Folders]:
    """Read `chest_train` and `chest_test` as splits, where each holds folders of its own."""
    heads = {above[0]: _class_and_split(above[0]) for above in below.values() if above}
    parts = [part for part in heads.values() if part]
    same = len({fold(name) for name, _ in parts}) == 1 and len({split for _, split in parts}) > 1
    if len(parts) < len(heads) or not same or any(len(above) < 2 for above in below.values()):
        return dict(below)
    splits = {head: part[1] for head, part in heads.items() if part}
    return {name: (splits[above[0]], *above[1:]) for name, above in below.items()}


def _split_place(above: Folders) -> int | None:
    return next((at for at, folder in enumerate(above) if split_named(folder)), None)


def _without_asides(below: Mapping[str, Folders], notes: list[str]) -> dict[str, Folders]:
    """Leave out what lies beside a folder of images inside a class, such as `A/overlays`."""
    parents = {
        above[:at]
        for above in set(below.values())
        for at, folder in enumerate(above)
        if at and is_images_folder(folder)
    }

    def aside(above: Folders) -> str:
        for at in range(1, len(above)):
            if above[:at] in parents and not is_images_folder(above[at]):
                return "/".join(above[: at + 1])
        return ""

    asides = {name: place for name, above in below.items() if (place := aside(above))}
    if asides:
        places = sorted(set(asides.values()))
        notes.append(
            f"Left out, being beside folders of images: {_listed(places)} ({len(asides):,} images)."
        )
    return {name: above for name, above in below.items() if name not in asides}


def _at_level_of(chosen: Collection[str], below: dict[str, Folders]) -> dict[str, Folders]:
    """Begin at the level of folders where all chosen classes are, if there is one."""
    wanted = set(map(fold, chosen))
    for level in range(max(map(len, below.values()), default=0)):
        present = {fold(above[level]) for above in below.values() if len(above) > level}
        if wanted <= present:
            return {name: above[level:] for name, above in below.items()}
    return below


def _without_split_in_class(
    placed: dict[str, tuple[str, str]], notes: list[str]
) -> dict[str, tuple[str, str]]:
    """Part folders such as `covid_train` and `covid_test` into class and split.

    Folders that are called as splits alone, with images in them, are no classes.
    """
    heads = {label for label, split in placed.values() if not split}
    if heads and all(map(split_named, heads)) and len(heads) == len({*placed.values()}):
        return {}
    parted = {head: parts for head in heads if (parts := _class_and_split(head))}
    classes: dict[str, set[str]] = defaultdict(set)
    for label, split in parted.values():
        classes[label].add(split)
    every = set(map(frozenset, classes.values()))
    if len(parted) < len(heads) or len(classes) < 2 or len(every) != 1 or len(min(every)) < 2:
        return placed
    shown = ", ".join(f"'{head}'" for head in sorted(parted)[:SHOWN])
    notes.append(f"Folders are read as class and split: {shown}.")
    return {name: parted[head] for name, (head, _) in placed.items()}


def _class_and_split(folder: str) -> tuple[str, str] | None:
    if match := _LAST.fullmatch(folder):
        return match[1], split_named(match[2]) or ""
    match = _FIRST.fullmatch(folder)
    return (match[2], split_named(match[1]) or "") if match else None


def _without_images_folders(above: Folders) -> Folders:
    return tuple(folder for folder in above if not is_images_folder(folder))


def _stepped(open_folders: dict[str, Folders], split_of: Mapping[str, str]) -> dict[str, Folders]:
    """Step through a folder that every split has alone, such as `train/chest/NORMAL`."""
    while True:
        heads = {above[:1] for above in open_folders.values()}
        if len(heads) != 1 or any(len(above) < 2 for above in open_folders.values()):
            return open_folders
        inside: dict[str, set[str]] = defaultdict(set)
        for name, above in open_folders.items():
            inside[split_of[name]].add(above[1])
        if len(set(map(frozenset, inside.values()))) != 1:
            return open_folders
        open_folders = {name: above[1:] for name, above in open_folders.items()}


def _ask_which_level(folders: Iterable[Folders]) -> None:
    """Refuse `hospital1/NORMAL/…`, `hospital2/NORMAL/…`: either level may be the classes.

    Folders that only count (`study1`, `study2`) raise no question, unless those above do so too.
    """
    classed = set(filter(None, folders))
    heads = {above[0] for above in classed}
    if len(heads) < 2 or any(map(is_healthy, heads)):
        return
    for level in range(1, max(map(len, classed), default=0)):
        inside: dict[str, set[str]] = defaultdict(set)
        for above in classed:
            if len(above) > level:
                inside[above[level]].add(above[0])
        shared = sorted(n for n, among in inside.items() if len(among) > 1)
        shared = [name for name in shared if not names_a_patient(name)]
        if len(shared) > 1 and (_counts_only(heads) or not _counts_only(shared)):
            raise BadInput(
                f"Two levels of folders may be the classes: {_quoted(sorted(heads))}, or inside "
                f"them {_quoted(shared)}. Say which: '?class=folder:N' takes the N-th folder of "
                "the path, '?class=folder:-1' that of the file."
            )


def _counts_only(names: Iterable[str]) -> bool:
    return len({_DIGITS.sub("", name) for name in names}) == 1


def _ask_whether_images(folders: Iterable[Folders]) -> None:
    """Refuse `original/NORMAL/…` beside `augmented/NORMAL/…`: only one is named for its images."""
    heads = {above[0] for above in folders if len(above) > 1}
    named = sorted(name for name in heads if is_images_folder(name))
    others = sorted(heads.difference(named))
    if named and others:
        raise BadInput(
            f"The folder '{named[0]}' is named for holding the images, and others lie beside it: "
            f"{_quoted(others)}. Give one of them as the data, name the classes with "
            "'?classes=A,B', or say where the class stands: '?class=folder:N'."
        )


def _ask_whether_classes(names: set[str]) -> None:
    """Refuse folders that are named as patients or as masks are."""
    patients = [name for name in names if names_a_patient(name)]
    if len(names) > 2 and len(patients) >= MANY * len(names):
        raise BadInput(
            f"The folders {_quoted(sorted(patients))} are named as patients, not as classes. "
            "Say where the class stands: '?class=folder:N' takes the N-th folder of the path, "
            "'?class=folder:-1' that of the file. Is it in a table? Then name that as the data."
        )
    masks = sorted(name for name in names if is_mask_folder(name))
    if masks and not any("mask" in name.casefold() for name in names.difference(masks)):
        raise BadInput(
            f"The folder '{masks[0]}' is named as masks are, and stands where classes do: "
            f"{_quoted(sorted(names))}. Name the classes: '?classes=A,B'."
        )


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:SHOWN])
    return shown + ", …" * (len(names) > SHOWN)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(sorted(names)[:SHOWN])
    return shown + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")
