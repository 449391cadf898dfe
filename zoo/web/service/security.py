"""Who may ask: hosts, sites and a password, looked at before anything else of a request is read."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import logging
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from zoo.base.errors import BadInput, InvalidSetting
from zoo.web.service.attempts import Attempts
from zoo.web.service.journal import Journal
from zoo.web.service.limits import Unavailable
from zoo.web.service.schemas import refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger(__name__)

VARIABLE = "ZOO_AUTH"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
MISSING = (
    401,
    "User and password are missing or wrong. Send them as HTTP Basic.",
    {"WWW-Authenticate": 'Basic realm="xray-zoo", charset="UTF-8"'},
)
PAGE_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'"
"""What a page of ours may load and run: nothing but what is in it (Content-Security-Policy)."""


@dataclass(frozen=True)
class Password:
    """A user and a password, of which only digests are kept."""

    user: bytes
    password: bytes

    @classmethod
    def parse(cls, text: str) -> Password:
        """Read `USER:PASSWORD`.

        Raises:
            InvalidSetting: either is missing.
        """
        user, colon, password = text.strip().partition(":")
        if not (user and colon and password):
            raise InvalidSetting("The password setting is incomplete. Expected USER:PASSWORD.")
        return cls(_digest(user.encode()), _digest(password.encode()))

    def allows(self, user: str, password: str) -> bool:
        """Compare in a time that tells nothing of where they differ."""
        same_user = hmac.compare_digest(_digest(user.encode()), self.user)
        same_password = hmac.compare_digest(_digest(password.encode()), self.password)
        return same_user and same_password

    def allows_header(self, header: str) -> bool:
        """Check the value of an `Authorization` header (HTTP Basic, RFC 7617)."""
        scheme, _, encoded = header.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            return False
        return self.allows(user, password) and bool(colon)


def password_from(text: str | None, file: Path | None = None) -> Password | None:
    """Take the password from an option, a file, or the variable ZOO_AUTH, in this order.

    Raises:
        InvalidSetting: it is not USER:PASSWORD.
        BadInput: the file cannot be read.
    """
    if text is None and file is not None:
        try:
            text = file.read_text("utf-8")
        except (OSError, ValueError) as error:
            raise BadInput(f"The password file '{file}' cannot be read. Check it.") from error
    text = os.environ.get(VARIABLE) if text is None else text
    return None if not text else Password.parse(text)


def check_exposure(host: str, password: Password | None, *, proxied: bool = False) -> None:
    """Refuse to be reached from other machines without a password.

    `proxied`: a proxy passes on what others ask.

    Raises:
        InvalidSetting: the address is not a loopback one and there is no password.
    """
    if proxied and password is None:
        raise InvalidSetting(
            "Through a proxy others can ask, so a password is needed. "
            f"Set it with --auth-file FILE or the variable {VARIABLE}."
        )
    if not is_loopback(host) and password is None:
        raise InvalidSetting(
            f"The address '{host}' can be reached from other machines, so a password is needed. "
            f"Set it with --auth USER:PASSWORD or the variable {VARIABLE}, or use 127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_of(host: str, password: Password | None) -> frozenset[str] | None:
    """Return the names by which a service at an address may be called; None: any.

    With a password it may be any: a page of another site does not know it, under whatever name.
    """
    return LOOPBACK if password is None and is_loopback(host) else None


class Guard:
    """Middleware that refuses wrong hosts, other sites and wrong passwords.

    `hosts` are the names by which this service may be called (None: any). Without a password that
    is what keeps a page of another site from reading answers, by a name it points here (DNS
    rebinding). `Origin` keeps it from sending requests. Paths in `open_paths` need no password.
    Wrong passwords are noted in the log and the `journal`, and make their sender wait.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        password: Password | None,
        open_paths: Collection[str] = (),
        journal: Journal | None = None,
    ) -> None:
        self.app, self.hosts, self.password = app, hosts, password
        self.open_paths, self.journal = open_paths, journal
        self.attempts = Attempts()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on and add what protects its answer."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        client = (scope.get("client") or ("",))[0]
        refused = self._refused(Headers(scope=scope), scope["path"], client)
        if refused is None:
            await self.app(scope, receive, protected)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(*refused)(scope, receive, protected)

    def _refused(
        self, headers: Headers, path: str, client: str
    ) -> tuple[int, str, Mapping[str, str]] | None:
        host = headers.get("host", "")
        if self.hosts is not None and _name(host) not in self.hosts:
            return (
                400,
                "This service is not called by that name. Use http://127.0.0.1 or localhost.",
                {},
            )
        origin = headers.get("origin")
        if origin is not None and _authority(origin) != host.lower():
            return 403, "A page of another site sent this. Open this service's own address.", {}
        if self.password is None or path in self.open_paths:
            return None
        given = headers.get("authorization")
        if given is None:
            return MISSING
        if wait := self.attempts.wait(client):
            sentence = f"There were too many wrong passwords. Try again in {wait} seconds."
            return 429, sentence, {"Retry-After": str(wait)}
        if self.password.allows_header(given):
            self.attempts.right(client)
            return None
        self._note(client, self.attempts.wrong(client))
        return MISSING

    def _note(self, client: str, count: int) -> None:
        logger.warning("A wrong password came from %s, number %d in a row.", client, count)
        if self.journal is not None:
            with contextlib.suppress(Unavailable):  # it has told so itself
                self.journal.wrong_password(client, count)


def _name(host: str) -> str:
    """Return the name in a `Host` header, without the port."""
    name, bracket, _ = host.lower().partition("]")
    return name.lstrip("[") if bracket else name.partition(":")[0]


def _authority(origin: str) -> str:
    """Return the host and port of an `Origin` header; empty for one that hides it."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()
