"""The page Worklist: the images that came into the watched folder, with what was answered.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zoo import DISCLAIMER
from zoo.base.number_text import probability
from zoo.web.app import templating
from zoo.web.app.read_page import open_here
from zoo.web.app.shared import Shared
from zoo.web.app.watching import MOST, Watching
from zoo.web.service.bodies import Route

PAGE, API = "/worklist", "/api/worklist"
SHOWN = 100

Limit = Annotated[int, Query(ge=1, le=MOST)]


def router(shared: Shared, watching: Watching) -> APIRouter:
    """Return the routes of the page."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        watching.start()
        yield
        watching.close()

    routes = APIRouter(route_class=Route, lifespan=lifespan)

    def rows() -> str:
        items = [
            (item, probability(item.probabilities[item.leaning]) if item.probabilities else "")
            for item in watching.items[:SHOWN]
        ]
        return templating.part("worklist_rows.html.j2", items=items, waiting=watching.waiting)

    @routes.get(PAGE)
    def page() -> Response:
        return templating.page("worklist.html.j2", here=PAGE, rows=rows(), shown=SHOWN)

    @routes.get(f"{PAGE}/rows")
    def part() -> Response:
        return JSONResponse({"part": rows()}, headers=templating.PRIVATE)

    @routes.get(API)
    def data(limit: Limit = SHOWN) -> Response:
        """Return the worklist, the newest first."""
        return JSONResponse(
            {
                "disclaimer": DISCLAIMER,
                "waiting": watching.waiting,
                "items": [item.told() for item in watching.items[:limit]],
            },
            headers=templating.PRIVATE,
        )

    @routes.post(f"{PAGE}/{{key}}/read")
    async def read(request: Request, key: str) -> Response:
        """Bring a file to the page Read of whoever asks."""
        upload = await run_in_threadpool(watching.upload, key)
        return await open_here(request, shared, None, lambda: upload)

    return routes
