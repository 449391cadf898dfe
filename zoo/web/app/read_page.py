"""The page Read: an image in, the answer at once, then why, and what that is worth.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zoo.base.errors import UnknownName, ZooError
from zoo.base.explanations import AUTO
from zoo.interpret.case import Case
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating
from zoo.web.app import reading as readings
from zoo.web.app.reading import Reading
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.app.uploads import check_uploads, picture
from zoo.web.app.visitors import Visitor
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.engine import Engine
from zoo.web.service.queue import Deadline, result_of
from zoo.web.service.responses import cases_response
from zoo.web.service.schemas import Format
from zoo.web.service.uploads import Upload

PAGE = "/"
IMAGE = "/app/images/{key}"

RunName = Annotated[str, Form(max_length=NAME)]
MethodName = Annotated[str | None, Form(max_length=NAME)]
RunQuery = Annotated[str, Query(max_length=NAME)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page, and those of its images and tasks."""
    routes = APIRouter(route_class=Route)
    library = shared.library
    explainers = library.registry.explainers

    def shown(key: str, reading: Reading) -> dict[str, Any]:
        return cards.card(key, reading, explainers)

    def start(
        request: Request,
        key: str,
        run: str,
        method: str | None,
        work: Callable[[Engine, Upload, Reading, Sequence[str], Task], None],
    ) -> Response:
        visitor = request.state.visitor
        upload, reading = readings.find_reading(visitor, key, run)
        methods = () if method is None else (method,)
        if method not in (None, AUTO):
            library.registry.explainer(method)

        def done(task: Task) -> None:
            work(library.engine(run), upload, reading, methods, task)

        return task_response(
            shared.tasks.start(visitor.key, "explaining", library.explaining, done)
        )

    @routes.get(PAGE)
    def page(request: Request) -> Response:
        runs = library.runs()
        kept = [
            shown(key, reading)
            for key, of_runs in reversed(request.state.visitor.results.copy().items())
            for reading in of_runs.copy().values()
            if isinstance(reading, Reading) and reading.listed
        ]
        return templating.page(
            "read.html.j2",
            here=PAGE,
            runs=[(run.name, run.record["data"]["synthetic"]) for run in reversed(runs)],
            default=library.default if runs else "",
            cards=kept,
            most=library.limits.files,
        )

    @routes.post("/app/read")
    async def read(
        request: Request, run: RunName, files: Annotated[list[UploadFile], File()]
    ) -> Response:
        """Answer to each image that can be read; a sentence for each that cannot."""
        visitor: Visitor = request.state.visitor
        deadline = Deadline(library.limits.seconds)
        sent = await check_uploads(files, library.limits)

        def work(engine: Engine) -> tuple[list[tuple[str, Reading]], list[str]]:
            made, problems = [], list(sent.problems)
            for upload in sent.uploads:
                deadline.check()
                try:
                    case = engine.read(upload)
                except ZooError as error:
                    problems.append(str(error))
                    continue
                shared.desk.note_cases(engine.run, [(upload, case)])
                key = shared.visitors.bring(visitor, upload)
                made.append((key, readings.keep_reading(visitor, key, case, engine.run)))
            return made, problems

        answered = library.answer(run, work, deadline)
        made, problems = await result_of(request, answered, deadline)
        drawn = await run_in_threadpool(
            lambda: [templating.part("reading.html.j2", card=shown(*one)) for one in made]
        )
        return JSONResponse({"cards": drawn, "problems": problems}, headers=templating.PRIVATE)

    @routes.post(f"{IMAGE}/explain")
    def explain(request: Request, key: str, run: RunName, method: MethodName = None) -> Response:
        """Start explaining, with the default methods or one that is named."""
        return start(request, key, run, method, readings.explain_reading)

    @routes.post(f"{IMAGE}/judge")
    def judge(request: Request, key: str, run: RunName, method: MethodName = None) -> Response:
        """Start judging the maps of quick methods that were not judged yet, or one that is named.

        A slow method has to be tried on many networks, which takes minutes.
        """
        return start(request, key, run, method, readings.judge_reading)

    @routes.get(f"{IMAGE}/explanation")
    def explanation(request: Request, key: str, run: RunQuery) -> Response:
        """Return the parts of a card that change when an explanation has come in."""
        _, reading = readings.find_reading(request.state.visitor, key, run)
        card = shown(key, reading)
        names = ("layers", "controls", "about", "similar", "further")
        told = {name: templating.part(f"{name}.html.j2", card=card) for name in names}
        state = {"explained": card["explained"], "unjudged": card["unjudged"]}
        return JSONResponse({"parts": told, **state}, headers=templating.PRIVATE)

    @routes.get(f"{IMAGE}/picture")
    def base(request: Request, key: str) -> Response:
        """Return the image for a browser to show."""
        content = picture(request.state.visitor.upload(key))
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    @routes.get(f"{IMAGE}/maps/{{method}}")
    def heat_map(request: Request, key: str, method: str, run: RunQuery) -> Response:
        """Return a map alone, to be laid over the image."""
        _, reading = readings.find_reading(request.state.visitor, key, run)
        for attribution in reading.case.attributions:
            if attribution.method == method:
                content = cards.layer(reading.case, attribution)
                return Response(content, media_type="image/png", headers=templating.PRIVATE)
        raise UnknownName("This image has no map of that method. Ask for it first.")

    @routes.get(f"{IMAGE}/report.{{form}}")
    def report(request: Request, key: str, form: str, run: RunQuery) -> Response:
        """Return what is known of the image as a file: HTML, PDF or JSON."""
        _, reading = readings.find_reading(request.state.visitor, key, run)
        response = case_response(reading.shown, shared.run(run), form)
        name = f"{reading.case.name.rpartition('.')[0] or reading.case.name}-report.{form}"
        response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
        return response

    @routes.post("/app/forget")
    def forget(request: Request) -> Response:
        """Forget all images of the visitor, and end the work on them."""
        visitor: Visitor = request.state.visitor
        shared.tasks.cancel_all(visitor.key)
        visitor.forget()
        return JSONResponse({"forgotten": True}, headers=templating.PRIVATE)

    @routes.get("/app/tasks/{key}")
    def task(request: Request, key: str) -> Response:
        """Tell how far a piece of work is."""
        return task_response(shared.tasks.find(request.state.visitor.key, key))

    @routes.post("/app/tasks/{key}/cancel")
    def cancel(request: Request, key: str) -> Response:
        """End a piece of work."""
        running = shared.tasks.find(request.state.visitor.key, key)
        running.cancel()
        return task_response(running)

    return routes


def task_response(task: Task) -> Response:
    """Answer with the state of a task."""
    return JSONResponse(dict(task.told()), headers=templating.PRIVATE)


def case_response(case: Case, run: Run, form: str) -> Response:
    """Write the report of a case as `html`, `pdf` or `json`.

    Raises:
        UnknownName: another form.
    """
    if form == "pdf":
        from zoo.report.cases.panel import panel_pdf

        return Response(panel_pdf(case), media_type="application/pdf", headers=templating.PRIVATE)
    if form not in ("html", "json"):
        raise UnknownName.among("form of report", form, ("html", "pdf", "json"))
    return cases_response([case], run, Format(form))
