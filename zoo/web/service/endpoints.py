"""The routes of the HTTP API: requests in, answers of the library out.

Annotations are evaluated here (no `from __future__`): FastAPI reads them, and some are built from
what is installed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zoo import DISCLAIMER, __version__
from zoo.base.errors import InvalidSetting
from zoo.interpret.case import Case
from zoo.runs.run_folder import Run
from zoo.web.service import uploads
from zoo.web.service.bodies import Route
from zoo.web.service.engine import Engine
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.limits import TooLarge
from zoo.web.service.metrics import Metrics
from zoo.web.service.queue import Deadline, result_of
from zoo.web.service.responses import cases_response, run_response
from zoo.web.service.schemas import (
    PRIVATE,
    PROBLEMS,
    Explanations,
    Format,
    Health,
    PredictionOut,
    Predictions,
    Runs,
)
from zoo.web.service.uploads import Upload

HEALTH, READY, METRICS_PAGE = "/health", "/health/ready", "/metrics"
OPEN = frozenset({HEALTH, READY})
"""Paths that need no password, for whoever watches over the service."""
NAME = 200
SHARES = "of the validation images"

Files = Annotated[list[UploadFile], File(description="Image files, one or several.")]
RunName = Annotated[
    str | None, Form(max_length=NAME, description="A run of `GET /runs`. Default: the newest.")
]


@dataclass(frozen=True, eq=False)
class Desk:
    """What the routes work with, those of the application on top of them too."""

    library: Library
    metrics: Metrics
    journal: Journal | None = None

    def note(self, run: Run, answers: Sequence[tuple[Upload, str, float, bool]]) -> None:
        """Write answers to the audit log and count them; each `(upload, answer, probability of the
        class that is or would be named, whether it was refused)`.
        """
        if self.journal is not None:
            self.journal.record(
                run.name, [(upload.digest, text, p) for upload, text, p, _ in answers]
            )
        for _, text, _, refused in answers:
            self.metrics.answered(run.name, text, refused)

    def note_cases(self, run: Run, cases: Sequence[tuple[Upload, Case]]) -> None:
        """Do the same for uploads with what was answered to each."""
        self.note(
            run,
            [
                (
                    upload,
                    case.refused or case.class_names[case.predicted],
                    case.probabilities[case.predicted],
                    bool(case.refused),
                )
                for upload, case in cases
            ],
        )


def router(desk: Desk) -> APIRouter:
    """Return the routes."""
    library, limits = desk.library, desk.library.limits
    routes = APIRouter(route_class=Route, responses=PROBLEMS)
    known = ", ".join(sorted(library.registry.explainers))
    methods_help = f"Explanation methods: {known}; or auto, which the run's audit chose"

    async def received(files: Sequence[UploadFile]) -> list[Upload]:
        if len(files) > limits.files:
            raise TooLarge(
                f"{len(files)} files were sent; the limit is {limits.files} a request. "
                "Send several requests."
            )
        contents = [(await file.read(), file.filename or "") for file in files]
        return [
            await run_in_threadpool(uploads.accept, content, name, limits)
            for content, name in contents
        ]

    @routes.post("/predict", summary="Classify images", response_model=Predictions)
    async def predict(
        request: Request,
        files: Files,
        run: RunName = None,
        sensitivity: Annotated[
            float | None,
            Form(gt=0, le=1, description=f"Choose the threshold that reaches it {SHARES}."),
        ] = None,
        prevalence: Annotated[
            float | None,
            Form(gt=0, lt=1, description="How frequent the class looked for is where you are."),
        ] = None,
    ) -> Any:
        """Answer to each image: a class, UNCERTAIN, or how unlike the training images; and why.

        All images of a request are answered or none: a file that cannot be read is an error.
        """
        deadline = Deadline(limits.seconds)
        accepted = await received(files)

        def work(engine: Engine) -> Predictions:
            made = engine.predict(accepted, sensitivity=sensitivity, prevalence=prevalence)
            desk.note(
                engine.run,
                [
                    (upload, p.label, p.probabilities[p.leaning], bool(p.refused))
                    for upload, p in zip(accepted, made, strict=True)
                ],
            )
            return Predictions(
                disclaimer=DISCLAIMER,
                run=engine.run.name,
                synthetic=engine.run.record["data"]["synthetic"],
                notes=[str(alarm) for alarm in engine.run.alarms],
                prevalence=prevalence,
                predictions=[
                    PredictionOut(digest=upload.digest, **p.row())
                    for upload, p in zip(accepted, made, strict=True)
                ],
            )

        answer = await result_of(request, library.answer(run, work, deadline), deadline)
        return JSONResponse(answer.model_dump(), headers=PRIVATE)

    @routes.post(
        "/explain",
        summary="Explain images",
        response_model=Explanations,
        responses={
            200: {
                "description": "JSON, or as `format` says.",
                "content": {"text/html": {}, "image/png": {}},
            }
        },
    )
    async def explain(
        request: Request,
        files: Files,
        run: RunName = None,
        methods: Annotated[list[str] | None, Form(description=methods_help)] = None,
        target: Annotated[
            str | None,
            Form(max_length=NAME, description="The class to explain. Default: the predicted one."),
        ] = None,
        trust: Annotated[bool, Form(description="Judge whether to believe each map.")] = True,
        format: Annotated[  # noqa: A002 (the field's name in the request)
            Format, Form(description="`html`: one page; `png`: one picture, of one image.")
        ] = Format.JSON,
    ) -> Response:
        """Answer to each image and say why: maps, similar cases, and whether to believe them."""
        if format is Format.PNG and len(files) > 1:
            raise InvalidSetting(
                f"{len(files)} files were sent; format=png draws one. Send one, or take html."
            )
        deadline = Deadline(limits.seconds)
        accepted = await received(files)

        def work(engine: Engine) -> tuple[list[Case], Run]:
            cases = engine.explain(
                accepted, methods=methods or (), target=target, trust=trust, deadline=deadline
            )
            desk.note_cases(engine.run, list(zip(accepted, cases, strict=True)))
            return cases, engine.run

        explained = library.explain(run, work, deadline)
        cases, by = await result_of(request, explained, deadline)
        return await run_in_threadpool(cases_response, cases, by, format)

    @routes.get("/runs", summary="List the runs", response_model=Runs)
    def list_runs() -> Any:
        """List the finished runs that may be asked, oldest first."""
        listed = library.runs()
        default = library.default if listed else ""
        loaded = library.loaded
        return Runs(
            disclaimer=DISCLAIMER,
            runs=[run_response(run, run.name == default, run.name in loaded) for run in listed],
        )

    def health() -> Health:
        loaded = list(library.loaded)
        queues = (library.answering, library.explaining)
        return Health(
            disclaimer=DISCLAIMER,
            ready=bool(loaded),
            version=__version__,
            loaded=loaded,
            queues={queue.name: queue.length for queue in queues},
        )

    @routes.get(HEALTH, summary="Whether the service lives", response_model=Health)
    async def alive() -> Any:
        """Answer 200 as long as the process answers at all."""
        return health()

    @routes.get(READY, summary="Whether a run is loaded", response_model=Health)
    async def ready() -> Any:
        """Answer 200 when a run is loaded, 503 before."""
        state = health()
        return JSONResponse(state.model_dump(), 200 if state.ready else 503, headers=PRIVATE)

    @routes.get(
        METRICS_PAGE,
        summary="Figures for Prometheus",
        response_class=Response,
        responses={
            200: {"content": {"text/plain": {}}, "description": "Prometheus's text format."}
        },
    )
    def metrics() -> Response:
        """Return counts of requests, answers and refusals, durations and the length of queues."""
        return Response(desk.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return routes
