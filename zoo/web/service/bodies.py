"""Request bodies: limited while they arrive, kept in memory, never written to disk."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from fastapi.routing import APIRoute
from starlette.datastructures import FormData, Headers
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from zoo.web.service.limits import MEGABYTE, Limits
from zoo.web.service.schemas import refusal

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSE = {"Connection": "close"}


class Bounded:
    """Middleware that ends a request whose body is too large, too slow, or one too many.

    Bytes are counted as they arrive, of one request and of all requests together, so that nobody
    fills the memory by sending, whatever is declared.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self.app, self.limits, self.held = app, limits, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a body that is counted."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and self._too_large(int(declared[:20])):
            await refusal(413, self._sentence, CLOSE)(scope, receive, send)
            return
        own, complete = 0, False
        end = asyncio.get_running_loop().time() + self.limits.seconds

        async def counted() -> Message:
            nonlocal own, complete
            if complete:
                return await receive()
            try:
                async with asyncio.timeout_at(end):
                    message = await receive()
            except TimeoutError as error:
                sentence = f"The body did not arrive within {self.limits.seconds:.0f} seconds."
                raise HTTPException(408, sentence, CLOSE) from error
            size = len(message.get("body", b""))
            own, self.held = own + size, self.held + size
            if self._too_large(own):
                raise HTTPException(413, self._sentence, CLOSE)
            if self.held > self.limits.held_bytes:
                headers = {**CLOSE, "Retry-After": str(self.limits.retry)}
                sentence = "Too much is being sent at once. Send it again in a few seconds."
                raise HTTPException(503, sentence, headers)
            complete = not message.get("more_body", False)
            return message

        try:
            await self.app(scope, counted, send)
        finally:
            self.held -= own

    def _too_large(self, size: int) -> bool:
        return size > self.limits.request_bytes

    @property
    def _sentence(self) -> str:
        limit = self.limits.request_bytes / MEGABYTE
        return f"The request has more than {limit:.3g} MB. Send fewer or smaller files."


class _Parser(MultiPartParser):
    spool_max_size = sys.maxsize  # a form is kept in memory; how large it is was limited before


class _InMemory(Request):
    """A request whose uploads are never spooled to a temporary file."""

    async def form(self, **limits: Any) -> FormData:  # type: ignore[override]
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "multipart/form-data":
            return await super().form(**limits)
        try:
            async with aclosing(self.stream()) as stream:
                return await _Parser(self.headers, stream, **limits).parse()
        except MultiPartException as error:
            raise HTTPException(400, error.message) from error


class Route(APIRoute):
    """A route whose forms stay in memory."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, given a request that parses its form in memory."""
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            return await handler(_InMemory(request.scope, request.receive))

        return handle
