"""The page Data: check a data set before it is trained on, and see what was found."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from zoo.base.errors import InvalidSetting
from zoo.base.patients import how_known
from zoo.web.app import templating
from zoo.web.app.checks import Checks, Found
from zoo.web.app.collect_page import address_of, changes_for, mendable
from zoo.web.app.shared import LONGEST_SOURCE, Shared
from zoo.web.app.tasks import DONE, Task
from zoo.web.service.bodies import Route
from zoo.web.service.security import PAGE_POLICY
from zoo.workflows.collected_data import collected, room_left

PAGE = "/data"
NAMES = 5
MENDED = 48
"""Images of a finding that can be mended on the page of a check."""

Source = Annotated[str, Form(max_length=LONGEST_SOURCE)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    checks = Checks(shared)

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        checks.close()

    routes = APIRouter(route_class=Route, lifespan=lifespan)

    def owned(request: Request, key: str) -> Task:
        return shared.tasks.find(request.state.visitor.key, key)

    @routes.get(PAGE)
    def overview(request: Request) -> Response:
        folder = shared.intake
        sent = [] if folder is None else [(one, address_of(one)) for one in collected(folder)]
        return templating.page(
            "data.html.j2",
            here=PAGE,
            sources=shared.sources,
            started=checks.of(request.state.visitor.key),
            intake=shared.intake is not None,
            sent=sent,
            left=0 if folder is None else room_left(folder, shared.room),
        )

    @routes.post(f"{PAGE}/check")
    def start(
        request: Request,
        source: Source = "",
        other: Source = "",
    ) -> Response:
        if source == other:
            raise InvalidSetting("A data set cannot be compared with itself. Choose another one.")
        asked, against = shared.source(source), shared.source(other) if other else None
        sent = mendable(shared, asked)
        title = f"Check of {sent.name if sent else asked}"
        task = checks.start(request.state.visitor.key, title, asked, against)
        return RedirectResponse(f"{PAGE}/check/{task.id}", 303)

    @routes.get(f"{PAGE}/check/{{key}}")
    def look(request: Request, key: str) -> Response:
        task = owned(request, key)
        checked = checks.found(task) if task.state == DONE else None
        return templating.page(
            "check_task.html.j2",
            here=PAGE,
            task=task.told(),
            ended=task.ended,
            found=checked,
            patients_known=how_known(checked.result) if checked else "",
            findings=_findings(checked) if checked else [],
            mended=_mended(shared, checked) if checked else None,
        )

    @routes.get(f"{PAGE}/check/{{key}}/report")
    def report(request: Request, key: str) -> Response:
        headers = {**templating.PRIVATE, "Content-Security-Policy": PAGE_POLICY}
        return HTMLResponse(checks.found(owned(request, key)).page, headers=headers)

    @routes.get(f"{PAGE}/check/{{key}}/check.json")
    def data(request: Request, key: str) -> Response:
        content = json.dumps(checks.found(owned(request, key)).result, indent=1, allow_nan=False)
        headers = {**templating.PRIVATE, "Content-Disposition": 'attachment; filename="check.json"'}
        return Response(content, media_type="application/json", headers=headers)

    return routes


def _findings(checked: Found) -> list[dict[str, Any]]:
    """Return the findings with the first names that each is about."""
    rows = []
    for finding in checked.result["findings"]:
        about = finding["names"] or [", ".join(group) for group in finding["groups"]]
        mend = [*finding["names"], *(name for group in finding["groups"] for name in group)]
        rows.append(
            {
                **finding,
                "about": about[:NAMES],
                "more": max(0, len(about) - NAMES),
                "mend": list(dict.fromkeys(mend))[:MENDED],
            }
        )
    return rows


def _mended(shared: Shared, checked: Found) -> dict[str, Any] | None:
    """Return what the page needs to mend findings of a data set that was sent; None for others."""
    one = mendable(shared, checked.result["source"])
    if one is None:
        return None
    told = {entry["image"]: f"{entry['change']} {entry['to']}".strip() for entry in one.changes}
    return {
        "name": one.name,
        "address": address_of(one),
        "choices": changes_for(one, checked.result["class_names"]),
        "done": told,
    }
