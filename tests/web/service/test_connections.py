"""Connections that only wait, send by drops or read nothing do not keep others out."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from zoo.base.registry import Registry
from zoo.web.service.addresses import parse_networks
from zoo.web.service.api import create
from zoo.web.service.connections import FULL
from zoo.web.service.library import Library
from zoo.web.service.limits import Limits
from zoo.web.service.security import Password

SOON = 300
"""Seconds that only a mistake takes."""
ASKED = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
Server = Callable[..., Any]


@pytest.fixture
def serving(served: Any, tiny_registry: Registry, tmp_path: Path) -> Server:
    """Serve a folder without runs within limits, and give the address to connect to."""

    @contextmanager
    def started(proxies: str = "", **changes: Any) -> Iterator[tuple[str, int]]:
        limits = replace(Limits(), **changes)
        library = Library(tmp_path, limits=limits, registry=tiny_registry)
        app = create(library, auth=Password.parse("ann:pw") if proxies else None)
        with served(app, parse_networks(proxies)) as address:
            yield "127.0.0.1", int(urlsplit(address).port or 0)

    return started


def connected(address: tuple[str, int], source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(address, SOON, (source, 0))


def answer_of(connection: socket.socket, asked: bytes = ASKED) -> bytes:
    """Ask, and return the whole answer."""
    connection.sendall(asked)
    told = b""
    while b"\r\n\r\n" not in told or len(told.partition(b"\r\n\r\n")[2]) < _length(told):
        part = connection.recv(65536)
        assert part, "the connection was closed"
        told += part
    return told


def _length(told: bytes) -> int:
    found = re.search(rb"content-length: (\d+)", told)
    assert found is not None
    return int(found[1])


def is_closed(connection: socket.socket) -> bool:
    """Wait for the end of a connection; what it still says is read."""
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass
    return True


@pytest.mark.parametrize("beginning", [b"", ASKED[:-2]])
def test_600_idle_connections_keep_nobody_out(serving: Server, beginning: bytes) -> None:
    with ExitStack() as opened, serving(head_seconds=10.0 * SOON) as address:
        for _ in range(600):
            idle = opened.enter_context(connected(address))
            with suppress(ConnectionError):  # it made room already
                idle.sendall(beginning)
        for source in ("127.0.0.2", "127.0.0.1"):
            with connected(address, source) as other:
                assert answer_of(other).startswith(b"HTTP/1.1 200")


def test_many_addresses_share_what_there_is(serving: Server) -> None:
    with ExitStack() as opened, serving(connections=8, connections_each=4) as address:
        idle = [
            opened.enter_context(connected(address, f"127.0.0.{host}"))
            for host in (2, 3, 4)
            for _ in range(4)
        ]
        assert all(map(is_closed, idle[:4]))  # those that waited longest made room
        assert answer_of(idle[4]).startswith(b"HTTP/1.1 200")


def test_whoever_is_at_work_is_not_cut_off(serving: Server) -> None:
    with ExitStack() as opened, serving(connections_each=2) as address:
        working = [opened.enter_context(connected(address)) for _ in range(2)]
        for one in working:
            begin_to_send(one)
        told = refusal_by(address)
        assert told.startswith(b"HTTP/1.1 503")
        assert FULL.encode() in told
        with connected(address, "127.0.0.2") as other:
            assert answer_of(other).startswith(b"HTTP/1.1 200")
        assert answer_of(working[0], b"123456789").startswith(b"HTTP/1.1 4")
        with connected(address) as next_one:  # for the first of them, which rests now
            assert answer_of(next_one).startswith(b"HTTP/1.1 200")


def begin_to_send(connection: socket.socket, headers: bytes = b"") -> None:
    """Send a head, and wait until the body is waited for."""
    kind = b"Content-Type: multipart/form-data; boundary=x\r\nExpect: 100-continue\r\n"
    connection.sendall(
        b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        + kind
        + headers
        + b"\r\n"
    )
    assert connection.recv(65536).startswith(b"HTTP/1.1 100")


def refusal_by(address: tuple[str, int]) -> bytes:
    with connected(address) as refused:
        return refused.makefile("rb").read()


def test_a_proxy_stands_for_many_who_are_told_apart(serving: Server) -> None:
    right, wrong = (
        b"Authorization: Basic YW5uOnB3\r\n",
        b"GET /runs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic eDp4\r\n",
    )
    with ExitStack() as opened, serving("127.0.0.2", connections_each=2) as address:
        busy = [opened.enter_context(connected(address, "127.0.0.2")) for _ in range(4)]
        for one in busy:
            begin_to_send(one, right)
        told = [
            _status(address, source, wrong + b"X-Forwarded-For: %s\r\n\r\n" % claimed)
            for source, claimed in (
                *[("127.0.0.2", b"192.0.2.1")] * 4,
                ("127.0.0.2", b"192.0.2.2"),
                # Of whom is not trusted, nothing is believed.
                *[("127.0.0.3", b"192.0.2.%d" % number) for number in range(10, 14)],
            )
        ]
        assert told == [401, 401, 401, 429, 401, 401, 401, 401, 429]


def _status(address: tuple[str, int], source: str, asked: bytes) -> int:
    with connected(address, source) as connection:
        return int(answer_of(connection, asked).split()[1])


def test_a_head_has_a_deadline_that_drops_do_not_move(serving: Server) -> None:
    with serving(head_seconds=0.3) as address, connected(address) as slow:
        stop = threading.Event()

        def drops() -> None:
            slow.sendall(b"GET /health HTTP/1.1\r\nX: ")
            with suppress(ConnectionError):
                while not stop.wait(0.02):
                    slow.sendall(b"x")

        sender = threading.Thread(target=drops)
        sender.start()
        assert is_closed(slow)
        stop.set()
        sender.join()


def test_a_second_request_has_a_deadline_too(serving: Server) -> None:
    with serving(head_seconds=1.5) as address, connected(address) as kept:
        assert answer_of(kept).startswith(b"HTTP/1.1 200")
        kept.sendall(b"GET /hea")
        assert is_closed(kept)


def test_a_body_has_a_deadline_though_the_answer_is_there(
    serving: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.web.service.connections.GRACE", 0.0)
    head = b"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
    with serving(seconds=0.3) as address, connected(address) as slow:
        assert answer_of(slow, head + b"x").startswith(b"HTTP/1.1 405")
        slow.sendall(b"x")
        assert is_closed(slow)


def test_an_answer_has_to_be_read(serving: Server, until: Any) -> None:
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with serving(seconds=0.3, connections_each=1) as address, connected(address) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with suppress(ConnectionError):
            deaf.sendall(asked * 1000)

        def is_gone() -> bool:
            try:
                deaf.sendall(b"GET")
            except ConnectionError:
                return True
            return False

        assert until(is_gone)
        with connected(address) as other:
            assert answer_of(other).startswith(b"HTTP/1.1 200")
