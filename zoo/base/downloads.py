"""Fetch a file over the net: a broken connection is taken up where it broke."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import http.client
import re
import shutil
import socket
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from zoo.base.errors import ZooError
from zoo.base.files import sync_folder, writing
from zoo.base.folders import made_folder
from zoo.base.locks import holding
from zoo.base.progress import Progress

CHUNK = 2**18
TRIES, PAUSE_SECONDS = 4, 1.0
ANSWER_SECONDS = 30.0
MEGABYTE = 2**20
UNREACHED = (urllib.error.URLError, socket.gaierror, ConnectionError, TimeoutError)
BROKEN = (OSError, http.client.HTTPException)
"""What a connection that breaks, or an answer that ends too early, raises."""
NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def partial(path: Path) -> Path:
    """Return where a file is kept until it is whole; the name stays, so that it can be resumed."""
    return path.with_name(f".{path.name}.download")


def is_unreached(error: BaseException) -> bool:
    """Tell whether an error began with a host that cannot be found or does not answer."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, urllib.error.HTTPError):
            return False  # it has answered
        if isinstance(cause, UNREACHED):
            return True
        if isinstance(cause, OSError) and cause.errno in NO_WAY:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def fetch(url: str, path: Path, *, md5: str = "", page: str, progress: Progress) -> str:
    """Fetch a file to `path` and return its MD5; what has come already goes on where it was.

    A connection that breaks is opened again, three times. `page` is the address that a person is
    sent to where it cannot be had. What another process fetches at this moment is waited for.

    Raises:
        ZooError: it cannot be reached, or what came is not what was promised.
        NotWritten: the disk does not take it.
    """
    kept = partial(path)
    with made_folder(path.parent):
        with writing(kept):
            kept.touch()
        with holding(kept, wait=True):
            try:
                if path.is_file():  # another process has fetched it meanwhile
                    return _md5(path)
                return _fetch(url, path, md5, page, progress)
            finally:
                _drop_empty(kept)


def _fetch(url: str, path: Path, md5: str, page: str, progress: Progress) -> str:
    kept = partial(path)
    for attempt in range(TRIES):
        try:
            whole = _go_on(url, kept, progress)
        except urllib.error.HTTPError as error:
            raise _unreachable(url, path, page, f"HTTP status {error.code}") from error
        except BROKEN as error:
            reason: Any = error.reason if isinstance(error, urllib.error.URLError) else error
            if attempt + 1 == TRIES or isinstance(reason, socket.gaierror):  # there is no net
                raise _unreachable(url, path, page, str(reason) or type(reason).__name__) from error
            time.sleep(PAUSE_SECONDS * 2**attempt)
            continue
        finally:
            progress.stop()
        if whole:
            break
    else:
        raise _unreachable(url, path, page, "the connection ended before the file did")
    found = _md5(kept)
    if md5 and found != md5:
        kept.unlink()
        raise ZooError(
            f"What {url} gave is not what its publisher promises: its MD5 is {found}, not {md5}. "
            f"It was removed. Try again later, or fetch it by hand: {page}"
        )
    with writing(path):
        kept.replace(path)
        sync_folder(path.parent)
    return found


def _go_on(url: str, kept: Path, progress: Progress) -> bool:
    """Add what is missing to what is kept; tell whether the file is whole then."""
    done = kept.stat().st_size if kept.is_file() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "xray-zoo"})  # noqa: S310 - catalogue
    if done:
        request.add_header("Range", f"bytes={done}-")
    try:
        answer = urllib.request.urlopen(request, timeout=ANSWER_SECONDS)  # noqa: S310 - catalogue
    except urllib.error.HTTPError as error:
        error.close()  # its headers stay
        if error.code != 416 or not done:  # nothing is missing any more, or the file is another
            raise
        told = (error.headers.get("Content-Range") or "").rpartition("/")[2]
        if told == str(done):
            return True
        kept.unlink()
        return False
    with answer:
        begun = _RANGE.match(answer.headers.get("Content-Range") or "")
        if done and not (begun and int(begun[1]) == done):
            done = 0  # a server that begins anew
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else 0
        if total:
            _check_room(kept, total - done)
        progress.start(f"fetching {kept.name[1:].removesuffix('.download')} (MB)", _mb(total))
        progress.advance(_mb(done))
        with writing(kept):
            file = kept.open("ab" if done else "wb")
        with file:
            while block := answer.read(CHUNK):
                with writing(kept):
                    file.write(block)
                progress.advance(_mb(done + len(block)) - _mb(done))
                done += len(block)
            with writing(kept):
                file.flush()
    return not total or done == total


def _drop_empty(kept: Path) -> None:
    """Remove a file of which nothing has come."""
    with contextlib.suppress(OSError):
        if not kept.stat().st_size:
            kept.unlink()


def _check_room(path: Path, needed: int) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < needed:
        raise ZooError(
            f"'{path.parent}' has {free / MEGABYTE:,.0f} MB free; {needed / MEGABYTE:,.0f} MB are "
            "to be fetched. Make room, or name another --folder."
        )


def _mb(count: int) -> int:
    return count // MEGABYTE


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unreachable(url: str, path: Path, page: str, reason: str) -> ZooError:
    begun = partial(path).is_file() and partial(path).stat().st_size
    again = "What has come so far is kept: say it again to go on" if begun else "Try again later"
    return ZooError(
        f"{url} cannot be fetched ({reason}). {again}. "
        f"Or fetch it by hand from {page} and put it there as '{path}'."
    )
