"""The kinds of image file that plugins read, found without the registry.

`zoo.base.pictures.images` needs them, and plugins import it; so they have an entry-point group of
their own, where each entry names one `ImageFormat`. Nothing is loaded before it is asked for.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points

from zoo.base.records import shown, unlike, wrong_functions, wrong_name, wrong_texts
from zoo.base.strangers import PluginFailure, ask, distribution_of, is_own, told
from zoo.base.types import ImageFormat

GROUP = "zoo.image_formats"
HEAD = 512
"""Bytes from a file's beginning by which its format is recognised."""

_EXTENSION = re.compile(r"\.[a-z0-9._+-]+")


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


def strangers() -> tuple[str, ...]:
    """Return `distribution:entry version` of each format of another package that can be used."""
    return _loaded()[2]


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
def _loaded() -> tuple[tuple[ImageFormat, ...], tuple[BrokenFormat, ...], tuple[str, ...]]:
    """Load each entry point on its own, so that one which fails leaves the others standing."""
    usable: dict[str, ImageFormat] = {}
    refused: list[BrokenFormat] = []
    foreign: list[str] = []
    entries = {
        (f"{distribution_of(entry)[0]}:{entry.name}", entry.value): entry
        for entry in entry_points(group=GROUP)
    }
    for name, value in sorted(entries, key=lambda key: (not is_own(key[0]), key)):
        try:
            given: object = ask(name, entries[name, value].load)
            fault = _fault(given, usable)
        except PluginFailure as failure:
            fault = f"cannot be loaded: {failure}"
        if not fault and isinstance(given, ImageFormat):
            usable[given.name] = given
            if not is_own(name):
                foreign.append(f"{name} {distribution_of(entries[name, value])[1]}")
        else:
            refused.append(BrokenFormat(name, fault))
    return tuple(usable[name] for name in sorted(usable)), tuple(refused), tuple(foreign)


def _fault(given: object, usable: dict[str, ImageFormat]) -> str:
    """Say what keeps the format from being used; empty when nothing does."""
    if not isinstance(given, ImageFormat):
        return f"gives {type(given).__name__}; expected ImageFormat"
    try:
        fault = next(_faults(given), "")
    except Exception as error:  # values of a stranger's own types may fail at anything
        fault = f"its fields cannot be read: {told(error)}"
    if fault:
        return f"gives the ImageFormat {shown(given.name)}, but {fault}"
    if given.name in usable:
        return f"gives '{given.name}', which another plugin gives already: rename it"
    return ""


def _faults(given: ImageFormat) -> Iterator[str]:
    yield from wrong_name(given.name)
    yield from wrong_texts(given, "summary")
    yield from wrong_functions(given, "recognises", "read", "header")
    for field in ("acquisition", "levels"):
        if getattr(given, field) is not None:
            yield from wrong_functions(given, field)
    if not isinstance(given.extensions, tuple):
        yield unlike("extensions", given.extensions, "a tuple such as ('.dcm',)")
    for extension in given.extensions:
        if not isinstance(extension, str) or not _EXTENSION.fullmatch(extension):
            yield unlike("an extension", extension, "one like '.dcm', in small letters")
    if bool(given.columns) != (given.attributes is not None):
        yield "has columns without attributes, or the other way round; expected both or none"
