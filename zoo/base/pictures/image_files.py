"""Find the image files below a folder: one walk for training, checking and predicting.

Links are followed and each folder is read once, so a link that leads back ends. What systems and
file servers leave behind is passed over; whatever is left out is counted and can be said.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from zoo.base import digests, formats
from zoo.base.errors import BadInput
from zoo.base.files import is_text
from zoo.base.pictures import images
from zoo.base.types import Header, Sample

if TYPE_CHECKING:
    import numpy as np

CLUTTER = frozenset(
    {
        "__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "@eadir", "@tmp",
        "@recycle", "@__thumb", "#recycle", "#snapshot", "$recycle.bin", "lost+found",
        "system volume information", "found.000", "thumbs", "thumbnails",
    }
)  # fmt: skip
"""What operating systems and file servers put into folders, in small letters."""

INDEX = "dicomdir"
"""The table of contents of a DICOM medium: it looks like an image from inside, and is none."""

UNFINISHED = frozenset({".part", ".partial", ".crdownload", ".download", ".tmp", ".bak", ".old"})

SHOWN = 4
FOLDER, FILE, NOWHERE = "folder", "file", "nowhere"


@dataclass(frozen=True)
class ImagesBelow:
    """Reads the image files below one folder; a sample's name is its path from there."""

    root: Path

    def path(self, sample: Sample) -> Path:
        """Return where one image lies."""
        return self.root / sample.name

    def read(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Read one image as `(height, width, 3)` uint8."""
        return images.read_image(self.root / sample.name, size)

    def digest(self, sample: Sample) -> str:
        """Identify one file by its content."""
        return digests.digest_file(self.root / sample.name)

    def header(self, sample: Sample) -> Header:
        """Read what one file says of itself, without decoding it."""
        return images.read_header(self.root / sample.name)


@dataclass
class LeftOut:
    """What a walk passed over, and why."""

    clutter: Counter[str] = field(default_factory=Counter)
    """Hidden files and folders, and those of systems, by name."""
    others: Counter[str] = field(default_factory=Counter)
    """Files that are no images by name or content, by their ending."""
    folders: Counter[str] = field(default_factory=Counter)
    """All folders, with how many such files they hold."""
    links: list[str] = field(default_factory=list)
    """Links to a folder that is read in another place."""
    nowhere: list[str] = field(default_factory=list)
    """Links that lead nowhere, and what the system does not let anybody look at."""
    names: int = 0
    """File names that are not text."""

    def sentence(self) -> str:
        """Say in one line what was left out and why; empty when nothing was."""
        parts = []
        if count := self.others.total():
            parts.append(f"{count:,} files that are not images ({_most(self.others)})")
        if count := self.clutter.total():
            parts.append(f"{count:,} hidden or of the system ({_most(self.clutter)})")
        if self.links:
            shown = ", ".join(self.links[:SHOWN])
            parts.append(f"{len(self.links):,} links to folders read in another place ({shown})")
        if self.nowhere:
            shown = ", ".join(self.nowhere[:SHOWN])
            parts.append(f"{len(self.nowhere):,} links that lead nowhere ({shown})")
        if self.names:
            parts.append(f"{self.names:,} files whose names are not text")
        return f"Left out: {'; '.join(parts)}." if parts else ""


@dataclass(frozen=True)
class Walk:
    """The image files below a folder: their names relative to it, sorted, and what was left out."""

    root: Path
    names: tuple[str, ...]
    left_out: LeftOut

    def without_images(self) -> dict[str, int]:
        """Give the topmost folders in which no image lies, with how many files lie there."""
        filled = {
            parent.as_posix() for name in self.names for parent in PurePosixPath(name).parents
        }
        empty: Counter[str] = Counter()
        for folder, count in self.left_out.folders.items():
            above = [parent.as_posix() for parent in reversed(PurePosixPath(folder).parents)]
            topmost = next((one for one in (*above, folder) if one not in filled), "")
            if topmost and topmost != ".":
                empty[topmost] += count
        return dict(sorted(empty.items()))

    @property
    def paths(self) -> list[Path]:
        """The files themselves."""
        return [self.root / name for name in self.names]


def walk(root: Path) -> Walk:
    """Find the images at any depth below `root`.

    A file counts as an image by its name, and without an image's ending by its first bytes, so
    that DICOM files from an archive and a `.jfif` are found.

    Raises:
        BadInput: a folder cannot be listed.
    """
    left_out = LeftOut()
    return Walk(root, tuple(sorted(_names(root, left_out))), left_out)


def is_image_file(path: Path) -> bool:
    """Tell whether a file is an image by its name, or else by its first bytes."""
    if images.is_image_name(path):
        return True
    name = path.name.lower()
    if name == INDEX or path.suffix.lower() in UNFINISHED or name.endswith("~"):
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(formats.HEAD)
    except OSError:  # gone, or nobody may read it: it is counted among the others
        return False
    return _is_picture(head) or formats.recognised(head) is not None


def _is_picture(head: bytes) -> bool:
    """Tell by the first bytes whether Pillow reads it; two letters alone (BMP) prove nothing."""
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")):
        return True
    if head.startswith((b"II*\0", b"MM\0*")):
        return True
    if head.startswith(b"RIFF"):
        return head[8:12] == b"WEBP"
    return head.startswith(b"BM") and head[6:10] == b"\0\0\0\0"


def _names(root: Path, left_out: LeftOut) -> Iterator[str]:
    """Walk the folders that really lie here first: a link to one of them is not followed."""
    seen: set[tuple[int, int]] = set()
    waiting: list[tuple[Path, str]] = [(root, "")]
    links: list[tuple[Path, str]] = []
    while waiting or links:
        linked = not waiting
        folder, prefix = links.pop(0) if linked else waiting.pop()
        identity = _identity(folder)
        if identity in seen:
            left_out.links.append(prefix.rstrip("/"))
            continue
        seen.add(identity)
        left_out.folders[prefix.rstrip("/")] += 0  # so that one without any image is known
        for entry in _entries(folder):
            name = prefix + entry.name
            if entry.name.startswith(".") or entry.name.lower() in CLUTTER:
                left_out.clutter[entry.name] += 1
            elif not is_text(entry.name):
                left_out.names += 1
            elif (kind := _kind(entry)) == FOLDER:
                following = links if entry.is_symlink() else waiting
                following.append((Path(entry.path), f"{name}/"))
            elif kind == NOWHERE:
                left_out.nowhere.append(name)
            elif kind != FILE:  # opening a pipe would wait for ever
                left_out.others["no file"] += 1
            elif is_image_file(Path(entry.path)):
                yield name
            else:
                left_out.others[PurePosixPath(entry.name).suffix.lower() or "no ending"] += 1
                left_out.folders[prefix.rstrip("/")] += 1


def _kind(entry: os.DirEntry[str]) -> str:
    """Tell what a link or an entry leads to; nowhere where the system refuses to follow it."""
    try:
        if entry.is_dir():
            return FOLDER
        if entry.is_file():
            return FILE
    except OSError:  # a link to itself, or into a folder that is closed
        return NOWHERE
    return NOWHERE if entry.is_symlink() else ""


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except OSError as error:
        raise _unlisted(folder, error) from error
    return status.st_dev, status.st_ino


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise _unlisted(folder, error) from error


def _unlisted(folder: Path, error: OSError) -> BadInput:
    return BadInput(
        f"The folder '{folder}' cannot be listed: {error.strerror}. Check its permissions."
    )


def _most(counted: Counter[str]) -> str:
    shown = ", ".join(name.strip() for name, _ in counted.most_common(SHOWN))
    return shown + ", …" * (len(counted) > SHOWN)
