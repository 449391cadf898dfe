"""A folder of images: `train/val/test/<class>/…`, or `<class>/…` without splits.

The tree is walked once and no file is opened, so a set of 100,000 images is indexed in seconds.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import BadInput, Dataset, Header, Sample, UnknownName, check_options, hookimpl
from zoo.base.sources import split_named

if TYPE_CHECKING:
    import numpy as np

IGNORED = frozenset({"__macosx", "thumbs.db", "desktop.ini"})
LAYOUT = "Expected 'train', 'val' and 'test' with a folder a class in each, or a folder a class."


@hookimpl
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Index a folder of images.

    Options: `patients` (rule), `classes` (names, in order), `subject` (what the images show).
    """
    if not location or not os.path.isdir(location):  # noqa: PTH112 (never raises)
        return None
    check_options("image folder", options, ("classes", "patients", "subject"))
    return _index(Path(location), options)


@dataclass(frozen=True)
class FolderImages:
    """Reads the images below one folder."""

    root: Path

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read one image as `(height, width, 3)` uint8."""
        from zoo import read_image

        return read_image(self.root / sample.name, size)

    def digest(self, sample: Sample) -> str:
        """Identify one file by its content."""
        from zoo import digest_file

        return digest_file(self.root / sample.name)

    def header(self, sample: Sample) -> Header:
        """Read what one file says of itself, without decoding it."""
        from zoo import read_header

        return read_header(self.root / sample.name)


def _index(root: Path, options: dict[str, str]) -> Dataset:
    from zoo import assign_patients
    from zoo.base import patients

    strangers: list[str] = []
    images = sorted(_find(root, strangers))
    class_names = _class_names(root, {name for _, name, _ in images}, options.get("classes"))
    kept = [entry for entry in images if entry[1] in class_names]
    _check_splits(root, Counter((split, name) for _, name, split in kept), class_names)
    names = [name for name, _, _ in kept]
    rule, people, note = assign_patients(names, options.get("patients", patients.AUTO))
    labels = {name: index for index, name in enumerate(class_names)}
    samples = tuple(
        Sample(name, labels[class_name], patient, split)
        for (name, class_name, split), patient in zip(kept, people, strict=True)
    )
    files = FolderImages(root)
    return Dataset(
        source=str(root),
        class_names=class_names,
        samples=samples,
        read=files.read,
        digest=files.digest,
        header=files.header,
        patient_rule=rule,
        subject=options.get("subject", patients.subject_of(rule)),
        notes=(note, *_notes(strangers)),
    )


def _find(root: Path, strangers: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield (name, class, split) of every image; collect other files and folders as strangers."""
    top = _descend(root)
    splits = [folder for folder in _folders(top) if split_named(folder.name) and _folders(folder)]
    for parent in splits or [top]:
        split = split_named(parent.name) or "" if splits else ""
        for folder in _folders(parent):
            if folder not in splits:
                for path in _images(folder, strangers):
                    yield path.relative_to(root).as_posix(), folder.name, split
    outside = splits and [folder for folder in _folders(top) if folder not in splits]
    strangers += [f"{folder.relative_to(root).as_posix()}/" for folder in outside]


def _descend(root: Path) -> Path:
    """Step through folders that hold one folder and nothing else, as unpacked archives do."""
    top = root
    for _ in range(4):
        folders = _folders(top)
        if len(folders) != 1 or split_named(folders[0].name) or not _folders(folders[0]):
            break
        top = folders[0]
    return top


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            shown = [e for e in entries if e.name[0] != "." and e.name.lower() not in IGNORED]
    except OSError as error:
        raise BadInput(
            f"The folder '{folder}' cannot be listed: {error.strerror}. Check its permissions."
        ) from error
    return sorted(shown, key=lambda entry: entry.name)


def _folders(folder: Path) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder) if entry.is_dir()]


def _images(folder: Path, strangers: list[str]) -> Iterator[Path]:
    """Yield the images at any depth, each folder once: a link may lead back to a parent."""
    from zoo import is_image_name

    waiting, seen = [folder], set()
    while waiting:
        current = waiting.pop()
        status = current.stat()
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _entries(current):
            path = Path(entry.path)
            if entry.is_dir():
                waiting.append(path)
            elif is_image_name(path) and _is_text(entry.name):
                yield path
            else:
                strangers.append(entry.name)


def _is_text(name: str) -> bool:
    """Tell whether the name can be written into a report: file systems allow any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _class_names(root: Path, present: set[str], asked: str | None) -> tuple[str, ...]:
    if not present:
        raise BadInput(f"There are no images in class folders in '{root}'. {LAYOUT}")
    names = tuple(asked.split(",")) if asked is not None else tuple(sorted(present))
    for name in names:
        if name not in present:
            raise UnknownName.among(f"class folder with images in '{root}'", name, present)
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise BadInput(
            f"'{root}' gives these classes: {', '.join(names)}. "
            f"Expected at least two, each named once. {LAYOUT}"
        )
    return names


def _check_splits(
    root: Path, counts: Counter[tuple[str, str]], class_names: tuple[str, ...]
) -> None:
    for split in sorted({split for split, _ in counts}):
        for name in class_names:
            if not counts[split, name]:
                raise BadInput(
                    f"The class '{name}' has no images in the {split} split of '{root}'. "
                    "Expected the same classes in every split: add the missing images, "
                    "or choose classes with '?classes=A,B'."
                )


def _notes(strangers: list[str]) -> Iterator[str]:
    folders = [name for name in strangers if name.endswith("/")]
    files = len(strangers) - len(folders)
    if folders:
        yield f"Left out, being beside the splits: {', '.join(folders[:5])}."
    if files:
        yield f"{files:,} files are not images by their names and are left out."
