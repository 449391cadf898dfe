"""The files that a table's rows name: under the path that is given, or else by name."""

from __future__ import annotations

import functools
import os
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from zoo import BadInput
from zoo.base.class_names import fold
from zoo.base.mask_names import is_mask_folder

FIND, BY_PATH, BY_NAME = "find", "path", "name"
ASIDE = frozenset(
    {"annotations", "annotation", "labels", "label", "derivatives", "metadata", "csv"}
)
"""Folders that tables lie in, beside the folders of the images."""
SHOWN = 3


@dataclass(frozen=True)
class Located:
    """The images that each text of a table names, by their names below the root, and a sentence."""

    of_text: Mapping[str, tuple[str, ...]]
    note: str


def locate(
    texts: Sequence[str], root: Path, mode: str, *, besides: Collection[str] = ()
) -> Located:
    """Find the images that the texts name: a file, its name alone, or a folder with images in it.

    A file that is not where a text says is looked for by the end of its path, as those of another
    machine are; one that two texts would take is for that which agrees longer. A text without an
    image stays as it is: it is said to be missing when the image is needed. Images called
    `besides` are not looked for.

    Raises:
        BadInput: several images fit equally well; by name alone, also when none does.
    """
    below = Below(root, frozenset(besides))
    places = {text: _place(below, text, mode) for text in dict.fromkeys(texts)}
    rivals = [place.rivals for place in places.values() if place.rivals]
    if rivals and not any(place.names for place in places.values()):
        raise below.ambiguous(*rivals[0])
    closest: dict[str, int] = {}
    for place in places.values():
        for name in place.names:
            closest[name] = max(closest.get(name, 0), place.agreeing)
    kept = {
        text: place.names
        for text, place in places.items()
        if place.names and all(closest[name] == place.agreeing for name in place.names)
    }
    moved = [text for text in kept if places[text].moved]
    note = ""
    if moved:
        note = (
            f"{len(moved):,} of {len(places):,} images are not where the table says, such as "
            f"'{moved[0]}', and were found by their names below '{root}'."
        )
    return Located({text: kept.get(text, (_posix(text),)) for text in places}, note)


@dataclass(frozen=True, slots=True)
class Place:
    """What was found for a text, and how many parts of the path agree, from its end."""

    names: tuple[str, ...] = ()
    agreeing: int = 0
    moved: bool = False
    rivals: tuple[str, ...] = ()
    """Images of that name of which none fits better."""


EXACT = 1_000


def _place(below: Below, text: str, mode: str) -> Place:
    name = _posix(text)
    if mode != BY_NAME:
        there = os.path.join(below.root, name)  # noqa: PTH118 (never raises)
        if os.path.isfile(there):  # noqa: PTH113
            return Place((below.relative(there, name),), EXACT)
        if mode == BY_PATH:
            return Place()
        if os.path.isdir(there) and name in below.contents:  # noqa: PTH112
            return Place(below.contents[name], EXACT)
    found = below.ending(name, endings=mode != BY_NAME)
    if not (found.names or found.rivals) and "%" in name:  # as addresses write a space
        found = below.ending(_posix(unquote(name)), endings=mode != BY_NAME)
    if mode == BY_NAME and len(found.names) != 1:
        raise BadInput(
            f"'{below.root}' has {len(found.rivals)} images called "
            f"'{stem(PurePosixPath(name).name)}'; expected one. Give another root, or paths "
            "instead of names."
        )
    if found.rivals and "/" not in name:
        raise below.ambiguous(*found.rivals)
    return found


