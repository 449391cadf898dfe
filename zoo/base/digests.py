"""Content identified by a short digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zoo.base.errors import BadInput


def digest_bytes(content: bytes) -> str:
    """Identify content by 16 hexadecimal digits (BLAKE2b).

    Examples:
        >>> zoo.digest_bytes(b"the same"), zoo.digest_bytes(b"another")
        ('4c80c17f22e3db19', '7f0ccfdaf44f4079')
    """
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def digest_file(path: Path) -> str:
    """Identify a file by its content: 16 hexadecimal digits.

    Raises:
        BadInput: it cannot be read.

    Examples:
        >>> path = Path("pictures/NORMAL-1.png")
        >>> zoo.digest_file(path) == zoo.digest_bytes(path.read_bytes())
        True
    """
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=8)).hexdigest()
    except OSError as error:
        raise BadInput(
            f"'{path}' cannot be read: {error.strerror}. Check its permissions."
        ) from error
