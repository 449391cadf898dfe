"""The page Read: an image in, the answer at once, then why, and what that is worth.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from zoo.base.errors import ZooError
from zoo.base.explanations import AUTO
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating, worklist
from zoo.web.app import reading as readings
from zoo.web.app.durations import Durations
from zoo.web.app.examples import COUNT, Examples
from zoo.web.app.image_files import IMAGE, RunQuery
from zoo.web.app.reading import Reading
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.app.uploads import CheckedUploads, check_uploads
from zoo.web.app.visitors import Visitor
from zoo.web.app.words import for_a_page
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.engine import Engine
from zoo.web.service.queue import Deadline, result_of
from zoo.web.service.uploads import Upload

PAGE = "/"

RunName = Annotated[str, Form(max_length=NAME)]
MethodName = Annotated[str | None, Form(max_length=NAME)]
Work = Callable[[Engine, Upload, Reading, Sequence[str], Task, Durations], None]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page and of its tasks."""
    routes = APIRouter(route_class=Route)
    library = shared.library
    explainers = library.registry.explainers
    examples = Examples(library.registry)

    def shown(key: str, reading: Reading) -> dict[str, Any]:
        run = shared.run(reading.case.run)
        return cards.card(key, reading, run, explainers, shared.durations)

    def start(request: Request, key: str, run: str, method: str | None, work: Work) -> Response:
        visitor = request.state.visitor
        upload, reading = readings.find_reading(visitor, key, run)
        methods = () if method is None else (method,)
        if method not in (None, AUTO):
            library.registry.explainer(method)

        def done(task: Task) -> None:
            work(library.engine(run), upload, reading, methods, task, shared.durations)

        return task_response(
            shared.tasks.start(visitor.key, "explaining", library.explaining, done)
        )

    def station(
        visitor: Visitor, runs: list[Run], card: dict[str, Any] | None, chosen: str = ""
    ) -> Response:
        default = library.default if runs else ""
        return templating.page(
            "read.html.j2",
            here=PAGE,
            runs=[(run.name, run.record["data"]["synthetic"]) for run in reversed(runs)],
            default=chosen or (card["run"] if card else default),
            rows=[worklist.row(*one) for one in worklist.listed(visitor)],
            card=card,
            most=library.limits.files,
            most_bytes=library.limits.request_bytes,
            examples=range(COUNT),
        )

    @routes.get(PAGE)
    def page(request: Request, run: RunQuery = "") -> Response:
        """Return the page with the last case open; `run` is chosen for the images to come."""
        visitor = request.state.visitor
        chosen = shared.run(run).name if run else ""
        runs = library.runs()
        there = {known.name for known in runs}  # not renamed or removed since it read
        listed = [one for one in worklist.listed(visitor) if one[1].case.run in there]
        of_run = [one for one in listed if one[1].case.run == chosen]
        last = (of_run or listed)[-1:]
        return station(visitor, runs, shown(*last[0]) if last else None, chosen)

    @routes.get(f"{worklist.CASE}/{{key}}")
    def case(request: Request, key: str, run: RunQuery) -> Response:
        """Return the page with one case open."""
        visitor = request.state.visitor
        _, reading = readings.find_reading(visitor, key, run)
        return station(visitor, library.runs(), shown(key, reading))

    async def answered(request: Request, run: str, sent: CheckedUploads) -> Response:
        """Answer to each image that can be read; a sentence for each that cannot."""
        visitor: Visitor = request.state.visitor
        deadline = Deadline(library.limits.seconds)

        def work(engine: Engine) -> tuple[list[tuple[str, Reading]], list[str]]:
            made, problems = [], list(sent.problems)
            for upload in sent.uploads:
                deadline.check()
                try:
                    case = engine.read(upload)
                except ZooError as error:
                    problems.append(for_a_page(str(error)))
                    continue
                shared.desk.note_cases(engine.run, [(upload, case)])
                key = shared.visitors.bring(visitor, upload)
                made.append((key, readings.keep_reading(visitor, key, case, engine.run)))
            return made, problems

        answering = library.answer(run, work, deadline)
        made, problems = await result_of(request, answering, deadline)

        def drawn() -> dict[str, Any]:
            rows = [templating.part("row.html.j2", row=worklist.row(*one)) for one in made]
            first = templating.part("reading.html.j2", card=shown(*made[0])) if made else ""
            return {"rows": rows, "card": first, "kept": list(visitor.uploads)}

        told = await run_in_threadpool(drawn)
        return JSONResponse({**told, "problems": problems}, headers=templating.PRIVATE)

    @routes.post("/app/read")
    async def read(
        request: Request, run: RunName, files: Annotated[list[UploadFile], File()]
    ) -> Response:
        """Answer to images that are sent."""
        return await answered(request, run, await check_uploads(files, library.limits))

    @routes.post("/app/read-example")
    async def read_example(
        request: Request, run: RunName, number: Annotated[int, Form()]
    ) -> Response:
        """Answer to one of the drawn examples."""
        upload = await run_in_threadpool(examples.upload, number, library.limits)
        return await answered(request, run, CheckedUploads((upload,), ()))

    @routes.get("/app/examples/{number}")
    def example(number: int) -> Response:
        """Return an example as a picture to choose it by."""
        content = examples.small(number)
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    @routes.get(f"{IMAGE}/card")
    def card(request: Request, key: str, run: RunQuery) -> Response:
        """Return what the page shows of a case, and its row in the list."""
        _, reading = readings.find_reading(request.state.visitor, key, run)
        drawn = templating.part("reading.html.j2", card=shown(key, reading))
        return JSONResponse({"card": drawn}, headers=templating.PRIVATE)

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
        row = templating.part("row.html.j2", row=worklist.row(key, reading))
        state = {name: card[name] for name in ("explained", "unjudged", "lasting")}
        return JSONResponse({"parts": told, "row": row, **state}, headers=templating.PRIVATE)

    @routes.post("/app/forget")
    def forget(request: Request) -> Response:
        """Forget all images of the visitor, and end the work on them."""
        visitor: Visitor = request.state.visitor
        shared.tasks.cancel_all(visitor.key, library.explaining)
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


async def open_here(
    request: Request, shared: Shared, run: str | None, bring: Callable[[], Upload]
) -> Response:
    """Let a run read an image that is on this machine already, and open it on this page.

    `run` is None: the newest. `bring` gives the image; what it raises is told.
    """
    visitor, deadline = request.state.visitor, Deadline(shared.library.limits.seconds)

    def work(engine: Engine) -> str:
        upload = bring()
        case = engine.read(upload)
        shared.desk.note_cases(engine.run, [(upload, case)])
        key = shared.visitors.bring(visitor, upload)
        readings.keep_reading(visitor, key, case, engine.run)
        return worklist.address(key, case.run)

    answering = shared.library.answer(run, work, deadline)
    opened = await result_of(request, answering, deadline)
    return RedirectResponse(opened, 303)


def task_response(task: Task) -> Response:
    """Answer with the state of a task."""
    return JSONResponse(dict(task.told()), headers=templating.PRIVATE)
