"""An application on a port: uvicorn, with limited connections and an end that comes soon."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from zoo.web.service.addresses import Network
from zoo.web.service.connections import Connections, limited

GRACE = 3
"""Seconds in which answers that are under way may still be sent when the server is to end."""


class Server(uvicorn.Server):
    """A server that lets go of long work as soon as it is told to end, not after the grace."""

    def __init__(self, config: uvicorn.Config, ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and end those there are."""
        self._ending()
        await super().shutdown(sockets)


def server(app: FastAPI, trusted: Sequence[Network] = ()) -> Server:
    """Return a server of an application, within the limits of its library.

    What proxies at `trusted` addresses say of their clients (`X-Forwarded-For`) is believed.
    """
    library = app.state.desk.library
    app.state.connections = Connections(library.limits, trusted)
    config = uvicorn.Config(
        app,
        http=limited(app.state.connections),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=list(map(str, trusted)),
        timeout_graceful_shutdown=GRACE,
        ws="none",
    )
    return Server(config, library.close)
