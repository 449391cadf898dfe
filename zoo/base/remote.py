"""Data behind an address such as `s3://bucket/folder`: a folder here that is filled as it is read.

What lies there is listed, and a folder of the same names is made in the cache: images as empty
files, whatever else (tables, archives) as it is. An image is fetched when it is opened first. So
readers see a folder, as they always do, and know nothing of this.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from zoo.base.cache import REMOTE, cache_folder, private_folder
from zoo.base.errors import BadInput, InvalidSetting, Unreachable, ZooError, in_a_line
from zoo.base.files import replacing, write_text, writing
from zoo.base.sources import TABLE_ENDINGS

INDEX = "index.json"
"""In the folder of an address: the address, and size and state of each file there."""
TRIES, PAUSE_SECONDS = 3, 1.0
STATE = (
    "ETag",
    "etag",
    "md5Hash",
    "LastModified",
    "Last-Modified",
    "last_modified",
    "mtime",
    "created",
    "CRC",
)
"""What kinds of storage call that by which one content of a file is told from another."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+(://|::)")

Entry = tuple[int, str]
"""Size, or -1 where nobody tells it before the file is read, and state."""
Result = TypeVar("Result")


def is_address(location: str) -> bool:
    """Tell whether a location is one of fsspec, as `s3://bucket/data` or `zip://::s3://b/all.zip`."""
    return _ADDRESS.match(location) is not None


def mirrored(address: str, fetched_when_read: Callable[[Path], bool]) -> Path:
    """Return a folder here, or a file, that stands for what lies at an address.

    It is listed anew each time: what has changed there is fetched again. A table comes with the
    folder that it lies in, since it names files there. Files of which
    `fetched_when_read` is false are fetched at once; what reads the others calls `present` first.

    Raises:
        Unreachable: it does not answer, refuses, or has no such bucket, folder or file.
        InvalidSetting: it is no address, or a package that knows such is not installed.
        NotWritten: the cache cannot be written.
    """
    system, path = _opened(address)
    if "file" in system.protocol:
        return Path(path)
    there = dict(_listed(system, path, address))
    if there.keys() == {""} and path.lower().endswith(TABLE_ENDINGS):
        return mirrored(_above(address), fetched_when_read) / PurePosixPath(path).name
    place = cache_folder().absolute() / REMOTE / _slug(address)
    local = place / (PurePosixPath(path).name or "data")
    _settle(place, local, address, there)
    for name, (size, _) in there.items():
        file = local / name
        if size and not file.stat().st_size and not fetched_when_read(file):
            _fetch(address, name, size, file)
    return local


def present(path: Path) -> Path:
    """Fetch a file that stands for one behind an address, unless it is here; return it.

    Raises:
        Unreachable: it cannot be fetched, after three tries.
        NotWritten: the cache cannot be written.
    """
    if REMOTE not in path.parts:
        return path
    try:
        if path.stat().st_size:
            return path
    except OSError:  # whoever opens it says so
        return path
    for number, part in enumerate(path.parts[:-2], 2):
        place = Path(*path.parts[:number])
        if part == REMOTE and (place / INDEX).is_file():
            address, entries = _index(place)
            name = "/".join(path.parts[number + 1 :])
            size, _ = entries.get(name, (0, ""))
            if size:
                _fetch(address, name, size, path)
    return path


def _listed(system: Any, path: str, address: str) -> Iterator[tuple[str, Entry]]:
    """Yield size and state of each file below an address, by its name from there."""

    def listing() -> Mapping[str, Mapping[str, Any]]:
        system.invalidate_cache()
        return system.find(path, detail=True)

    found = _tried(listing, address)
    if not found:
        raise Unreachable(
            f"There is nothing at '{address}'. Expected a folder with files, or a file: check the "
            "path, and whether these credentials may list it."
        )
    root = path.strip("/")
    for there, told in found.items():
        name = there.strip("/").removeprefix(root).strip("/")
        if name and not all(part not in ("", ".", "..") for part in name.split("/")):
            continue  # a name that would lead out of the folder, or that no folder can have
        if told.get("size") is None:  # the page of a web server that lists its files
            told = _tried(functools.partial(system.info, there), there)
        size = told.get("size")
        state = _digest([str(told.get(key)) for key in STATE])
        yield name, (-1 if size is None else int(size), state)


