"""The text that names a data set: `LOCATION?key=value&key=value`."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import parse_qsl

from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.file_names import file_name
from zoo.base.types import TEST, TRAIN, VALIDATION

SPLIT_NAMES: Mapping[str, str] = {
    "train": TRAIN,
    "training": TRAIN,
    "trainval": TRAIN,
    "val": VALIDATION,
    "valid": VALIDATION,
    "validate": VALIDATION,
    "validation": VALIDATION,
    "dev": VALIDATION,
    "test": TEST,
    "testing": TEST,
    "holdout": TEST,
}

JOINED = ("trainval",)
"""Names that may be written as two words."""
SHORT: Mapping[str, str] = {"tr": TRAIN, "ts": TEST}
"""Beside a word for what is held alone, as in `imagesTr`."""

TABLE_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
"""What the names of tables that are read end with."""

_HOLDING = r"images?|imgs?|sets?|datasets?|data|splits?|folders?|parts?|files?"
_ALONE = re.compile(rf"{_HOLDING}|x")
_GLUED = re.compile(rf"(?<=.)(?:{_HOLDING})$")
_LETTERS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+")

_REPEATED = re.compile(r"(\\[dDwWsS]|[\])])\+")
"""The plus of a regular expression, as in `\\d+`: no space is meant there."""


def parse(source: str) -> tuple[str, dict[str, str]]:
    """Split a source into its location and options; an existing path is taken as it stands.

    Raises:
        InvalidSetting: the part after `?` is not `key=value` pairs joined by `&`, or a key is
            given twice.
    """
    if "?" not in source or _exists(source):
        return source, {}
    location, _, query = source.rpartition("?")
    for mark in re.finditer(r"\?", source):  # an option may hold one too, as an expression does
        if _exists(source[: mark.start()]):
            location, query = source[: mark.start()], source[mark.end() :]
            break
    try:
        plain = _REPEATED.sub(r"\1%2B", query)
        pairs = parse_qsl(plain, keep_blank_values=True, strict_parsing=True)
    except ValueError as error:
        raise InvalidSetting(
            f"The options '{query}' in '{source}' cannot be read. "
            "Expected LOCATION?key=value&key=value."
        ) from error
    options = dict(pairs)
    if len(options) < len(pairs):
        raise InvalidSetting(f"An option is given twice in '{query}'. Give each one once.")
    return location, options


def _exists(location: str) -> bool:
    return os.path.exists(location)  # noqa: PTH110 (Path.exists raises on overlong names)


def check_options(reader: str, options: Mapping[str, str], known: Iterable[str]) -> None:
    """Refuse options that a reader does not have.

    Raises:
        UnknownName: with the closest known option.

    Examples:
        >>> zoo.check_options("studies", {"root": "images"}, ("root", "patients"))
    """
    known = tuple(known)
    for name in options:
        if name not in known:
            raise UnknownName.among(f"option of the {reader} reader", name, known)


def split_named(text: str) -> str | None:
    """Give the split that a folder or a table cell names, or None.

    'Val' is 'validation'; 'test_images', 'TestData' and '02. Test set' are 'test'.
    """
    words = [word.lower() for word in _LETTERS.findall(text)]
    telling = [word for word in words if not _ALONE.fullmatch(word)]
    name = "".join(telling)
    if len(telling) != 1 and name not in JOINED:
        return None
    short = SHORT.get(name) if len(words) > len(telling) else None
    return SPLIT_NAMES.get(name) or SPLIT_NAMES.get(_GLUED.sub("", name)) or short


def absolute(source: str) -> str:
    """Make a source readable from another working folder."""
    location, _ = parse(source)
    if not _exists(location):
        return source
    return f"{Path(location).resolve()}{source[len(location) :]}"


def source_name(source: str) -> str:
    """Return the name of a source without the folder it lies in and without its options."""
    location = source.partition("?")[0]
    return Path(location).name or location


def source_slug(source: str) -> str:
    """Name a source, its options included, in letters and a length that every file system takes."""
    location, options = parse(source)
    parts = [Path(location).resolve().name, *(f"{key}-{value}" for key, value in options.items())]
    return file_name("-".join(parts))
