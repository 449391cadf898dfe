"""The page Compare: several runs or several images, where they agree and where they differ.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from zoo.base.errors import BadInput, InvalidSetting
from zoo.interpret.case import Case
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, NOT_JUDGED, WEAK, Trust
from zoo.report.cases.page import beside_map
from zoo.report.cases.text import agreement_text, probability_texts
from zoo.runs.run_folder import Run
from zoo.web.app import cards, templating, worklist
from zoo.web.app.agreement import answer_agreement, map_agreement, titles
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
"""Pictures of one comparison: each run is loaded, which takes seconds."""
WORST_FIRST = (DO_NOT_USE, WEAK, NOT_JUDGED, HOLDS_UP)

Names = Annotated[list[str], Form(max_length=MOST)]
Asked = Annotated[list[str], Query(max_length=MOST)]
Answered = tuple[str, Upload, Reading]
"""The id of an image, its file, and what a run said of it."""


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    library = shared.library

    @routes.get(PAGE)
    def page(
        request: Request,
        image: Annotated[str, Query(max_length=NAME)] = "",
        run: Annotated[str, Query(max_length=NAME)] = "",
    ) -> Response:
        """Show the form; an image of the page Read and the run that answered may be chosen."""
        runs = list(reversed(library.runs()))
        return templating.page(
            "compare.html.j2",
            here=PAGE,
            runs=[
                run_response(run, default=False, loaded=run.name in library.loaded) for run in runs
            ],
            chosen=first_choice(runs, run),
            known=known_images(request.state.visitor),
            image=image,
            most=MOST,
        )

    @routes.post("/app/compare")
    async def compare(
        request: Request,
        runs: Names,
        files: Annotated[list[UploadFile] | None, File()] = None,
        image: Annotated[list[str] | None, Form(max_length=MOST)] = None,
    ) -> Response:
        """Start to compare what runs say of images: those that are sent, and those that were."""
        visitor: Visitor = request.state.visitor
        names = list(dict.fromkeys(runs))
        await run_in_threadpool(lambda: [shared.run(name) for name in names])
        images = {key: visitor.upload(key) for key in image or ()}
        if any(file.filename for file in files or ()) or not images:
            sent = await check_uploads(files or (), library.limits)
            if sent.problems:
                raise BadInput(sent.problems[0])
            check_number(len(images) + len(sent.uploads), len(names))
            for upload in sent.uploads:
                images[shared.visitors.bring(visitor, upload)] = upload
        check_number(len(images), len(names))

        def work(task: Task) -> None:
            ask_all(shared, visitor, images, names, task)

        task = shared.tasks.start(visitor.key, "comparing", library.explaining, work)
        return JSONResponse(
            {"images": list(images), "task": task.told()}, headers=templating.PRIVATE
        )

    @routes.post("/app/comparison/judge")
    def judge(request: Request, image: Names, runs: Names) -> Response:
        """Start to judge the maps that nobody has judged yet."""
        visitor: Visitor = request.state.visitor
        found = answered(visitor, image, runs)

        def work(task: Task) -> None:
            for _, upload, reading in found:
                if reading.unjudged:
                    task.start(f"loading {reading.case.run}", 0)
                    engine = library.engine(reading.case.run)
                    judge_reading(engine, upload, reading, (), task, shared.durations)

        task = shared.tasks.start(visitor.key, "judging", library.explaining, work)
        return JSONResponse(dict(task.told()), headers=templating.PRIVATE)

    @routes.get("/app/comparison")
    def comparison(request: Request, image: Asked, run: Asked) -> Response:
        """Return the answers side by side, as a part of the page."""
        found = answered(request.state.visitor, image, run)
        runs = {name: shared.run(name) for name in run}
        part = templating.part("compared.html.j2", **compared(found, runs))
        unjudged = any(reading.unjudged for _, _, reading in found)
        return JSONResponse({"part": part, "unjudged": unjudged}, headers=templating.PRIVATE)

    return routes


def first_choice(runs: Sequence[Run], name: str) -> list[str]:
    """Choose the run of that name, or else the first, and the next that tells the same classes."""
    asked = [one for one in runs if one.name == name] or runs[:1]
    alike = [one for one in runs if one not in asked and one.class_names == asked[0].class_names]
    return [one.name for one in (*asked, *alike)[:2]]


def known_images(visitor: Visitor) -> list[dict[str, str]]:
    """Return the images of the page Read with a run that answered, the newest first."""
    readings = dict(worklist.listed(visitor))
    return [
        {"key": key, "name": reading.case.name, "run": reading.case.run}
        for key, reading in reversed(readings.items())
    ]


def check_number(images: int, runs: int) -> None:
    """Go on with as many pictures as can be laid beside each other.

    Raises:
        InvalidSetting: there is one alone, or there are too many.
    """
    if images * runs < 2:
        raise InvalidSetting(
            "Choose two runs or more, or two images: one alone has nothing to differ from."
        )
    if images * runs > MOST:
        raise InvalidSetting(
            f"{images} images and {runs} runs make {images * runs} pictures; at most {MOST} are "
            "compared at a time. Choose fewer."
        )


def answered(visitor: Visitor, images: Sequence[str], runs: Sequence[str]) -> list[Answered]:
    """Return what each run said of each image.

    Raises:
        UnknownName: an image was forgotten, or a run was not asked about it.
        InvalidSetting: there are too few of them, or too many.
    """
    images, runs = list(dict.fromkeys(images)), list(dict.fromkeys(runs))
    check_number(len(images), len(runs))
    return [(key, *find_reading(visitor, key, name)) for key in images for name in runs]


def ask_all(
    shared: Shared,
    visitor: Visitor,
    images: Mapping[str, Upload],
    names: Sequence[str],
    task: Task,
) -> None:
    """Let each run answer and explain, one after the other."""
    pairs = [(name, key, upload) for name in names for key, upload in images.items()]
    task.start("loading the runs", len(pairs))
    for done, (name, key, upload) in enumerate(pairs):
        reading = visitor.results.get(key, {}).get(name)
        if reading is None:
            task.start(f"asking {name}", len(pairs))
            task.done = done
            engine = shared.library.engine(name)
            case = engine.read(upload)
            shared.desk.note_cases(engine.run, [(upload, case)])
            reading = keep_reading(visitor, key, case, engine.run, listed=False)
        if not reading.explained:
            task.start(f"explaining with {name}", len(pairs))
            task.done = done
            engine = shared.library.engine(name)
            cases = engine.interpreter(trust=False).cases(as_images([upload], engine.run))
            reading.add(cases[0])
    task.done = len(pairs)


def worst(cases: Sequence[Case], method: str) -> Trust | None:
    """Return the worst verdict on the maps of a method; None while one of them has none."""
    maps = [case for case in cases if any(one.method == method for one in case.attributions)]
    verdicts = [case.trust.get(method) for case in maps]
    known = [verdict for verdict in verdicts if verdict is not None]
    if len(known) < len(verdicts):
        return None
    return min(known, key=lambda verdict: WORST_FIRST.index(verdict.level), default=None)


def compared(found: Sequence[Answered], runs: Mapping[str, Run]) -> dict[str, Any]:
    """Return what the part of the page shows."""
    readings = [reading for _, _, reading in found]
    shown = [reading.shown for reading in readings]
    keys = [key for key, _, _ in found]
    methods = list(dict.fromkeys(one.method for case in shown for one in case.attributions))
    one_image = len(set(keys)) == 1
    positives = {one.case.class_names[one.positive] for one in readings}
    return {
        "name": " and ".join(dict.fromkeys(case.name for case in shown)),
        "one_image": one_image,
        "positive": positives.pop() if len(positives) == 1 else "",
        "sentences": answer_agreement(
            shown, [reading.positive for reading in readings], several_images=not one_image
        ),
        "likeness": map_agreement(shown) if one_image else [],
        "group": f"map-{keys[0]}",
        "opacity": cards.OPACITY_AT_FIRST,
        "methods": [{"method": method, "trust": worst(shown, method)} for method in methods],
        "rows": [
            {
                **cards.answer_part(reading.case, reading.positive),
                "key": key,
                "title": title,
                "picture": cards.picture_part(reading),
                "maps": [beside_map(case, one) for one in case.attributions],
                "left_out": reading.left_out,
                "positive": case.class_names[reading.positive],
                "chance": probability_texts(case)[reading.positive],
                "threshold": case.threshold,
                "near": next((agreement_text(case, one) for one in case.examples), ""),
                "about": run_response(runs[case.run], default=False, loaded=True),
            }
            for (key, _, reading), case, title in zip(found, shown, titles(shown), strict=True)
        ],
    }
