"""Who may ask: hosts, sites and a password, looked at before anything else of a request is read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zoo.base.errors import BadInput, InvalidSetting
from zoo.web.service.door import WRONG, Door, Keys, Refused
from zoo.web.service.limits import Unavailable
from zoo.web.service.schemas import refusal
from zoo.web.service.sessions import COOKIE
from zoo.web.service.users import ANYBODY, User, Users

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

VARIABLE = "ZOO_AUTH"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
BASIC = {"WWW-Authenticate": 'Basic realm="xray-zoo", charset="UTF-8"'}
FORM = {"WWW-Authenticate": 'Form realm="xray-zoo"'}
"""A scheme that no browser knows, so that none opens a window of its own over a page."""
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

    def find(self, name: str) -> User | None:  # noqa: ARG002 (there are no names)
        """Return anybody."""
        return ANYBODY

    def remembered(self, name: str, password: str) -> User | None:
        """Return anybody who knows it."""
        return ANYBODY if self.allows(name, password) else None

    def identify(self, name: str, password: str) -> User | None:
        """Return anybody who knows it."""
        return self.remembered(name, password)


def of_header(header: str) -> tuple[str, str]:
    """Return user and password of an `Authorization` header (HTTP Basic, RFC 7617); empty: none."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


def keys_from(text: str | None, file: Path | None, users: Path | None) -> Keys | None:
    """Take the users of a file, or else one password.

    Raises:
        InvalidSetting: both are given, or the password is not USER:PASSWORD.
        BadInput: a file cannot be read.
    """
    if users is None:
        return password_from(text, file)
    if text is not None or file is not None:
        raise InvalidSetting("Both users and one password were given. Take --users or --auth.")
    return Users(users)


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
    text = (os.environ.get(VARIABLE) or None) if text is None else text
    return None if text is None else Password.parse(text)


def check_exposure(host: str, password: Keys | None, *, proxied: bool = False) -> None:
    """Refuse to be reached from other machines without a password.

    `proxied`: a proxy passes on what others ask.

    Raises:
        InvalidSetting: the address is not a loopback one and there is no password.
    """
    if proxied and password is None:
        raise InvalidSetting(
            "Through a proxy others can ask, so a password is needed. "
            f"Set it with --users FILE, --auth-file FILE or the variable {VARIABLE}."
        )
    if not is_loopback(host) and password is None:
        raise InvalidSetting(
            f"The address '{host}' can be reached from other machines, so a password is needed. "
            f"Set it with --users FILE, --auth USER:PASSWORD or the variable {VARIABLE}, or use "
            "127.0.0.1."
        )


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_of(host: str, password: Keys | None) -> frozenset[str] | None:
    """Return the names by which a service at an address may be called; None: any.

    With a password it may be any: a page of another site does not know it, under whatever name.
    """
    return LOOPBACK if password is None and is_loopback(host) else None


def session_cookie(request: Request) -> str:
    """Return the name of the cookie; a browser keeps one of a name for all ports."""
    return f"{COOKIE}_{(request.scope.get('server') or ('', ''))[1]}"


def client_address(request: Request) -> str:
    """Return the address that a request came from."""
    return (request.scope.get("client") or ("",))[0]


def user_of(request: Request) -> User:
    """Return who asks: whom the guard let in."""
    return getattr(request.state, "user", ANYBODY)


class Guard:
    """Middleware that refuses wrong hosts, other sites and whom the door does not let in.

    `hosts` are the names by which this service may be called (None: any). Without a password that
    is what keeps a page of another site from reading answers, by a name it points here (DNS
    rebinding). `Origin` keeps it from sending requests. Paths in `open_paths` need no password.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] | None,
        door: Door | None,
        open_paths: Collection[str] = (),
    ) -> None:
        self.app, self.hosts, self.door, self.open_paths = app, hosts, door, open_paths

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

        try:
            self._check_origin(Headers(scope=scope))
            if self.door is not None and scope["path"] not in self.open_paths:
                scope.setdefault("state", {})["user"] = await self._user(scope, self.door)
        except (Refused, Unavailable) as error:
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            else:
                await self._told(scope, error)(scope, receive, protected)
        else:
            await self.app(scope, receive, protected)

    def _check_origin(self, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.hosts is not None and _name(host) not in self.hosts:
            raise Refused(
                400, "This service is not called by that name. Use http://127.0.0.1 or localhost."
            )
        if origin is not None and _authority(origin) != host.lower():
            raise Refused(403, "A page of another site sent this. Open this service's own address.")

    async def _user(self, scope: Scope, door: Door) -> User:
        request = _request(scope)
        if (given := request.headers.get("authorization")) is not None:
            return await door.by_password(*of_header(given), client_address(request))
        user = door.by_session(request.cookies.get(session_cookie(request))) if door.form else None
        if user is None:
            raise Refused(401, WRONG)
        return user

    def _told(self, scope: Scope, error: Refused | Unavailable) -> Response:
        if not isinstance(error, Refused):
            return refusal(503, str(error))
        if error.status != 401:
            return refusal(error.status, str(error), error.headers)
        headers, form = Headers(scope=scope), self.door.form if self.door else ""
        if form and "text/html" in headers.get("accept", ""):
            url = _request(scope).url
            path = quote(f"{url.path}?{url.query}" if url.query else url.path)
            onwards = f"?to={path}" if scope["method"] == "GET" and path != "/" else ""
            return RedirectResponse(f"{form}{onwards}", 303, headers={"Cache-Control": "no-store"})
        if form and "sec-fetch-mode" in headers:
            return refusal(401, "You are not signed in any more. Load the page again.", FORM)
        return refusal(401, f"{error} Send them as HTTP Basic.", BASIC)


def _request(scope: Scope) -> Request:
    return Request({**scope, "type": "http"})  # of a websocket the same is looked at


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
