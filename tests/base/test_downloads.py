"""Files over a net that breaks, from a server that keeps no promise, to a disk that is full."""

from __future__ import annotations

import errno
import hashlib
import http.server
import socket
import threading
import urllib.error
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from zoo import NotWritten, ZooError
from zoo.base import downloads
from zoo.base.downloads import fetch, partial
from zoo.base.locks import holding
from zoo.base.progress import SILENT

CONTENT = bytes(range(256)) * 4096  # a megabyte
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()
PAGE = "https://example.org/page"


class Server(http.server.BaseHTTPRequestHandler):
    """Gives CONTENT; `cuts` says after how many bytes each answer breaks, None: not at all."""

    cuts: list[int | None]
    asked: list[str]
    ranges = True

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        type(self).asked.append(wanted)
        if self.path == "/gone":
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        if start:
            last = len(CONTENT) - 1
            self.send_header("Content-Range", f"bytes {start}-{last}/{len(CONTENT)}")
        self.end_headers()
        cut = self.cuts.pop(0) if self.cuts else None
        self.wfile.write(body if cut is None else body[:cut])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, type[Server]]]:
    monkeypatch.setattr(downloads, "PAUSE_SECONDS", 0.0)
    handler = type("Own", (Server,), {"cuts": [], "asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/set.bin", handler
        running.shutdown()
        thread.join()


def test_a_file_is_fetched_whole(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "new" / "set.bin"
    assert fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT) == MD5
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["set.bin"]


def test_broken_connections_are_taken_up_where_they_broke(server: Any, tmp_path: Path) -> None:
    server[1].cuts.extend([300_000, 1])
    path = tmp_path / "set.bin"
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT
    assert server[1].asked == ["", "bytes=300000-", "bytes=300001-"]


def test_one_that_breaks_again_and_again_is_told_and_resumed_later(
    server: Any, tmp_path: Path
) -> None:
    server[1].cuts.extend([1000] * downloads.TRIES)
    path = tmp_path / "set.bin"
    with pytest.raises(ZooError, match=PAGE):
        fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert not path.exists()
    assert partial(path).stat().st_size == 1000 * downloads.TRIES
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT
    assert server[1].asked[-1] == f"bytes={1000 * downloads.TRIES}-"


def test_what_another_process_fetches_is_waited_for(server: Any, tmp_path: Path) -> None:
    address, answers = server
    path = tmp_path / "a.npz"
    partial(path).write_bytes(CONTENT[:1000])
    with ThreadPoolExecutor(1) as threads:
        with holding(partial(path), wait=True):
            other = threads.submit(fetch, f"{address}/a", path, page=PAGE, progress=SILENT)
            partial(path).write_bytes(CONTENT)
            partial(path).replace(path)
        assert other.result() == MD5
    assert answers.asked == []
    assert [one.name for one in tmp_path.iterdir()] == ["a.npz"]


def test_a_server_that_knows_no_ranges_begins_anew(server: Any, tmp_path: Path) -> None:
    server[1].ranges = False
    path = tmp_path / "set.bin"
    partial(path).write_bytes(b"of another time")
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT


def test_what_was_whole_but_not_renamed_is_not_fetched_again(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    partial(path).write_bytes(CONTENT)
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT
    assert len(server[1].asked) == 1


def test_a_longer_file_of_another_time_is_fetched_anew(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    partial(path).write_bytes(CONTENT + b"more")
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT


def test_another_content_is_refused_and_removed(server: Any, tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    with pytest.raises(ZooError, match="not what its publisher promises"):
        fetch(server[0], path, md5="0" * 32, page=PAGE, progress=SILENT)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_told_at_once(server: Any, tmp_path: Path) -> None:
    url = server[0].replace("set.bin", "gone")
    with pytest.raises(ZooError, match="404"):
        fetch(url, tmp_path / "set.bin", page=PAGE, progress=SILENT)
    assert len(server[1].asked) == 1


def test_without_a_net_the_page_is_named(tmp_path: Path) -> None:
    path = tmp_path / "set.bin"
    with pytest.raises(ZooError, match=f"by hand from {PAGE}"):
        fetch("http://name.invalid/set.bin", path, page=PAGE, progress=SILENT)


def test_too_little_room_is_told_before_anything_is_written(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(ZooError, match="Make room"):
        fetch(server[0], tmp_path / "set.bin", page=PAGE, progress=SILENT)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("case", ["nowhere", "nothing came", "no room", "another file"])
def test_folders_that_were_made_for_nothing_go_and_others_stay(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    url = server[0].replace("set.bin", "gone") if case == "nowhere" else server[0]
    if case == "nothing came":
        server[1].cuts.extend([0] * 2 * downloads.TRIES)
    elif case == "no room":
        monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    there = tmp_path / "there"
    there.mkdir()
    wanted = "0" * 32 if case == "another file" else MD5
    for folder in (there, there / "new" / "newer"):
        with pytest.raises(ZooError) as told:
            fetch(url, folder / "set.bin", md5=wanted, page=PAGE, progress=SILENT)
        assert "is kept" not in str(told.value)
        assert list(there.iterdir()) == []


@pytest.mark.parametrize(
    ("cause", "unreached"),
    [
        (urllib.error.URLError(socket.gaierror(-2, "unknown")), True),
        (urllib.error.HTTPError(PAGE, 404, "gone", Message(), None), False),
        (socket.gaierror(-2, "unknown"), True),
        (TimeoutError(), True),
        (ConnectionRefusedError(), True),
        (OSError(errno.ENETUNREACH, "no way"), True),
        (OSError(errno.ENOSPC, "full"), False),
        (ValueError(), False),
    ],
)
@pytest.mark.parametrize("told", ["cause", "context"])
def test_an_error_tells_whether_its_host_was_reached(
    cause: Exception, unreached: bool, told: str
) -> None:
    def failing() -> None:
        try:
            raise cause
        except Exception as error:
            raise ZooError("no") from (error if told == "cause" else None)

    with pytest.raises(ZooError) as caught:
        failing()
    assert downloads.is_unreached(caught.value) is unreached


def test_a_folder_with_a_beginning_stays(server: Any, tmp_path: Path) -> None:
    server[1].cuts.extend([1000] * downloads.TRIES)
    path = tmp_path / "new" / "set.bin"
    with pytest.raises(ZooError, match="is kept: say it again"):
        fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert [one.name for one in path.parent.iterdir()] == [partial(path).name]


def test_a_disk_that_fills_up_is_told_and_what_came_is_kept(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "set.bin"
    real = Path.open

    class Full:
        def __init__(self, file: Any) -> None:
            self.file, self.room = file, 2

        def __enter__(self) -> Full:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, block: bytes) -> None:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.room -= 1
            self.file.write(block)

        def flush(self) -> None:
            self.file.flush()

    def opened(self: Path, mode: str = "r", *more: Any, **named: Any) -> Any:
        file = real(self, mode, *more, **named)
        return Full(file) if self == partial(path) and mode in ("ab", "wb") else file

    monkeypatch.setattr(Path, "open", opened)
    with pytest.raises(NotWritten, match="Make room on the disk"):
        fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert partial(path).stat().st_size == 2 * downloads.CHUNK
    monkeypatch.undo()
    fetch(server[0], path, md5=MD5, page=PAGE, progress=SILENT)
    assert path.read_bytes() == CONTENT
