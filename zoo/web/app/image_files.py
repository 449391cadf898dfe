"""The files of a visitor's images: pictures, maps, values for the viewer, tables and reports.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import json
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from zoo.base.errors import UnknownName
from zoo.interpret.case import Case
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating, worklist
from zoo.web.app.reading import depth_of, find_reading
from zoo.web.app.shared import Shared
from zoo.web.app.uploads import levels, picture
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.responses import cases_response
from zoo.web.service.schemas import Format

IMAGE = "/app/images/{key}"
LIST = "/app/list"
FORMS = ("html", "pdf", "json")

RunQuery = Annotated[str, Query(max_length=NAME)]


def router(shared: Shared) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Route)

    @routes.get(f"{IMAGE}/picture")
    def base(request: Request, key: str) -> Response:
        """Return the image for a browser to show."""
        visitor = request.state.visitor
        content = picture(visitor.upload(key), depth_of(visitor, key))
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    @routes.get(f"{IMAGE}/values")
    def values(request: Request, key: str) -> Response:
        """Return the gray values of a deep file, uint16; nothing (204) of another one."""
        visitor = request.state.visitor
        found = levels(visitor.upload(key), depth_of(visitor, key))
        if found is None:
            return Response(status_code=204, headers=templating.PRIVATE)
        height, width = found.values.shape
        told = {
            "width": width,
            "height": height,
            "low": found.low,
            "high": found.high,
            "black": found.black,
            "white": found.white,
        }
        return Response(
            found.values.astype("<u2").tobytes(),
            media_type="application/octet-stream",
            headers={**templating.PRIVATE, "X-Picture": json.dumps(told)},
        )

    @routes.get(f"{IMAGE}/thumbnail")
    def thumbnail(request: Request, key: str, run: RunQuery) -> Response:
        """Return the image for the list."""
        _, reading = find_reading(request.state.visitor, key, run)
        content = cards.thumbnail(reading.case)
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    @routes.get(f"{IMAGE}/maps/{{method}}")
    def heat_map(request: Request, key: str, method: str, run: RunQuery) -> Response:
        """Return a map alone, to be laid over the image."""
        _, reading = find_reading(request.state.visitor, key, run)
        for attribution in reading.case.attributions:
            if attribution.method == method:
                content = cards.layer(reading.case, attribution)
                return Response(content, media_type="image/png", headers=templating.PRIVATE)
        raise UnknownName("This image has no map of that method. Ask for it first.")

    @routes.get(f"{IMAGE}/report.{{form}}")
    def report(request: Request, key: str, form: str, run: RunQuery) -> Response:
        """Return what is known of the image as a file: HTML, PDF or JSON."""
        _, reading = find_reading(request.state.visitor, key, run)
        response = case_response(reading.shown, shared.run(run), form)
        name = reading.case.name.rpartition(".")[0] or reading.case.name
        return named(response, f"{name}-report.{form}")

    @routes.get(f"{LIST}.csv")
    def table(request: Request) -> Response:
        """Return what was answered to all images of the list, as a table."""
        readings = [reading for _, reading in worklist.listed(request.state.visitor)]
        text = worklist.table(readings)
        response = Response(text, media_type="text/csv; charset=utf-8", headers=templating.PRIVATE)
        return named(response, "images.csv")

    @routes.get(f"{LIST}.html")
    def reports(request: Request, run: RunQuery) -> Response:
        """Return one report of all images that a run has read."""
        listed = worklist.listed(request.state.visitor)
        cases = [reading.shown for _, reading in listed if reading.case.run == run]
        if not cases:
            raise UnknownName("This run has read no image of the list. Read one first.")
        return named(cases_response(cases, shared.run(run), Format.HTML), "images-report.html")

    return routes


def named(response: Response, name: str) -> Response:
    """Let a browser save what it gets under a name."""
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def case_response(case: Case, run: Run, form: str) -> Response:
    """Write the report of a case as `html`, `pdf` or `json`.

    Raises:
        UnknownName: another form.
    """
    if form == "pdf":
        from zoo.report.cases.panel import panel_pdf

        return Response(panel_pdf(case), media_type="application/pdf", headers=templating.PRIVATE)
    if form not in ("html", "json"):
        raise UnknownName.among("form of report", form, FORMS)
    return cases_response([case], run, Format(form))
