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
    name = _plain(text)
    return name if len(name.encode()) <= LONGEST else _with_digest(name, text)


def own_file_name(text: str) -> str:
    """Write a text so, and another text otherwise: what is changed in it brings a digest.

    Examples:
        >>> own_file_name("device"), own_file_name("device/model")
        ('device', 'device_model-c3c889f6')
    """
    return text if file_name(text) == text else _with_digest(_plain(text), text)


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)


def _with_digest(name: str, text: str) -> str:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=4).hexdigest()
    return f"{name.encode()[:LONGEST].decode(errors='ignore').rstrip('-_.')}-{digest}"
