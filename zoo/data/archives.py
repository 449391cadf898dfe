"""Zip files unpacked by one set of rules: an archive of anybody cannot write where it should not.

What is refused says what is wrong; whoever asked adds what to do about it.
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from zoo.base.errors import BadInput, in_a_line
from zoo.base.files import printable, writing
from zoo.base.progress import SILENT, Progress, track

DEEPEST, LONGEST_PART, LONGEST = 10, 200, 400
"""Folders one in another, bytes of a name, and letters of a whole path."""
DENSEST = 200
"""How many times larger than packed an archive may be: no pictures are so empty, a trap is."""
SMALL = 1_000_000
"""Bytes below which that is not asked."""
CHUNK = 1 << 20
UTF_8 = 1 << 11
"""The flag of a member whose name is in UTF-8; others are in code page 437 (PKWARE, 4.4.4)."""
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,  # of bz2, and of a disk
    NotImplementedError,
    RuntimeError,
    ValueError,  # of names that are no text
)
"""What Python's own reader raises on what is no zip file, or one that is damaged."""


class TooLarge(BadInput):
    """An archive that has, or turns out to have, more bytes than there is room for."""


@dataclass(frozen=True)
class Taken:
    """How many files were kept, their bytes, and how many were left aside: hidden or not wanted."""

    files: int
    bytes: int
    aside: int


def safe_path(name: str) -> PurePosixPath | None:
    """Return where a file of that name belongs below a folder; None for a hidden one.

    Raises:
        BadInput: the name leads out of the folder, is too long or too deep, or cannot be written.
    """
    shown = printable(name[-LONGEST_PART:])
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or ":" in parts[0]:
        raise BadInput(f"'{shown}' leads out of the folder of the data set.")
    if any(ord(letter) < 32 or "\ud800" <= letter <= "\udfff" for letter in name):
        raise BadInput(f"'{shown}' has letters that no file name should have.")
    parts = [part for part in parts if part not in ("", ".")]
    if any(part.startswith((".", "__MACOSX")) for part in parts) or not parts:
        return None
    longest = max(len(part.encode()) for part in parts)
    if len(parts) > DEEPEST or longest > LONGEST_PART or len(name) > LONGEST:
        raise BadInput(
            f"'{shown}' is too long or too deep: expected at most {DEEPEST} folders, "
            f"{LONGEST_PART} bytes a name and {LONGEST} letters in all."
        )
    return PurePosixPath(*parts)


def unpack(
    archive: Path,
    folder: Path,
    *,
    room: int,
    most_files: int,
    wanted: Callable[[PurePosixPath], bool] = lambda _: True,
    progress: Progress = SILENT,
) -> Taken:
    """Unpack the `wanted` files of a zip file below a folder; what is there already stays.

    Hidden files are left aside. What was unpacked before a file was refused stays in the folder.

    Raises:
        TooLarge: its files have more than `room` bytes.
        BadInput: it is no zip file, is damaged or encrypted, has names that lead out of the folder
            or come twice, links, more than `most_files` files, or is packed too densely.
        NotWritten: the disk does not take it.
    """
    files = kept = aside = 0
    with contextlib.ExitStack() as stack:
        with _damage_told():
            content = stack.enter_context(zipfile.ZipFile(archive))
        # `is_dir` of Python 3.11 fails where a name is empty.
        members = [one for one in content.infolist() if not one.filename.endswith("/")]
        _check_size(archive, members, room, most_files)
        for member in track(progress, members, "unpacking", len(members)):
            place = _place(member)
            if place is None or not wanted(place):
                aside += 1
                continue
            kept += _extract(content, member, folder / place, room - kept)
            files += 1
    return Taken(files, kept, aside)


@contextlib.contextmanager
def new_file(path: Path, name: str) -> Iterator[IO[bytes]]:
    """Open a file that must not be there yet, and remove it when it was not written whole.

    Raises:
        BadInput: there is one of that name, or a file where a folder should be.
        NotWritten: the disk does not take it.
    """
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("xb")
        except (FileExistsError, NotADirectoryError) as error:
            raise BadInput(f"'{printable(name[-LONGEST_PART:])}' is there twice.") from error
        try:
            with file:
                yield file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _check_size(archive: Path, members: list[zipfile.ZipInfo], room: int, most_files: int) -> None:
    if len(members) > most_files:
        raise BadInput(f"It has {len(members):,} files; expected at most {most_files:,}.")
    size = sum(member.file_size for member in members)
    if size > room:
        raise TooLarge(f"It would unpack to {size:,} bytes; expected at most {max(0, room):,}.")
    packed = archive.stat().st_size
    if size > max(SMALL, DENSEST * packed):
        raise BadInput(
            f"It would unpack to {size / packed:,.0f} times its own size: no pictures do."
        )


def _name(member: zipfile.ZipInfo) -> str:
    """Give a member's name; macOS writes it in UTF-8 without saying so."""
    if not member.flag_bits & UTF_8:
        with contextlib.suppress(UnicodeError):
            return member.filename.encode("cp437").decode()
    return member.filename


def _place(member: zipfile.ZipInfo) -> PurePosixPath | None:
    place = safe_path(_name(member))
    if place is None:
        return None
    shown = printable(member.filename[-LONGEST_PART:])
    if stat.S_ISLNK(member.external_attr >> 16):
        raise BadInput(f"'{shown}' is a link.")
    if member.flag_bits & 1:
        raise BadInput(f"'{shown}' is encrypted.")
    return place


def _extract(content: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, room: int) -> int:
    """Write a file and return its bytes; a size that the archive states is not believed."""
    written = 0
    with contextlib.ExitStack() as stack:
        with _damage_told():
            packed = stack.enter_context(content.open(member))
        with new_file(path, member.filename) as file:
            while chunk := _read(packed):
                written += len(chunk)
                if written > room:
                    raise TooLarge("It unpacks to more bytes than it says.")
                file.write(chunk)
    return written


def _read(packed: IO[bytes]) -> bytes:
    with _damage_told():
        return packed.read(CHUNK)


@contextlib.contextmanager
def _damage_told() -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        raise BadInput(f"It is no zip file that can be read ({in_a_line(error)}).") from error
