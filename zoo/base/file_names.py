"""Names for files and folders, made of texts that people chose."""

from __future__ import annotations

import hashlib
import re

LONGEST = 60
"""Bytes of a name from which on a digest stands for the rest: file systems take 255 in all."""


def file_name(text: str) -> str:
    """Write a text in letters and a length that every file system takes, and without a folder.

    Examples:
        >>> file_name("../Pneumonia, bacterial")
        '.._Pneumonia_bacterial'
    """
    name = re.sub(r"[^\w.-]+", "_", text)
    if len(name.encode()) <= LONGEST:
        return name
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return f"{name.encode()[:LONGEST].decode(errors='ignore').rstrip('-_.')}-{digest}"