def _settle(place: Path, local: Path, address: str, there: Mapping[str, Entry]) -> None:
    """Make the folder what is there: names that are gone go, what has changed is emptied."""
    here: Mapping[str, Entry] = _index(place)[1] if (place / INDEX).is_file() else {}
    with writing(place):
        private_folder(REMOTE)
        for name in here.keys() - there.keys():
            (local / name).unlink(missing_ok=True)
        for name, entry in there.items():
            path = local / name
            if here.get(name) != entry or not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                path.touch()
    if here != there:
        write_text(place / INDEX, json.dumps({"address": address, "files": there}))


def _index(place: Path) -> tuple[str, Mapping[str, Entry]]:
    path = place / INDEX
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"'{path}' cannot be used ({in_a_line(error)}). Remove the folder '{place}': what it "
            "held is fetched again."
        ) from error


@functools.lru_cache(maxsize=4)
def _read(path: Path, _when: int) -> tuple[str, Mapping[str, Entry]]:
    content = json.loads(path.read_text("utf-8"))
    files = {name: (int(size), str(state)) for name, (size, state) in content["files"].items()}
    return str(content["address"]), files


def _fetch(address: str, name: str, size: int, path: Path) -> None:
    system, root = _opened(address)
    there = "/".join(filter(None, (root.rstrip("/"), name)))

    def get() -> None:
        with replacing(path) as temporary:
            with _there(lambda: system.open(there, "rb")) as source, temporary.open("wb") as target:
                while part := _there(lambda: source.read(2**20)):
                    target.write(part)
            given = temporary.stat().st_size
            if size not in (given, -1):
                raise EOFError(f"it ended after {given:,} of {size:,} bytes")

    _tried(get, f"{name} of {address}" if name else address)


@functools.lru_cache(maxsize=8)
def _opened(address: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError as error:
        raise InvalidSetting(
            f"'{address}' needs fsspec on this machine: pip install 'xray-zoo[remote]'"
        ) from error
    try:
        return fsspec.core.url_to_fs(address)
    except ImportError as error:
        raise InvalidSetting(f"'{address}' needs a package: {error}") from error
    except ValueError as error:
        raise InvalidSetting(
            f"'{address}' is no address that can be read ({error}). Expected one such as "
            "s3://bucket/folder."
        ) from error
    except Exception as error:  # of where an archive lies
        raise _unreachable(address, error) from error


class _BrokenThereError(Exception):
    """Holds what an address answered, so that it is not taken for an error of the disk here."""

    def __init__(self, answer: Exception) -> None:
        super().__init__()
        self.answer = answer


def _there(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except Exception as error:  # each kind of storage has errors of its own
        raise _BrokenThereError(error) from error


def _tried(work: Callable[[], Result], address: str) -> Result:
    """Do what a network may break, three times at most; a refusal is not asked for again."""
    for pause in (*(PAUSE_SECONDS * 2**number for number in range(TRIES - 1)), None):
        try:
            return work()
        except ZooError:
            raise
        except Exception as raised:
            error = raised.answer if isinstance(raised, _BrokenThereError) else raised
            refused = isinstance(error, FileNotFoundError | PermissionError)
            if refused or pause is None or "Credentials" in type(error).__name__:
                raise _unreachable(address, error) from error
            time.sleep(pause)
    raise AssertionError("it returns or raises")


def _unreachable(address: str, error: Exception) -> Unreachable:
    if isinstance(error, FileNotFoundError):
        remedy = "There is no such bucket, folder or file: check the address."
    elif isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
        remedy = (
            "Give credentials that may read it, as the tools of that storage take them, such as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; what is open to all: "
            "FSSPEC_S3='{\"anon\": true}'."
        )
    else:
        remedy = "Check the connection, and give the command again: what was fetched is kept."
    return Unreachable(f"'{address}' cannot be read ({in_a_line(error).rstrip('.')}). {remedy}")


def _above(address: str) -> str:
    """Return the address of the folder that a file lies in, also inside an archive."""
    inside, mark, outside = address.partition("::")
    scheme, _, path = inside.partition("://")
    return f"{scheme}://{path.rpartition('/')[0]}{mark}{outside}"


def _slug(address: str) -> str:
    words = re.sub(r"[^\w.-]+", "_", address).strip("_")[-60:]
    return f"{words}-{_digest(address)}"


def _digest(content: object) -> str:
    return hashlib.blake2b(repr(content).encode(), digest_size=8).hexdigest()
