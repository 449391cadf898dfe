"""What a reader gives, checked: the index at once, each image and digest when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from zoo.base.errors import ZooError
from zoo.base.records import is_whole, shown, unlike, wrong_functions, wrong_texts
from zoo.base.sources import split_named
from zoo.base.strangers import is_own, told
from zoo.base.types import SPLITS, Dataset, Header, Sample

Item = TypeVar("Item")

DEPTHS = range(9, 17)
"""Bits of a value in files that hold more than 8."""

_DIGEST = re.compile(r"[0-9a-f]{16}")


class ReaderFailure(Exception):
    """A reader fails where it should have said that a location is not its own."""


def opened(
    reader: str, read: Callable[..., object], location: str, options: dict[str, str]
) -> Dataset | None:
    """Ask a reader for a data set; None when the location is not its own.

    Raises:
        ReaderFailure: it raises something that is no ZooError.
        ZooError: the data cannot be used, or what it gives breaks a promise.
    """
    try:
        dataset = read(location, options)
    except ZooError as error:
        if not is_own(reader):
            error.args = (f"{error} (Said by the reader '{reader}'.)",)
        raise
    except (Exception, SystemExit) as error:
        if is_own(reader):
            raise  # a bug, which keeps its traceback
        raise ReaderFailure(_broken(reader, f"it raised {told(error)}")) from error
    if dataset is None:
        return None
    if not isinstance(dataset, Dataset):
        given = f"it gave {type(dataset).__name__} for '{location}'; expected a Dataset or None"
        raise ZooError(_broken(reader, given))
    return checked(dataset, reader)


def checked(dataset: Dataset, reader: str) -> Dataset:
    """Check the index of a data set, and let its functions be checked whenever they are called.

    Raises:
        ZooError: a promise is broken; the sentence names the reader.
    """
    try:
        fault = next(_faults(dataset), "")
    except Exception as error:  # values of a stranger's own types may fail at anything
        fault = f"its index cannot be read: {told(error)}"
    if fault:
        raise ZooError(_broken(reader, f"it gave a data set that cannot be used: {fault}"))

    def watched(what: str, look: Callable[..., str]) -> Any:
        function = getattr(dataset, what)
        return None if function is None else _Watched(reader, what, function, look)

    return replace(
        dataset,
        read=watched("read", _wrong_pixels),
        digest=watched("digest", _wrong_digest),
        mask=watched("mask", _wrong_mask),
        header=watched("header", wrong_header),
        path=watched("path", _wrong_path),
        attributes={
            column: _Watched(reader, f"attributes['{column}']", function, _wrong_text)
            for column, function in dataset.attributes.items()
        },
    )


@dataclass(frozen=True)
class _Watched:
    """A reader's function, each result of which is looked at."""

    reader: str
    what: str
    function: Callable[..., Any]
    look: Callable[..., str]

    def __call__(self, sample: Sample, *size: Any) -> Any:
        try:
            given = self.function(sample, *size)
        except (ZooError, MemoryError):
            raise
        except Exception as error:
            if is_own(self.reader):
                raise  # a bug, which keeps its traceback
            fault = f"{self.what} of '{sample.name}' raised {told(error)}; expected BadInput"
            raise ZooError(_broken(self.reader, fault)) from error
        if fault := self.look(given, *size):
            raise ZooError(_broken(self.reader, f"{self.what} of '{sample.name}' gave {fault}"))
        return given


def _broken(reader: str, fault: str) -> str:
    return f"The reader '{reader}' is broken: {fault}. Tell its author, or uninstall it."


