"""The page Cases: those that were saved, with notes and labels, to be looked at and trained on.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import FileResponse, RedirectResponse, Response

from zoo.base import patients
from zoo.base.errors import UnknownName
from zoo.base.explanations import Attribution
from zoo.base.pictures import images
from zoo.report.cases.overlays import overlay_jpeg, picture_jpeg
from zoo.web.app import templating
from zoo.web.app.case_folder import NOTES, CaseFolder, Changed
from zoo.web.app.read_page import IMAGE, open_here
from zoo.web.app.reading import find_reading
from zoo.web.app.saved_case import SavedCase
from zoo.web.app.shared import Shared
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.security import user_of
from zoo.web.service.uploads import Upload, accept

PAGE = "/cases"
CASE = f"{PAGE}/{{key}}"
SHOWN = 50

Text = Annotated[str, Form(max_length=NAME)]


def router(shared: Shared, folder: CaseFolder) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)

    def found(request: Request, key: str) -> SavedCase:
        return folder.find(key, user_of(request).name)

    def shown(case: SavedCase, status: int = 200, **values: Any) -> Response:
        return templating.page(
            "saved_case.html.j2",
            status=status,
            here=PAGE,
            case=case,
            answer=case.answer,
            chances=sorted(case.answer["probabilities"].items(), key=lambda one: -one[1]),
            **{
                "notes": case.notes,
                "label": case.label,
                "sentence": "",
                "most": NOTES,
                **values,
            },
        )

    @routes.get(PAGE)
    def overview(request: Request, page: Annotated[int, Query(ge=1, le=10_000)] = 1) -> Response:
        cases = folder.all(user_of(request).name)
        first = (page - 1) * SHOWN
        return templating.page(
            "cases.html.j2",
            here=PAGE,
            cases=cases[first : first + SHOWN],
            total=len(cases),
            labelled=sum(bool(one.label) for one in cases),
            differing=sum(bool(one.label) and one.label != _leaning(one) for one in cases),
            folder=str(folder.folder),
            source=shared.cases_source,
            number=page,
            more=len(cases) > first + SHOWN,
        )

    @routes.post(f"{IMAGE}/save")
    def save(request: Request, key: str, run: Text) -> Response:
        """Keep an image of the visitor with what a run said of it."""
        upload, reading = find_reading(request.state.visitor, key, run)
        asked = shared.run(run)
        rule = asked.record["data"]["patient_rule"]
        saved = folder.save(
            reading.shown,
            images.read_image(upload.content, name=upload.name, bits=asked.bits),
            user=user_of(request).name,
            digest=upload.digest,
            patient=patients.patient_of(rule, upload.name) if rule in patients.RULES else None,
        )
        return RedirectResponse(f"{PAGE}/{saved.id}", 303)

    @routes.post(f"{CASE}/read")
    async def read(request: Request, key: str) -> Response:
        """Open a case on the page Read: by the run that answered, or the newest if that is gone."""
        case = await run_in_threadpool(found, request, key)
        known = {run.name for run in await run_in_threadpool(shared.library.runs)}
        run = case.answer["run"] if case.answer["run"] in known else None

        def bring() -> Upload:
            return accept(folder.picture(case).read_bytes(), case.name, shared.library.limits)

        return await open_here(request, shared, run, bring)

    @routes.get(CASE)
    def look(request: Request, key: str) -> Response:
        return shown(found(request, key))

    @routes.post(CASE)
    def change(
        request: Request,
        key: str,
        version: Annotated[int, Form(ge=1)],
        label: Text = "",
        notes: Annotated[str, Form(max_length=2 * NOTES)] = "",
    ) -> Response:
        """Set label and notes; what somebody else wrote meanwhile is shown beside them."""
        notes = notes.replace("\r\n", "\n").strip()
        try:
            folder.change(
                key, user=user_of(request).name, label=label, notes=notes, version=version
            )
        except Changed as error:
            return shown(found(request, key), 409, notes=notes, label=label, sentence=str(error))
        return RedirectResponse(f"{PAGE}/{key}", 303)

    @routes.post(f"{CASE}/delete")
    def delete(request: Request, key: str) -> Response:
        folder.delete(key, user_of(request).name)
        return RedirectResponse(PAGE, 303)

    @routes.get(f"{CASE}/picture")
    def picture(request: Request, key: str) -> Response:
        return FileResponse(
            folder.picture(found(request, key)), media_type="image/png", headers=templating.PRIVATE
        )

    @routes.get(f"{CASE}/seen")
    def seen(request: Request, key: str) -> Response:
        """Return what the network saw, as it is drawn in reports."""
        case = found(request, key)
        content = picture_jpeg(folder.arrays(case)["pixels"], case.answer["box"], case.shape)
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    @routes.get(f"{CASE}/maps/{{method}}")
    def heat_map(request: Request, key: str, method: str) -> Response:
        case = found(request, key)
        told = next((one for one in case.answer["maps"] if one["method"] == method), None)
        if told is None:
            raise UnknownName("This case has no map of that method.")
        content = _overlay(folder.arrays(case), told, case)
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    return routes


def _leaning(case: SavedCase) -> str:
    return str(case.answer["predicted"])


def _overlay(arrays: dict[str, np.ndarray], told: dict[str, Any], case: SavedCase) -> bytes:
    target = case.class_names.index(told["target"])
    drawn = Attribution(told["method"], target, arrays[told["array"]], signed=told["signed"])
    return overlay_jpeg(arrays["pixels"], drawn, case.answer["box"], case.shape)
