"""Connections: how long a request may take to arrive, and how many one client may hold.

uvicorn alone waits for the rest of a request, and for its answer to be read, as long as one likes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from zoo.web.service.addresses import Network, client_of, is_among
from zoo.web.service.limits import Limits
from zoo.web.service.schemas import refusal

logger = logging.getLogger(__name__)

FULL = "Too many connections are open from your address. Close some, or come again in a moment."
GRACE = 10.0
"""Seconds beyond a body's time: by then it was told that it is late, in words."""
SILENCE = 60.0
"""Seconds between two lines in the log on clients that were turned away."""


class Connections:
    """The open connections of a server, counted by client.

    Where there are too many, the one that has waited longest without asking anything makes room,
    of the same client or of all. So whoever only holds connections keeps nobody out. A client whose
    connections are all at work is told to come again. Proxies that are trusted stand for many
    clients, and may hold as many as all.
    """

    def __init__(self, limits: Limits, trusted: Sequence[Network] = ()) -> None:
        self.limits, self._trusted = limits, trusted
        self._of: defaultdict[str, dict[LimitedConnection, None]] = defaultdict(dict)
        self._open = 0
        self._idle: dict[LimitedConnection, None] = {}  # in the order in which they came to rest
        self._told = float("-inf")

    def __len__(self) -> int:
        return self._open

    def admit(self, connection: LimitedConnection) -> bool:
        """Take a new connection in, or tell that there is no room for it."""
        own = self._of.get(connection.origin, {})
        if len(own) >= self.limits.connections_each and not self._is_trusted(connection):
            spared = next((one for one in self._idle if one in own), None)
        elif self._open >= self.limits.connections:
            spared = next(iter(self._idle), None)
        else:
            return self._enter(connection)
        if spared is None:
            self._tell(connection)
            return False
        spared.end()
        return self._enter(connection)

    def rests(self, connection: LimitedConnection, resting: bool) -> None:
        """Note whether a connection has nothing to do: no whole head came, and all is sent."""
        if not resting:
            self._idle.pop(connection, None)
        elif connection in self._of.get(connection.origin, ()):
            self._idle.setdefault(connection)

    def leave(self, connection: LimitedConnection) -> None:
        """Let go of a connection."""
        self._idle.pop(connection, None)
        own = self._of.get(connection.origin, {})
        if connection in own:
            del own[connection]
            self._open -= 1
        if not own:
            self._of.pop(connection.origin, None)

    def _enter(self, connection: LimitedConnection) -> bool:
        self._of[connection.origin][connection] = None
        self._open += 1
        return True

    def _is_trusted(self, connection: LimitedConnection) -> bool:
        return connection.client is not None and is_among(connection.client[0], self._trusted)

    def _tell(self, connection: LimitedConnection) -> None:
        now = connection.loop.time()
        if now - self._told >= SILENCE:
            self._told = now
            logger.warning(
                "Connections are turned away: %d are open, all at work. The last came from %s.",
                self._open,
                connection.origin,
            )


class LimitedConnection(H11Protocol):
    """A connection on which a head, a body and the reading of an answer each have a deadline.

    A deadline counts from the moment something may begin; what arrives in between, however
    little at a time, does not move it.
    """

    shared: ClassVar[Connections]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.origin = ""
        self._stage: Any = None
        self._arriving: asyncio.TimerHandle | None = None
        self._sending: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, where there is room."""
        super().connection_made(transport)
        self.origin = client_of(self.client[0]) if self.client else ""
        if self.shared.admit(self):
            self._watch()
        else:
            transport.write(_turned_away(self.shared.limits.retry))
            transport.close()
            self._sending = self.loop.call_later(self.shared.limits.head_seconds, self.end)

    def connection_lost(self, exc: Exception | None) -> None:
        """End, and make room."""
        self._forget()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Take what has arrived, and look how far the request is."""
        if not self.transport.is_closing():
            super().handle_events()
            self._watch()

    def on_response_complete(self) -> None:
        """Go on when a whole answer was handed over; it has to be read in time."""
        super().on_response_complete()
        if self._sending is None and self.transport.get_write_buffer_size():
            self._sending = self.loop.call_later(self.shared.limits.seconds, self._unread)
        self._watch()

    def pause_writing(self) -> None:
        """Wait for a client that reads slowly, but not for ever."""
        super().pause_writing()
        if self._sending is None:
            self._sending = self.loop.call_later(self.shared.limits.seconds, self._unread)

    def resume_writing(self) -> None:
        """Go on: enough was read."""
        super().resume_writing()
        self._cancel_sending()
        if self.transport.get_write_buffer_size():
            self._sending = self.loop.call_later(self.shared.limits.seconds, self._unread)
        self._watch()

    def shutdown(self) -> None:
        """End with the server; a body that is still arriving is not waited for."""
        if self.conn.their_state is h11.SEND_BODY:
            self.end()
        else:
            super().shutdown()

    def end(self) -> None:
        """Close at once, whatever has not arrived or was not sent."""
        self._forget()
        self.transport.abort()

    def _watch(self) -> None:
        """Set a deadline whenever the request has come to another stage."""
        stage, limits = self.conn.their_state, self.shared.limits
        if self.transport.is_closing():
            return
        self.shared.rests(self, resting=stage is h11.IDLE and self._sending is None)
        if stage is self._stage:
            return
        self._stage = stage
        if self._arriving is not None:
            self._arriving.cancel()
        seconds = {h11.IDLE: limits.head_seconds, h11.SEND_BODY: limits.seconds + GRACE}.get(stage)
        self._arriving = None if seconds is None else self.loop.call_later(seconds, self.end)

    def _unread(self) -> None:
        self._sending = None
        if self.transport.get_write_buffer_size():
            self.end()
        else:
            self._watch()

    def _cancel_sending(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            self._sending = None

    def _forget(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
        self._cancel_sending()
        self.shared.leave(self)


def limited(connections: Connections) -> type[LimitedConnection]:
    """Return what uvicorn makes of each connection (its setting `http`), counted together."""

    class Connection(LimitedConnection):
        shared = connections

    return Connection


def _turned_away(retry: int) -> bytes:
    told = refusal(503, FULL, {"Retry-After": str(retry), "Connection": "close"})
    head = b"".join(b"%s: %s\r\n" % pair for pair in told.raw_headers)
    return b"HTTP/1.1 503 Service Unavailable\r\n%s\r\n%s" % (head, told.body)
