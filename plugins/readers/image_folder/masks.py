"""Masks that lie among the images of a folder: found by name, so that none is taken for a case."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from pathlib import PurePosixPath

from zoo.base.mask_names import is_images_folder, is_mask_folder, unmasked

ENOUGH = 0.5
"""Share of a folder's files that must be named as images beside it."""


def masks_among(names: Sequence[str], classes: Collection[str] = ()) -> dict[str, str]:
    """Give the names that are masks, each with where it was found: `Normal/masks`, `*_mask`.

    A folder that is called as masks are holds masks when `images` or loose images lie beside it,
    or when its files are named as images beside it; so a class called `mask` stays a class,
    and one of `classes` always. A file `a_mask.png` is a mask where its folder has an image `a`.
    """
    paths = {name: PurePosixPath(name) for name in names}
    found = dict(_in_folders(paths, classes))
    stems: dict[PurePosixPath, set[str]] = defaultdict(set)
    for name, path in paths.items():
        if name not in found:
            stems[path.parent].add(path.stem)
    for name, path in paths.items():
        if name not in found and unmasked(path.stem) in stems[path.parent]:
            found[name] = "*_mask"
    return found


def _in_folders(
    paths: dict[str, PurePosixPath], classes: Collection[str]
) -> Iterator[tuple[str, str]]:
    masks: dict[PurePosixPath, list[str]] = defaultdict(list)
    others: list[PurePosixPath] = []
    folders = {path.parent for path in paths.values()}
    common = len(PurePosixPath(os.path.commonpath(folders)).parts) if folders else 0
    above = {folder: _topmost_mask_folder(folder, common, classes) for folder in folders}
    for name, path in paths.items():
        top = above[path.parent]
        if top is None:
            others.append(path)
        else:
            masks[top].append(name)
    if not masks:
        return
    beside: dict[PurePosixPath, set[str]] = defaultdict(set)
    sure: set[PurePosixPath] = set()
    parents = {folder.parent for folder in masks}
    for path in others:
        for parent in path.parents:
            if parent in parents:
                beside[parent].add(path.stem)
                below = path.relative_to(parent).parts
                if len(below) == 1 or is_images_folder(below[0]):
                    sure.add(parent)
    for folder, names in masks.items():
        stems = beside[folder.parent]
        alike = sum(bool({paths[n].stem, unmasked(paths[n].stem)} & stems) for n in names)
        if folder.parent in sure or alike >= ENOUGH * len(names):
            for name in names:
                yield name, folder.as_posix()


def _topmost_mask_folder(
    folder: PurePosixPath, common: int, classes: Collection[str]
) -> PurePosixPath | None:
    """Find it below the `common` folders, in which all images lie, too."""
    for one in (*reversed(folder.parents), folder)[common + 1 :]:
        if is_mask_folder(one.name) and one.name not in classes:
            return one
    return None
