"""Write files so that a half-written one is never seen under its name.

This is the one place where a failure to write becomes a sentence: `NotWritten`.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.base import leftovers
from zoo.base.errors import NotWritten

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
SHOWN = 40
"""Characters that are shown before and after what is wrong in a text."""
UNSYNCABLE = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.ENOSYS})
"""What file systems answer that know no such thing as a directory to be synced."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell in one sentence that a file or folder cannot be written.

    Raises:
        NotWritten: the system refused what the block does.
    """
    try:
        yield
    except OSError as error:
        raise not_written(path, error) from error


def not_written(path: Path, error: Exception) -> NotWritten:
    """Build the error for a file or folder from what the system or a library said."""
    number = getattr(error, "errno", None)
    reason = getattr(error, "strerror", None) or (str(error).splitlines() or ["unknown"])[0]
    if number in FULL:
        remedy = "Make room on the disk, or name a place on another one."
    elif number in FORBIDDEN:
        remedy = "Name a place that may be written, or change its permissions."
    else:
        remedy = "Check the disk, or name another place."
    return NotWritten(f"'{printable(path)}' cannot be written: {reason}. {remedy}")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it takes the name when the block ends without error.

    The temporary name keeps the suffix, by which Keras and numpy choose a format. The file is on
    the disk, and so is its name, when this returns. Its permissions are those of any new file.

    Raises:
        NotWritten: it cannot be written, or the name is that of a folder, a pipe or a device.
    """
    with writing(path):
        _check_replaceable(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        leftovers.sweep_once(path.parent)
        temporary = path.parent / leftovers.new_name(path.suffix)
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        finally:
            with contextlib.suppress(OSError):  # no second error over the first
                temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders; others may be written, but not listed
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNSYNCABLE:
            raise
    finally:
        os.close(handle)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file at once."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_text(path: Path, content: str) -> None:
    """Write a whole UTF-8 file at once."""
    try:
        encoded = content.encode()
    except UnicodeEncodeError as error:  # a name from a file system, which allows any bytes
        before, after = content[: error.start], content[error.start :]
        wrong = printable(before.rpartition("\n")[2][-SHOWN:] + after.partition("\n")[0][:SHOWN])
        raise NotWritten(
            f"'{printable(path)}' cannot be written: in '{wrong}' is what is not UTF-8 text. "
            "Rename that file or folder."
        ) from error
    write_bytes(path, encoded)


def as_json(content: Any) -> str:
    """Return readable JSON; not-a-number is refused, since JSON has no such thing."""
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False)


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON at once."""
    write_text(path, as_json(content) + "\n")


def printable(text: str | Path) -> str:
    """Return a name in letters that every terminal and file takes: others escaped."""
    return str(text).encode("utf-8", "backslashreplace").decode()


def is_text(name: str) -> bool:
    """Tell whether a name can be written down: file systems allow any bytes."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _check_replaceable(path: Path) -> None:
    """Refuse names that a file must not take: /dev/null would become one."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if not stat.S_ISREG(mode):
        kind = "folder" if stat.S_ISDIR(mode) else "pipe or a device"
        raise NotWritten(
            f"'{printable(path)}' cannot be written: it is a {kind}. Name a file to be made."
        )