def _faults(one: Dataset) -> Iterator[str]:
    """Say what is wrong with the index, the first thing first."""
    yield from wrong_texts(one, "source", "patient_rule", "subject")
    yield from wrong_functions(one, "read", "digest")
    for name in ("mask", "header", "path"):
        if getattr(one, name) is not None:
            yield from wrong_functions(one, name)
    if one.bits is not None and one.bits not in DEPTHS:
        yield unlike("bits", one.bits, f"None, or {DEPTHS[0]} to {DEPTHS[-1]}")
    if not isinstance(one.synthetic, bool):
        yield unlike("synthetic", one.synthetic, "True or False")
    if not _texts(one.notes):
        yield unlike("notes", one.notes, "a tuple of sentences")
    if not isinstance(one.attributes, Mapping) or not all(
        isinstance(column, str) and callable(one.attributes[column]) for column in one.attributes
    ):
        yield unlike("attributes", one.attributes, "a mapping from names to functions")
    names = one.class_names
    if not _texts(names) or not all(name.strip() and name.isprintable() for name in names):
        yield unlike("class_names", names, "a tuple of names, each some text on one line")
    if len(names) < 2 or _twice(names) is not None:
        yield unlike("class_names", names, "at least two names, each of them once")
    yield from _wrong_samples(one.samples, names)


def _wrong_samples(samples: object, class_names: Collection[str]) -> Iterator[str]:
    if not isinstance(samples, tuple):
        yield unlike("samples", type(samples), "a tuple of Sample")
        return
    for sample in samples:
        if not isinstance(sample, Sample):
            yield unlike("a sample", sample, "a Sample")
        for what in ("name", "patient"):
            if not isinstance(text := getattr(sample, what), str) or not text:
                yield unlike(f"the {what} of a sample", sample, "some text")
        if not is_whole(sample.label) or sample.label >= len(class_names):
            expected = f"a whole number from 0 to {len(class_names) - 1}, the place of its class"
            yield unlike(f"the label of '{sample.name}'", sample.label, expected)
        if sample.split not in ("", *SPLITS):
            named = split_named(sample.split) if isinstance(sample.split, str) else None
            meant = f"'{named}', as it seems" if named else f"one of {', '.join(SPLITS)}, or ''"
            yield unlike(f"the split of '{sample.name}'", sample.split, meant)
    if (twice := _twice(sample.name for sample in samples)) is not None:
        yield f"two samples have the name '{twice}'; expected another one for each"


def _texts(texts: object) -> bool:
    return isinstance(texts, tuple) and all(isinstance(text, str) for text in texts)


def _twice(items: Iterable[Item]) -> Item | None:
    """Return the first item that was there before."""
    known: set[Item] = set()
    for item in items:
        if item in known:
            return item
        known.add(item)
    return None


def _wrong_pixels(given: Any, size: tuple[int, int] | None = None) -> str:
    """Say what is wrong with an image of that size; without one any will do."""
    height, width = size or ("height", "width")
    fits = _kind(given) == "uint8" and given.ndim == 3 and given.shape[2] == 3
    fits = fits and 0 not in given.shape and (size is None or given.shape[:2] == tuple(size))
    return "" if fits else f"{_array(given)}; expected uint8 ({height}, {width}, 3)"


def _wrong_mask(given: Any, size: tuple[int, int] | None = None) -> str:
    height, width = size or ("height", "width")
    fits = _kind(given) == "bool" and given.ndim == 2
    fits = fits and (size is None or given.shape == tuple(size))
    return "" if fits else f"{_array(given)}; expected bool ({height}, {width})"


def _wrong_digest(given: Any) -> str:
    fits = isinstance(given, str) and _DIGEST.fullmatch(given)
    return "" if fits else f"{shown(given)}; expected 16 hexadecimal digits in small letters"


def wrong_header(given: Any) -> str:
    """Say what is wrong with the header of an image file; empty when nothing is."""
    fits = (
        isinstance(given, Header)
        and is_whole(given.width, 1)
        and is_whole(given.height, 1)
        and isinstance(given.mode, str)
        and is_whole(given.bytes)
    )
    return "" if fits else f"{shown(given)}; expected a Header of whole numbers and a mode"


def _wrong_path(given: Any) -> str:
    return "" if isinstance(given, Path) else f"{shown(given)}; expected a Path"


def _wrong_text(given: Any) -> str:
    return "" if isinstance(given, str) else f"{shown(given)}; expected text, '' where unknown"


def _kind(given: Any) -> str:
    """Name the type of an array's values; numpy is not imported for that."""
    return str(getattr(given, "dtype", ""))


def _array(given: Any) -> str:
    return f"{_kind(given)} {given.shape}" if _kind(given) else shown(given)
