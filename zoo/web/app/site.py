"""The application as one: the service, its pages, and errors that people can read."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from fastapi import APIRouter, FastAPI, Request
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response

from zoo.web.app import cases_page, learn_page, sign_in, templating, worklist_page
from zoo.web.app.case_folder import CaseFolder
from zoo.web.app.cell_page import router as cells
from zoo.web.app.collect_page import router as collect
from zoo.web.app.compare_page import router as compare
from zoo.web.app.data_page import router as data
from zoo.web.app.image_files import router as files
from zoo.web.app.managing import router as managing
from zoo.web.app.read_page import router as read
from zoo.web.app.run_curves_page import router as run_curves
from zoo.web.app.run_work import router as run_work
from zoo.web.app.runs_page import router as runs
from zoo.web.app.shared import Shared, sources_of
from zoo.web.app.tasks import Tasks
from zoo.web.app.train_page import router as train
from zoo.web.app.trainings import Trainings
from zoo.web.app.visitors import COOKIE, Visitors
from zoo.web.app.watching import Watching
from zoo.web.app.words import for_a_page
from zoo.web.service import api
from zoo.web.service.door import Keys
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.schemas import refusal
from zoo.web.service.security import LOOPBACK, user_of
from zoo.web.service.users import Users
from zoo.workflows.collected_data import LIMIT

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGES = (read, files, compare, runs, cells, managing, run_work, run_curves, collect, data, train)
READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""


def create(
    library: Library,
    sources: Sequence[str] = (),
    *,
    auth: Keys | None = None,
    journal: Journal | None = None,
    hosts: Collection[str] | None = LOOPBACK,
    cases: CaseFolder | None = None,
    watched: Path | None = None,
    intake: Path | None = None,
    room: int = LIMIT,
) -> FastAPI:
    """Build the application on top of the HTTP service, for the library's runs and some data.

    `sources` are the data sets that its pages may open; `cases` is where cases may be saved,
    `watched` a folder that fills the worklist. Browsers may send data sets, of at most `room` bytes
    together, into the folder `intake`; None: they may not. The others are as for the service.

    Raises:
        BadInput: there is no such folder.
    """
    signs_in = isinstance(auth, Users)
    app = api.create(
        library,
        auth=auth,
        journal=journal,
        hosts=hosts,
        form=sign_in.PAGE if signs_in else "",
        open_paths=sign_in.OPEN if signs_in else (),
    )
    strangers = app.state.paths | {sign_in.PAGE}
    shared = Shared(
        library,
        Visitors(),
        Tasks(),
        sources_of(sources),
        app.state.desk,
        intake,
        room,
        cases=None if cases is None or signs_in else cases.folder,  # each person sees their own
    )
    for router in routers(shared):
        app.include_router(router, include_in_schema=False)
    _follow(shared)
    navigation: tuple[tuple[str, str], ...] = templating.NAVIGATION
    if cases is not None:
        app.include_router(cases_page.router(shared, cases), include_in_schema=False)
        navigation += (("Cases", cases_page.PAGE),)
    app.include_router(learn_page.router(shared, cases), include_in_schema=False)
    if watched is not None:
        watching = Watching(watched, shared.desk)
        follow = shared.desk.metrics.follow
        follow("zoo_watched_waiting", "Files that have no answer yet.", lambda: watching.waiting)
        follow("zoo_watched_answered", "Files that were answered.", lambda: watching.answered)
        follow("zoo_watched_broken", "Files that cannot be read.", lambda: watching.broken)
        app.include_router(worklist_page.router(shared, watching), include_in_schema=False)
        navigation = (navigation[0], ("Worklist", worklist_page.PAGE), *navigation[1:])
    if signs_in:
        app.include_router(sign_in.router(app.state.door), include_in_schema=False)
    app.add_api_route("/static/{name}", templating.static, methods=["GET"], include_in_schema=False)
    _tell_people(app)
    # The innermost one: whom the guard refuses is no visitor.
    app.user_middleware.append(
        Middleware(
            VisitorCookie,
            visitors=shared.visitors,
            strangers=strangers,
            around=templating.Around(navigation=navigation, saves=cases is not None),
        )
    )
    return app


def _follow(shared: Shared) -> None:
    """Tell Prometheus of those who look, what is held for them, and of trainings."""
    follow, visitors = shared.desk.metrics.follow, shared.visitors
    follow("zoo_visitors", "Browsers and users that are known.", lambda: len(visitors))
    follow("zoo_held_bytes", "Bytes of images that are held for them.", lambda: visitors.bytes)
    trainings = Trainings(shared.folder)
    follow("zoo_trainings", "Trainings that run.", lambda: len(trainings.alive()))


class VisitorCookie:
    """Middleware that knows a browser again by a cookie that no script can read.

    Who has a name is known by that, in whatever browser. Addresses of the HTTP service and files
    need no visitor. What changes something is refused when a page of another site sent it.
    """

    def __init__(
        self,
        app: ASGIApp,
        visitors: Visitors,
        strangers: Collection[str],
        around: templating.Around,
    ) -> None:
        self.app, self.visitors, self.strangers, self.around = app, visitors, strangers, around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its visitor in `request.state.visitor`."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        if request.method not in READING and request.headers.get("sec-fetch-site", "none") not in (
            "same-origin",
            "none",
        ):
            sentence = "A page of another site sent this. Open this service's own address."
            await refusal(403, sentence)(scope, receive, send)
            return
        if scope["path"] in self.strangers or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return
        user = user_of(request)
        templating.AROUND.set(replace(self.around, user=user.name, may_train=user.may_train))
        if user.name:
            request.state.visitor = self.visitors.named(user.name)
            await self.app(scope, receive, send)
            return
        port = (scope.get("server") or ("", ""))[1]
        cookie = f"{COOKIE}_{port}"  # a browser keeps one cookie of a name for all ports
        visitor = self.visitors.meet(request.cookies.get(cookie))
        request.state.visitor = visitor

        async def introduced(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = Response()
                told.set_cookie(
                    cookie,
                    visitor.key,
                    httponly=True,
                    samesite="strict",
                    secure=scope["scheme"] == "https",
                )
                MutableHeaders(scope=message).append("set-cookie", told.headers["set-cookie"])
            await send(message)

        known = request.cookies.get(cookie) == visitor.key
        await self.app(scope, receive, send if known else introduced)


def _tell_people(app: FastAPI) -> None:
    """Answer a browser that asked for a page with a page when something went wrong."""
    for kind, handler in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _as_page(handler))


def _as_page(handler: Any) -> Any:
    async def told(request: Request, error: Exception) -> Response:
        response = await handler(request, error)
        page = "text/html" in request.headers.get("accept", "")
        if not page and not request.url.path.startswith("/app/"):
            return response
        told = json.loads(response.body)
        sentence = for_a_page(told["error"])
        if not page:
            content = {**told, "error": sentence}
            return JSONResponse(content, response.status_code, headers=templating.PRIVATE)
        return templating.page(
            "error.html.j2", status=response.status_code, sentence=sentence, back=_before(request)
        )

    return told


def _before(request: Request) -> str:
    """Return the page of this application from which a browser came; empty when none is known."""
    came, here = urlsplit(request.headers.get("referer", "")), request.url
    if came.netloc != here.netloc or (request.method == "GET" and came.path == here.path):
        return ""
    return urlunsplit(("", "", came.path, came.query, "")) if came.path[1:2] != "/" else ""


def routers(shared: Shared) -> list[APIRouter]:
    """Return the routes of every page."""
    return [router(shared) for router in PAGES]
