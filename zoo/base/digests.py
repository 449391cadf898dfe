"""Content identified by a short digest."""

from __future__ import annotations

import hashlib
import stat
import zlib
from pathlib import Path

from zoo.base.errors import BadInput
from zoo.base.remote import present

CHUNK = 2**24


def digest_bytes(content: bytes) -> str:
    """Identify content by 16 hexadecimal digits (BLAKE2b).

    Examples:
        >>> zoo.digest_bytes(b"the same"), zoo.digest_bytes(b"another")
        ('4c80c17f22e3db19', '7f0ccfdaf44f4079')
    """
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def digest_file(path: str | Path) -> str:
    """Identify a file by its content: 16 hexadecimal digits.

    Raises:
        BadInput: it cannot be read, or is a pipe or a device, which might never end.

    Examples:
        >>> path = Path("pictures/NORMAL-1.png")
        >>> zoo.digest_file(path) == zoo.digest_bytes(path.read_bytes())
        True
    """
    path = Path(path)
    try:
        check_regular(path)
        with present(path).open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    except FileNotFoundError as error:
        raise BadInput(f"There is no file '{path}'. Check what names it.") from error
    except OSError as error:
        raise BadInput(
            f"'{path}' cannot be read: {error.strerror}. Check its permissions."
        ) from error


def checksum_of(path: Path) -> int:
    """Return the CRC-32 of a file, against damage alone: 250 MB take a tenth of a second.

    Raises:
        OSError: the file cannot be read.
    """
    checksum = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum


def check_regular(path: Path) -> None:
    """Refuse what cannot be read to its end.

    Raises:
        BadInput: a pipe, a device or a socket.
        OSError: there is no such file, or it cannot be looked at.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise BadInput(f"'{path}' is a pipe or a device; expected a file. Save it as one first.")
