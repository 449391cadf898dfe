"""The page Compare: one image, several runs, where they agree and where they differ.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.responses import JSONResponse, Response

from zoo.base.errors import BadInput, InvalidSetting
from zoo.interpret.case import Case
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK, Trust
from zoo.report.cases.page import beside_map
from zoo.report.cases.text import agreement_text, probability_texts
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating
from zoo.web.app.agreement import answer_agreement, map_agreement
from zoo.web.app.reading import Reading, find_reading, judge_reading, keep_reading
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.app.uploads import check_uploads
from zoo.web.app.visitors import Visitor
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.responses import run_response
from zoo.web.service.uploads import Upload, as_images

PAGE = "/compare"
MOST = 8
"""Runs of one comparison: each is loaded, which takes seconds."""
WORST_FIRST = (DO_NOT_USE, WEAK, NOT_JUDGED, HOLDS_UP)

RunNames = Annotated[list[str], Form(max_length=MOST)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    library = shared.library

    @routes.get(PAGE)
    def page(request: Request, image: Annotated[str, Query(max_length=NAME)] = "") -> Response:
        runs = list(reversed(library.runs()))
        known = request.state.visitor.uploads.get(image)
        return templating.page(
            "compare.html.j2",
            here=PAGE,
            runs=[
                run_response(run, default=False, loaded=run.name in library.loaded) for run in runs
            ],
            image=image if known else "",
            name=known.name if known else "",
            most=1,
            most_runs=MOST,
        )

    @routes.post("/app/compare")
    async def compare(
        request: Request,
        runs: RunNames,
        files: Annotated[list[UploadFile] | None, File()] = None,
        image: Annotated[str, Form(max_length=NAME)] = "",
    ) -> Response:
        """Start to compare what runs say of an image: one that is sent, or one that was."""
        visitor: Visitor = request.state.visitor
        names = list(dict.fromkeys(runs))
        if len(names) < 2:
            raise InvalidSetting("Choose two runs or more: one alone has nothing to differ from.")
        for name in names:
            shared.run(name)
        if image and not any(file.filename for file in files or ()):
            upload = visitor.upload(image)
        else:
            sent = await check_uploads(files or (), library.limits)
            if sent.problems:
                raise BadInput(sent.problems[0])
            upload = sent.uploads[0]
            image = shared.visitors.bring(visitor, upload)

        def work(task: Task) -> None:
            ask_all(shared, visitor, image, upload, names, task)

        task = shared.tasks.start(visitor.key, "comparing", library.explaining, work)
        return JSONResponse({"image": image, "task": task.told()}, headers=templating.PRIVATE)

    @routes.post("/app/images/{key}/comparison/judge")
    def judge(request: Request, key: str, runs: RunNames) -> Response:
        """Start to judge the maps of each run that nobody has judged yet."""
        visitor: Visitor = request.state.visitor
        found = [(name, *find_reading(visitor, key, name)) for name in dict.fromkeys(runs)]

        def work(task: Task) -> None:
            for name, upload, reading in found:
                if reading.unjudged:
                    task.start(f"loading {name}", 0)
                    engine = library.engine(name)
                    judge_reading(engine, upload, reading, (), task, shared.durations)

        task = shared.tasks.start(visitor.key, "judging", library.explaining, work)
        return JSONResponse(dict(task.told()), headers=templating.PRIVATE)

    @routes.get("/app/images/{key}/comparison")
    def comparison(
        request: Request, key: str, run: Annotated[list[str], Query(max_length=MOST)]
    ) -> Response:
        """Return what the runs said, side by side, as a part of the page."""
        readings = [find_reading(request.state.visitor, key, name)[1] for name in run]
        part = templating.part(
            "compared.html.j2", **compared(key, readings, [shared.run(name) for name in run])
        )
        unjudged = any(reading.unjudged for reading in readings)
        return JSONResponse({"part": part, "unjudged": unjudged}, headers=templating.PRIVATE)

    return routes


def ask_all(
    shared: Shared, visitor: Visitor, key: str, upload: Upload, names: Sequence[str], task: Task
) -> None:
    """Let each run answer and explain, one after the other."""
    task.start("loading the runs", len(names))
    for done, name in enumerate(names):
        reading = visitor.results.get(key, {}).get(name)
        if reading is None:
            task.start(f"asking {name}", len(names))
            task.done = done
            engine = shared.library.engine(name)
            case = engine.read(upload)
            shared.desk.note_cases(engine.run, [(upload, case)])
            reading = keep_reading(visitor, key, case, engine.run, listed=False)
        if not reading.explained:
            task.start(f"explaining with {name}", len(names))
            task.done = done
            engine = shared.library.engine(name)
            cases = engine.interpreter(trust=False).cases(as_images([upload], engine.run))
            reading.add(cases[0])
    task.done = len(names)


def worst(cases: Sequence[Case], method: str) -> Trust | None:
    """Return the worst verdict on the maps of a method; None while one of them has none."""
    maps = [case for case in cases if any(one.method == method for one in case.attributions)]
    verdicts = [case.trust.get(method) for case in maps]
    known = [verdict for verdict in verdicts if verdict is not None]
    if len(known) < len(verdicts):
        return None
    return min(known, key=lambda verdict: WORST_FIRST.index(verdict.level), default=None)


def left_out(reading: Reading) -> list[tuple[str, str]]:
    """Return the methods whose maps are not shown, since they ignore the network, and why."""
    kept = {one.method for one in reading.shown.attributions}
    trust = reading.case.trust
    return [
        (one.method, trust[one.method].reason)
        for one in reading.case.attributions
        if one.method not in kept
    ]


def compared(key: str, readings: Sequence[Reading], runs: Sequence[Run]) -> dict[str, Any]:
    """Return what the part of the page shows."""
    shown = [reading.shown for reading in readings]
    methods = list(dict.fromkeys(one.method for case in shown for one in case.attributions))
    return {
        "key": key,
        "name": shown[0].name,
        "positive": shown[0].class_names[readings[0].positive],
        "sentences": answer_agreement(shown, [reading.positive for reading in readings]),
        "likeness": map_agreement(shown),
        "group": f"map-{key}",
        "opacity": cards.OPACITY_AT_FIRST,
        "methods": [{"method": method, "trust": worst(shown, method)} for method in methods],
        "rows": [
            {
                **cards.answer_part(reading.case, reading.positive),
                "picture": cards.picture_part(reading),
                "maps": [beside_map(case, one) for one in case.attributions],
                "left_out": left_out(reading),
                "chance": probability_texts(case)[reading.positive],
                "threshold": case.threshold,
                "near": next((agreement_text(case, one) for one in case.examples), ""),
                "about": run_response(run, default=False, loaded=True),
            }
            for reading, case, run in zip(readings, shown, runs, strict=True)
        ],
    }
