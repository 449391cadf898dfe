"""The page Learn: a student commits to an answer and a place, and then sees the network's.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import contextlib
import secrets
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from zoo.base.digests import digest_bytes
from zoo.base.errors import InvalidSetting, ZooError
from zoo.base.number_text import probability
from zoo.base.pictures import images, pixel_arrays
from zoo.data.verify import at_depth
from zoo.report.cases.overlays import enlarge
from zoo.web.app import lessons as learning
from zoo.web.app import templating
from zoo.web.app.case_folder import CaseFolder
from zoo.web.app.lessons import LONGEST, Exercise, Lesson, Lessons
from zoo.web.app.shared import LONGEST_SOURCE, Shared
from zoo.web.service.bodies import Route
from zoo.web.service.endpoints import NAME
from zoo.web.service.engine import Engine
from zoo.web.service.limits import Unavailable
from zoo.web.service.queue import Deadline, result_of
from zoo.web.service.security import user_of
from zoo.web.service.uploads import Upload
from zoo.workflows.predict import Prediction

PAGE = "/learn"
LESSON, IMAGE = f"{PAGE}/{{key}}", f"{PAGE}/{{key}}/{{number}}"
CASES = "?cases"
"""In place of a data set; none is named so, since nothing stands before the options."""
COUNT = 10
OUTLINE = (255, 214, 10)

Text = Annotated[str, Form(max_length=NAME)]
Source = Annotated[str, Form(max_length=LONGEST_SOURCE)]
Share = Annotated[str, Form(max_length=32)]


def router(shared: Shared, cases: CaseFolder | None) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    library, lessons = shared.library, Lessons()

    def found(request: Request, key: str) -> Lesson:
        return lessons.find(request.state.visitor.key, key)

    def form(request: Request, sentence: str = "", status: int = 200) -> Response:
        runs = library.runs()
        return templating.page(
            "learn.html.j2",
            status=status,
            here=PAGE,
            sentence=sentence,
            runs=[(run.name, run.record["data"]["synthetic"]) for run in reversed(runs)],
            sources=shared.sources,
            cases=None if cases is None else CASES,
            cases_source=shared.cases_source,
            count=COUNT,
            longest=LONGEST,
            lesson=lessons.of(request.state.visitor.key),
        )

    def shown(lesson: Lesson, number: int, sentence: str = "", status: int = 200) -> Response:
        return templating.page(
            "exercise.html.j2",
            status=status,
            here=PAGE,
            lesson=lesson,
            number=number,
            one=lesson.exercise(number),
            sentence=sentence,
            chance=_chance(lesson.exercise(number)),
        )

    @routes.get(PAGE)
    def page(request: Request) -> Response:
        return form(request)

    @routes.post(PAGE)
    def begin(
        request: Request, run: Text, source: Source = "", count: Annotated[int, Form()] = COUNT
    ) -> Response:
        """Draw the images of a lesson."""
        try:
            if not 1 <= count <= LONGEST:
                raise InvalidSetting(f"{count} images were asked for; take 1 to {LONGEST}.")
            lesson = drawn(request, run, source, count)
        except ZooError as error:
            return form(request, str(error), 400)
        lessons.keep(lesson)
        return RedirectResponse(f"{PAGE}/{lesson.id}/1", 303)

    def drawn(request: Request, run: str, source: str, count: int) -> Lesson:
        asked, seed = shared.run(run), secrets.randbits(32)
        if source == CASES and cases is not None:
            own = cases.all(user_of(request).name)
            exercises = learning.of_cases(
                own, asked, count, seed, lambda case: images.read_image(cases.picture(case))
            )
            title, synthetic = "saved cases", any(one.answer["synthetic"] for one in own)
        else:
            title = shared.source(source)
            dataset = at_depth(library.registry.dataset(title), asked.bits)
            exercises = learning.of_dataset(dataset, asked, count, seed)
            synthetic = dataset.synthetic
        return Lesson(
            request.state.visitor.key, run, title, synthetic, asked.class_names, tuple(exercises)
        )

    @routes.get(LESSON)
    def summary(request: Request, key: str) -> Response:
        lesson = found(request, key)
        return templating.page(
            "learned.html.j2",
            here=PAGE,
            lesson=lesson,
            told=lesson.summary(),
            rows=[(n, one, _chance(one)) for n, one in enumerate(lesson.exercises, 1) if one.said],
        )

    @routes.get(IMAGE)
    def look(request: Request, key: str, number: int) -> Response:
        return shown(found(request, key), number)

    @routes.post(IMAGE)
    async def commit(
        request: Request, key: str, number: int, said: Text = "", x: Share = "", y: Share = ""
    ) -> Response:
        """Keep the student's answer; the network is asked now, and not before.

        Where the finding is known, its mark is where its first default map is highest.
        """
        lesson = found(request, key)
        one, mark = lesson.exercise(number), _mark(x, y)
        try:
            lesson.check(number, said, mark)
        except InvalidSetting as error:
            return shown(lesson, number, str(error), 400)

        upload, deadline = await run_in_threadpool(_upload, one), Deadline(library.limits.seconds)

        def answer(engine: Engine) -> Prediction:
            (made,) = engine.predict([upload])
            share = made.probabilities[made.leaning]
            shared.desk.note(engine.run, [(upload, made.label, share, bool(made.refused))])
            return made

        def point(engine: Engine) -> learning.Mark | None:
            (case,) = engine.explain([upload], target=one.truth, trust=False, deadline=deadline)
            return next((learning.highest(each.values) for each in case.attributions), None)

        answered = library.answer(lesson.run, answer, deadline)
        network = await result_of(request, answered, deadline)
        place: learning.Mark | None = None
        if await run_in_threadpool(lambda: one.has_finding):
            deadline = Deadline(library.limits.seconds)  # the other one is over with its answer
            with contextlib.suppress(Unavailable):  # the answer counts without it
                place = await result_of(
                    request, library.explain(lesson.run, point, deadline), deadline
                )
        await run_in_threadpool(lesson.commit, number, said, mark, network, place)
        return RedirectResponse(f"{PAGE}/{key}/{number}", 303)

    @routes.get(f"{IMAGE}/picture")
    def picture(request: Request, key: str, number: int) -> Response:
        """Return the image; once the student has committed, with a line around the finding."""
        one = found(request, key).exercise(number)
        pixels = enlarge(one.read())
        if one.said and one.mask is not None:
            pixels = _outlined(pixels, one.mask((pixels.shape[0], pixels.shape[1])))
        content = pixel_arrays.encode_jpeg(pixels, quality=90)
        return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)

    return routes


def _mark(x: str, y: str) -> learning.Mark | None:
    try:
        return (float(x), float(y)) if x and y else None
    except ValueError as error:
        raise InvalidSetting("The mark is no place in the image. Set it again.") from error


def _upload(one: Exercise) -> Upload:
    content = pixel_arrays.encode_png(one.read())
    return Upload(one.name, content, digest_bytes(content))


def _chance(one: Exercise) -> str:
    return probability(one.network.probabilities[one.network.leaning]) if one.network else ""


def _outlined(pixels: np.ndarray, mask: Any) -> np.ndarray:
    from scipy.ndimage import binary_dilation

    width = max(2, min(pixels.shape[:2]) // 200)
    outline = binary_dilation(mask, iterations=width) & ~mask
    return np.where(outline[..., None], np.array(OUTLINE, np.uint8), pixels)
