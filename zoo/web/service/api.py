"""The HTTP API as one application: routes, limits, guard, metrics and how errors are told."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response

from zoo import DISCLAIMER, __version__
from zoo.base.errors import BadInput, InvalidSetting, UnknownName, ZooError
from zoo.web.service.bodies import Bounded
from zoo.web.service.documentation import documentation
from zoo.web.service.door import Door, Keys, Refused
from zoo.web.service.endpoints import OPEN, Desk, router
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.limits import Expired, TooLarge, Unavailable
from zoo.web.service.metrics import Measured, Metrics
from zoo.web.service.schemas import refusal
from zoo.web.service.security import LOOPBACK, PAGE_POLICY, Guard

logger = logging.getLogger(__name__)

DOCUMENTATION, OPENAPI = "/docs", "/openapi.json"
DESCRIPTION = f"""\
Classify and explain medical images with a trained run. **{DISCLAIMER}**

Uploads are kept in memory while they are answered and never written to disk.
"""
NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
STATUS: Mapping[type[ZooError], int] = {
    TooLarge: 413,
    BadInput: 422,
    UnknownName: 404,
    InvalidSetting: 400,
    Unavailable: 503,
}
"""The first that fits; any other ZooError is of the server's making, such as a damaged run."""


def create(
    library: Library,
    *,
    auth: Keys | None = None,
    journal: Journal | None = None,
    hosts: Collection[str] | None = LOOPBACK,
    form: str = "",
    open_paths: Collection[str] = (),
) -> FastAPI:
    """Build the application for a library's runs, within the library's limits.

    `hosts` are the names by which it may be called; None: any, which needs a password. What is
    built on top of it notes its answers at the same desk, `state.desk`, and lets people in by the
    same door, `state.door`, at its page `form`; it names the paths that need no password. Those of
    the service itself are `state.paths`.
    """
    metrics = Metrics((library.answering, library.explaining))
    library.tell(metrics.step)
    metrics.follow("zoo_runs_loaded", "Runs that are ready.", lambda: len(library.loaded))
    app = FastAPI(
        title="xray-zoo",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=OPENAPI,
        lifespan=_lifespan(library),
        telemetry=NO_TELEMETRY,
    )
    app.state.desk = Desk(library, metrics, journal)
    app.state.door = door = None if auth is None else Door(auth, journal, form)
    if door is not None:
        metrics.follow(
            "zoo_users_signed_in", "Users with a session.", lambda: len(door.sessions.names())
        )
    served = router(app.state.desk)
    app.include_router(served)
    # Not from the description of the API, which is made when somebody asks for it.
    app.state.paths = {DOCUMENTATION, OPENAPI}.union(
        route.path for route in served.routes if isinstance(route, APIRoute)
    )

    @app.get(DOCUMENTATION, include_in_schema=False)
    def page() -> HTMLResponse:
        return HTMLResponse(
            documentation(app.openapi()), headers={"Content-Security-Policy": PAGE_POLICY}
        )

    app.add_exception_handler(ZooError, _zoo_error(library))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _field_error)
    app.add_exception_handler(Exception, _bug)
    app.add_middleware(Bounded, limits=library.limits)
    app.add_middleware(Guard, hosts=hosts, door=door, open_paths=OPEN.union(open_paths))
    app.add_middleware(Measured, metrics=metrics, routes=app.state.paths)
    return app


def _lifespan(library: Library) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if library.runs():  # loaded by the queue, so that the service is told to be alive meanwhile
            library.answer(None, lambda _: None).add_done_callback(_tell)
        yield
        library.close()

    return lifespan


def _tell(loaded: Any) -> None:
    error = None if loaded.cancelled() else loaded.exception()
    if error is not None and not isinstance(error, Expired):  # which only the end of the service is
        logger.error("The default run cannot be loaded: %s", error)


def _zoo_error(library: Library) -> Any:
    async def handler(_: Request, error: Exception) -> Response:
        if isinstance(error, Refused):
            return refusal(error.status, str(error), error.headers)
        status = next((code for kind, code in STATUS.items() if isinstance(error, kind)), None)
        if status is None:  # its sentence is for the operator: it names folders of this machine
            logger.error("%s", error)
            return refusal(503, "This cannot be answered now. Tell the operator to see the log.")
        retry = {"Retry-After": str(library.limits.retry)} if status == 503 else None
        return refusal(status, str(error), retry)

    return handler


async def _http_error(_: Request, error: Any) -> Response:
    sentence = str(error.detail).rstrip(".") + "."
    if error.status_code == 404:
        sentence = f"There is nothing at this address. See {DOCUMENTATION}."
    elif error.status_code == 405:
        sentence = f"This address takes other methods. See {DOCUMENTATION}."
    return refusal(error.status_code, sentence, error.headers)


async def _field_error(_: Request, error: Any) -> Response:
    told = [f"'{'.'.join(map(str, e['loc'][1:]))}': {e['msg']}" for e in error.errors()[:5]]
    return refusal(422, f"{'; '.join(told)}. See {DOCUMENTATION}.")


async def _bug(_: Request, __: Exception) -> JSONResponse:
    """Answer to a bug; the server logs its trace."""
    return refusal(500, "Something went wrong in the service. Tell the operator to see the log.")