@dataclass(frozen=True)
class Below:
    """The images below a folder, by the ends of their paths; it is walked when first asked."""

    root: Path
    besides: frozenset[str] = field(default=frozenset(), repr=False)

    def relative(self, there: str, name: str) -> str:
        """Give a file's name from the root, also where a table gives it from the top."""
        inside = Path(there)
        return (
            inside.relative_to(self.root).as_posix() if inside.is_relative_to(self.root) else name
        )

    def ending(self, name: str, *, endings: bool) -> Place:
        """Find the image whose path agrees longest with `name`; if `endings` count, those first.

        Where it may be an image or a mask it is the image.
        """
        parts = comparable(name).split("/")
        stems = (self._stems, [*parts[:-1], stem(parts[-1])])
        for tails, wanted in ((self._whole, parts), stems) if endings else (stems,):
            for length in range(len(wanted), 0, -1):
                found = _unmasked(tails.get(length).get("/".join(wanted[-length:]), ()))
                if len(found) == 1:
                    return Place(found, length, moved=len(wanted) > 1)
                if found:
                    return Place(rivals=found)
        alike = _unmasked(self._alike.get(fold(stems[1][-1]), ()))
        if len(alike) == 1:
            return Place(alike, moved=True)
        folders = self._folders.get(len(parts)).get("/".join(parts), ())
        return Place(self.contents[folders[0]], EXACT) if len(folders) == 1 else Place()

    def ambiguous(self, *rivals: str) -> BadInput:
        """Give the error for several images of one name."""
        name = PurePosixPath(rivals[0]).name
        return BadInput(
            f"'{self.root}' has {len(rivals)} images called '{name}': "
            f"{', '.join(rivals[:SHOWN])}. Expected one. Give another root, or paths instead of "
            "names: '?path={folder}/{name}' joins two columns."
        )

    @functools.cached_property
    def _names(self) -> tuple[str, ...]:
        from zoo.base.pictures.image_files import walk

        return tuple(name for name in walk(self.root).names if name not in self.besides)

    @functools.cached_property
    def _whole(self) -> Tails:
        return Tails({name: name for name in self._names})

    @functools.cached_property
    def _stems(self) -> Tails:
        return Tails({name: stem(name) for name in self._names})

    @functools.cached_property
    def _alike(self) -> dict[str, tuple[str, ...]]:
        """The images by their names without ending, where zeros before a number were lost."""
        alike: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            alike[fold(stem(PurePosixPath(name).name))].append(name)
        return {text: tuple(names) for text, names in alike.items()}

    @functools.cached_property
    def contents(self) -> dict[str, tuple[str, ...]]:
        """The images in each folder and below it."""
        inside: dict[str, list[str]] = defaultdict(list)
        for name in self._names:
            for folder in _above(name):
                inside[folder].append(name)
        return {folder: tuple(names) for folder, names in inside.items()}

    @functools.cached_property
    def _folders(self) -> Tails:
        return Tails({folder: folder for folder in self.contents})


@dataclass(frozen=True)
class Tails:
    """Finds names by how they end; `texts` are what they are compared by, in any case."""

    texts: Mapping[str, str] = field(repr=False)
    known: dict[int, dict[str, tuple[str, ...]]] = field(default_factory=dict, repr=False)

    def get(self, length: int) -> dict[str, tuple[str, ...]]:
        """Give the names by their last `length` parts."""
        if length not in self.known:
            tails: dict[str, list[str]] = defaultdict(list)
            for name, text in self.texts.items():
                parts = comparable(text).split("/")
                if len(parts) >= length:
                    tails["/".join(parts[-length:])].append(name)
            self.known[length] = {tail: tuple(names) for tail, names in tails.items()}
        return self.known[length]


def root_of(table: Path) -> Path:
    """Give the folder below which a table's images are: its own, or that above `annotations`."""
    root = table.parent
    while root.name.lower() in ASIDE:
        root = root.parent
    return root


def _unmasked(names: tuple[str, ...]) -> tuple[str, ...]:
    """Leave those of several images out that lie in folders of masks, unless all do."""
    if len(names) < 2:
        return names
    images = [n for n in names if not any(map(is_mask_folder, PurePosixPath(n).parts[:-1]))]
    return tuple(images) or names


def comparable(text: str) -> str:
    """Give what paths have in common that differ by case, or by how an accent is coded."""
    return unicodedata.normalize("NFC", text).casefold()


def _posix(text: str) -> str:
    return PurePosixPath(text.replace("\\", "/")).as_posix()


def stem(name: str) -> str:
    """Cut an image's ending off; the last part of a UID is none."""
    from zoo import is_image_name

    path = PurePosixPath(name)
    return path.with_suffix("").as_posix() if is_image_name(Path(path.name)) else name


def _above(name: str) -> Iterator[str]:
    parts = name.split("/")[:-1]
    for length in range(1, len(parts) + 1):
        yield "/".join(parts[:length])
