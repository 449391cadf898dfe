"""What the commands that serve share: their options, the port, the server."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from zoo.base.errors import InvalidSetting
from zoo.cli.console import Console
from zoo.web.service.addresses import Network
from zoo.web.service.limits import Limits

SERVE = ("argon2", "fastapi", "uvicorn", "python_multipart", "prometheus_client")

PATIENCE = 3.0
"""Seconds that work at hand has to end by itself once nothing is served any more."""


def at_an_address(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where to listen, who may ask and what is noted."""
    for option in (
        click.option(
            "--forwarded-allow-ips",
            "proxies",
            metavar="ADDRESSES",
            default="",
            help="Proxies that may say from whom a request comes, as in 127.0.0.1,10.0.0.0/8.  "
            "[default: none]",
        ),
        click.option(
            "--max-connections",
            type=click.IntRange(min=1),
            default=Limits.connections_each,
            show_default=True,
            help="Open connections of one address.",
        ),
        click.option(
            "--max-waiting",
            type=click.IntRange(min=0),
            default=Limits.waiting,
            show_default=True,
            help="Requests that may wait; more are told to come again.",
        ),
        click.option(
            "--journal",
            "journal_path",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Append time, run, digest and answer of each image; no names.",
        ),
        click.option(
            "--users",
            "users_path",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Let in the users of a file, which 'zoo users' keeps.",
        ),
        click.option(
            "--auth-file",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Read USER:PASSWORD from a file, where no list of processes shows it.",
        ),
        click.option(
            "--auth",
            metavar="USER:PASSWORD",
            help="Ask for a password; needed beyond this machine.  [default: $ZOO_AUTH]",
        ),
        click.option(
            "--port",
            type=click.IntRange(0, 65535),
            default=8000,
            show_default=True,
            help="0: any free one.",
        ),
        click.option(
            "--host", default="127.0.0.1", show_default=True, help="The address to listen at."
        ),
    ):
        command = option(command)
    return command


def listen(host: str, port: int) -> socket.socket:
    """Take the port, so that one that is taken is told before anything is loaded.

    Raises:
        InvalidSetting: the address is not this machine's or the port is taken.
    """
    listening = None
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = addresses[0]
        listening = socket.socket(family, kind, protocol)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        if listening is not None:
            listening.close()
        raise InvalidSetting(
            f"Port {port} of '{host}' cannot be used: {error.strerror}. Choose another --port, "
            "or a --host of this machine."
        ) from error
    return listening


def address(host: str, listening: socket.socket) -> str:
    """Return the address under which a browser on this machine finds the server."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listening.getsockname()[1]}/"


def warn_of_plain_text(host: str) -> None:
    """Warn that a password can be read on its way to an address beyond this machine."""
    from zoo.web.service.security import is_loopback

    if not is_loopback(host):
        Console().warn(
            "Without TLS everybody on the way can read the password and the images. "
            "Put a proxy with TLS before it: see docs/service.md."
        )


def serve(app: Any, listening: socket.socket, trusted: Sequence[Network] = ()) -> None:
    """Answer requests until Ctrl-C or SIGTERM, and end in seconds, whatever is at work."""
    from zoo.web.service.server import server

    signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # uvicorn sends it again when it has ended
    try:
        server(app, trusted).run(sockets=[listening])
    finally:
        end = threading.Timer(PATIENCE, os._exit, (0,))
        end.daemon = True
        end.start()


def require(extra: str, modules: Sequence[str]) -> None:
    """Make sure that the packages of an extra are installed, before anything else is done.

    Raises:
        InvalidSetting: one is missing; says how to install it.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidSetting(
            f"This needs {' and '.join(missing)}, which are not part of the plain installation. "
            f"Install with: pip install 'xray-zoo[{extra}]'"
        )
