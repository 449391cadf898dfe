"""Files that somebody sends as a data set: names and sizes are checked before anything is kept."""

from __future__ import annotations

import contextlib
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from zoo.base.errors import BadInput
from zoo.base.files import printable, writing
from zoo.base.pictures.images import is_image_name
from zoo.base.progress import SILENT, Progress, track

TABLES = (".csv", ".tsv", ".csv.gz")
DEEPEST, LONGEST_PART, LONGEST = 10, 150, 400
"""Folders one in another, and letters of a name and of a whole path."""
MOST_FILES = 100_000
DENSEST = 200
"""How many times larger than packed a file may be: no picture is so empty, a trap is."""
SMALL = 1_000_000
"""Bytes below which that is not asked."""
CHUNK = 1 << 20


@dataclass(frozen=True)
class Taken:
    """How many files were kept, their bytes, and how many were left aside: hidden or no images."""

    files: int
    bytes: int
    aside: int


def safe_path(name: str) -> PurePosixPath | None:
    """Return where a file of that name belongs in a data set; None for one that is left aside.

    Left aside are hidden files and all that is neither an image nor a table.

    Raises:
        BadInput: the name leads out of the folder, is too long or too deep, or cannot be written.
    """
    shown = printable(name[-LONGEST_PART:])
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise BadInput(f"'{shown}' leads out of the folder of the data set. Rename it.")
    if any(ord(letter) < 32 or "\ud800" <= letter <= "\udfff" for letter in name):
        raise BadInput(f"'{shown}' has letters that no file name should have. Rename it.")
    parts = [part for part in parts if part not in ("", ".")]
    if any(part.startswith((".", "__MACOSX")) for part in parts) or not parts:
        return None
    longest = max(len(part.encode()) for part in parts)
    if len(parts) > DEEPEST or longest > LONGEST_PART or len(name) > LONGEST:
        raise BadInput(
            f"'{shown}' is too long or too deep: at most {DEEPEST} folders, {LONGEST_PART} bytes "
            f"a name and {LONGEST} letters in all. Rename it, or put it higher."
        )
    last = parts[-1].lower()
    known = is_image_name(Path(last)) or last.endswith(TABLES)
    return PurePosixPath(*parts) if known else None


def store(folder: Path, name: str, content: bytes, left: int) -> Taken:
    """Keep one file below a folder.

    Raises:
        BadInput: its name cannot be used, there is one of that name, or `left` bytes are too few.
        NotWritten: the disk does not take it.
    """
    place = safe_path(name)
    if place is None:
        return Taken(0, 0, 1)
    if len(content) > left:
        raise too_much(left)
    with _new(folder / place, name) as file:
        file.write(content)
    return Taken(1, len(content), 0)


def unpack(archive: Path, folder: Path, left: int, progress: Progress = SILENT) -> Taken:
    """Unpack the images and tables of a zip file below a folder, at most `left` bytes.

    Raises:
        BadInput: it is no zip file, is damaged or encrypted, has names that lead out of the folder,
            links, too many files, or more bytes than are left or than it says.
        NotWritten: the disk does not take it.
    """
    files = kept = aside = 0
    try:
        with zipfile.ZipFile(archive) as content:
            members = [one for one in content.infolist() if not one.is_dir()]
            if len(members) > MOST_FILES:
                raise BadInput(
                    f"It has {len(members):,} files; expected at most {MOST_FILES:,}. Send fewer."
                )
            if sum(member.file_size for member in members) > left:
                raise too_much(left)
            for member in track(progress, members, "unpacking", len(members)):
                place = _place(member)
                if place is None:
                    aside += 1
                    continue
                with content.open(member) as packed, _new(folder / place, member.filename) as file:
                    written = 0
                    while chunk := packed.read(CHUNK):
                        written += len(chunk)
                        if written > member.file_size or kept + written > left:
                            raise too_much(left)
                        file.write(chunk)
                files, kept = files + 1, kept + written
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(f"The zip file cannot be unpacked ({error}). Pack it again.") from error
    return Taken(files, kept, aside)


def bytes_below(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:
                continue  # removed meanwhile
    return total


def too_much(left: int) -> BadInput:
    """Build the error for more bytes than there is room for."""
    return BadInput(
        f"That is more than the {max(0, left) / 1e6:,.0f} MB that are left for data sets here. "
        "Remove another one first, or let whoever started the application allow more."
    )


def _place(member: zipfile.ZipInfo) -> PurePosixPath | None:
    place = safe_path(member.filename)
    if place is None:
        return None
    shown = printable(member.filename[-LONGEST_PART:])
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadInput(f"'{shown}' is a link. Pack the files themselves.")
    if member.flag_bits & 1:
        raise BadInput(f"'{shown}' is encrypted. Pack it without a password.")
    if member.file_size > max(SMALL, DENSEST * member.compress_size):
        raise BadInput(
            f"'{shown}' would be {member.file_size / max(1, member.compress_size):,.0f} times as "
            "large as it is packed: no picture is. Pack the images again."
        )
    return place


@contextlib.contextmanager
def _new(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file that must not be there yet, and remove it when it was not written whole."""
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            shown = printable(name[-LONGEST_PART:])
            raise BadInput(f"'{shown}' is there twice. Rename one of them.") from error
        try:
            with file:
                yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise
