"""The kinds of image file that plugins read, found without the registry.

`zoo.base.images` needs them, and plugins import it; so they have an entry-point group of their own,
where each entry names one `ImageFormat`. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib.metadata import entry_points

from zoo.base.types import ImageFormat

GROUP = "zoo.image_formats"
HEAD = 512
"""Bytes from a file's beginning by which its format is recognised."""


@dataclass(frozen=True)
class BrokenFormat:
    """An image format that cannot be used, and why; `name` is `distribution:entry`."""

    name: str
    reason: str


def installed() -> tuple[ImageFormat, ...]:
    """Return the formats of the installed plugins that can be used, by name."""
    return _loaded()[0]


def broken() -> tuple[BrokenFormat, ...]:
    """Return the formats that cannot be used, with the reason."""
    return _loaded()[1]


def extensions() -> frozenset[str]:
    """Return the file name extensions of all formats, such as '.dcm'."""
    return frozenset(extension for known in installed() for extension in known.extensions)


def recognised(head: bytes) -> ImageFormat | None:
    """Return the format of a file that begins with `head`, or None when no plugin knows it."""
    for known in installed():
        try:
            if known.recognises(head):
                return known
        except Exception:  # noqa: S112 (a stranger's mistake; the other formats are asked)
            continue
    return None


@functools.cache
def _loaded() -> tuple[tuple[ImageFormat, ...], tuple[BrokenFormat, ...]]:
    """Load each entry point on its own, so that one which fails leaves the others standing."""
    usable: dict[str, ImageFormat] = {}
    refused: list[BrokenFormat] = []
    for entry in sorted(set(entry_points(group=GROUP)), key=lambda e: (e.name, e.value)):
        name = f"{entry.dist.name if entry.dist else 'unknown'}:{entry.name}"
        try:
            given = entry.load()
            fault = _fault(given, usable)
        except (Exception, SystemExit) as error:  # a stranger's import may fail in any way
            fault = f"cannot be loaded: {type(error).__name__}: {error}"
        if fault:
            refused.append(BrokenFormat(name, fault))
        else:
            usable[given.name] = given
    return tuple(usable[name] for name in sorted(usable)), tuple(refused)


def _fault(given: object, usable: dict[str, ImageFormat]) -> str:
    """Say what keeps the format from being used; empty when nothing does."""
    if not isinstance(given, ImageFormat):
        return f"gives {type(given).__name__}; expected ImageFormat"
    if given.name in usable:
        return f"gives '{given.name}', which another plugin gives already"
    for extension in given.extensions:
        if not extension.startswith(".") or extension != extension.lower():
            return f"has the extension '{extension}'; expected one like '.dcm'"
    if bool(given.columns) != (given.attributes is not None):
        return "gives columns without attributes, or the other way round; expected both or none"
    return ""
