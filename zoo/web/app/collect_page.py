"""Data sets from the browser: sent, told who is who, looked at, mended, and then trained on.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import collections
import contextlib
import itertools
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, RedirectResponse, Response

from zoo.base.errors import BadInput, InvalidSetting, UnknownName
from zoo.base.files import writing
from zoo.base.patients import AUTO, RULES
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.base.types import Dataset
from zoo.data import intake
from zoo.data.proportions import read_proportioned
from zoo.data.verify import at_depth
from zoo.report.figures.contact_sheet import contact_sheet
from zoo.report.pages.check_pictures import Pictures
from zoo.web.app import templating
from zoo.web.app.rights import check_rights
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.app.trainings import Trainings
from zoo.web.service.bodies import Route
from zoo.web.service.queue import Queue
from zoo.workflows import collected_data
from zoo.workflows.collected_data import ARCHIVE, IMAGES, PARTS, Collected

PAGE = "/data/sets"
NAME = 1000
WAITING = 4
EXAMPLES, LARGEST = 12, 5
"""Images and patients that the preview shows."""
SIDE = 224

Text = Annotated[str, Form(max_length=NAME)]
Asked = Annotated[str, Query(max_length=NAME)]

RIGHTS = [Depends(check_rights)]


def router(shared: Shared) -> APIRouter:
    """Return the routes of the pages."""
    queue, turn = Queue("unpacking", WAITING), threading.Lock()

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        queue.close()

    routes = APIRouter(route_class=Route, lifespan=lifespan)
    registry, trainings = shared.library.registry, Trainings(shared.folder)

    def found(name: str) -> Collected:
        return collected_data.find_collected(folder_of(shared), name)

    def left() -> int:
        return collected_data.room_left(folder_of(shared), shared.room)

    def opened(source: str, one: Collected) -> Dataset:
        return at_depth(registry.dataset(source), one.record.get("bits"))

    def page_of(one: Collected) -> Response:
        return RedirectResponse(address_of(one), 303)

    @routes.post(PAGE, dependencies=RIGHTS)
    def begin(name: Text = "") -> Response:
        """Make a data set that files can be sent to; a script sends them."""
        one = collected_data.begin_set(folder_of(shared), name.strip(), shared.room)
        return JSONResponse(
            {"name": one.name, "address": address_of(one), "left": left()},
            headers=templating.PRIVATE,
        )

    @routes.post(f"{PAGE}/{{name}}/files", dependencies=RIGHTS)
    async def take(
        name: str,
        files: Annotated[list[UploadFile], File()],
        paths: Annotated[list[str], Form(max_length=NAME)],
    ) -> Response:
        """Keep files of a folder; `paths` says where each was in it."""
        one = await run_in_threadpool(lambda: unfinished(found(name)))
        if len(paths) != len(files):
            raise BadInput(f"{len(files)} files and {len(paths)} paths came; expected as many.")
        sent = [(path, await file.read()) for path, file in zip(paths, files, strict=True)]

        def keep() -> dict[str, int]:
            with turn:
                room, taken = left(), collections.Counter[str]()
                for path, content in sent:
                    kept = intake.store(one.path / IMAGES, path, content, room - taken["bytes"])
                    taken.update(files=kept.files, bytes=kept.bytes, aside=kept.aside)
                return dict(taken)

        return JSONResponse(await run_in_threadpool(keep), headers=templating.PRIVATE)

    @routes.post(f"{PAGE}/{{name}}/piece", dependencies=RIGHTS)
    async def piece(request: Request, name: str, offset: Annotated[int, Query(ge=0)]) -> Response:
        """Keep the next piece of a zip file."""
        one = await run_in_threadpool(lambda: unfinished(found(name)))
        content = await request.body()
        path = one.path / ARCHIVE

        def keep() -> int:
            with turn:
                size = path.stat().st_size if path.is_file() else 0
                if offset != size:
                    raise BadInput(f"A piece at {offset:,} came; expected {size:,}. Send it again.")
                if len(content) > left():
                    raise intake.too_much(left())
                with writing(path), path.open("ab") as file:
                    file.write(content)
                return size + len(content)

        return JSONResponse({"size": await run_in_threadpool(keep)}, headers=templating.PRIVATE)

    @routes.post(f"{PAGE}/{{name}}/unpack", dependencies=RIGHTS)
    def unpack(request: Request, name: str) -> Response:
        """Start to unpack the zip file that was sent."""
        one = unfinished(found(name))
        archive = one.path / ARCHIVE
        if not archive.is_file():
            raise UnknownName("No zip file was sent.")

        def work(task: Task) -> dict[str, int]:
            try:
                taken = intake.unpack(archive, one.path / IMAGES, left(), task)
            finally:
                archive.unlink(missing_ok=True)
            return {"files": taken.files, "bytes": taken.bytes, "aside": taken.aside}

        task = shared.tasks.start(request.state.visitor.key, f"Unpacking {name}", queue, work)
        return JSONResponse(dict(task.told()), headers=templating.PRIVATE)

    @routes.get(f"{PAGE}/{{name}}")
    def look(name: str) -> Response:
        one = found(name)
        values: dict[str, Any] = {"here": "/data", "one": one, "address": address_of(one)}
        if not one.ready:
            return templating.page(
                "collecting.html.j2", rules=(AUTO, *RULES), images=images_of(one), **values
            )
        dataset = opened(one.source, one)
        pictures = Pictures(dataset)
        return templating.page(
            "collected.html.j2",
            images=len(dataset.samples),
            patients=len({sample.patient for sample in dataset.samples}),
            notes=dataset.notes,
            sheets=[
                (label, contact_sheet(pictures.of_class(index)))
                for index, label in enumerate(dataset.class_names)
            ],
            **values,
        )

    @routes.get(f"{PAGE}/{{name}}/patients")
    def patients(name: str, rule: Asked = AUTO, column: Asked = "") -> Response:
        """Tell who would be who."""
        dataset = collected_data.read_set(found(name), registry, rule.strip() or AUTO, column)
        return JSONResponse(who_is_who(dataset), headers=templating.PRIVATE)

    @routes.post(f"{PAGE}/{{name}}/finish", dependencies=RIGHTS)
    def finish(name: str, rule: Text = AUTO, column: Text = "") -> Response:
        with turn:
            one = unfinished(found(name))
            return page_of(
                collected_data.finish_set(one, registry, rule.strip() or AUTO, column.strip())
            )

    @routes.get(f"{PAGE}/{{name}}/picture")
    def picture(name: str, image: Asked) -> Response:
        # What was left out can still be looked at.
        one = found(name)
        dataset = opened(str(one.as_sent), one)
        for sample in dataset.samples:
            if sample.name == image:
                content = encode_jpeg(read_proportioned(dataset, sample, SIDE))
                return Response(content, media_type="image/jpeg", headers=templating.PRIVATE)
        raise UnknownName("There is no such image in this data set.")

    @routes.post(f"{PAGE}/{{name}}/change", dependencies=RIGHTS)
    def change(
        name: str, image: Text = "", what: Text = "", why: Text = "", back: Text = ""
    ) -> Response:
        """Change what the table says of an image: `what` is 'leave out', 'label:X' or 'part:X'."""
        kind, _, to = what.partition(":")
        with turn:
            one = collected_data.change_set(found(name), image, kind, to, why)
        if back.startswith("/data/check/") and ":" not in back:
            return RedirectResponse(quote(back, safe="/#"), 303)
        return page_of(one)

    @routes.post(f"{PAGE}/{{name}}/undo", dependencies=RIGHTS)
    def undo(name: str, number: Annotated[int, Form()] = -1) -> Response:
        with turn:
            return page_of(collected_data.undo_change(found(name), number))

    @routes.post(f"{PAGE}/{{name}}/remove", dependencies=RIGHTS)
    def remove(name: str) -> Response:
        one = found(name)
        if any(one.source in training.arguments for training in trainings.alive()):
            raise InvalidSetting(f"'{one.name}' is trained on just now. Stop the training first.")
        with turn:
            collected_data.remove_set(one)
        return RedirectResponse("/data", 303)

    return routes


def folder_of(shared: Shared) -> Path:
    """Return the folder of data sets that browsers send.

    Raises:
        InvalidSetting: there is none.
    """
    if shared.intake is None:
        raise InvalidSetting(
            "No data sets are taken here: no folder to keep them in was named. Start the "
            "application with --collect FOLDER."
        )
    return shared.intake


def address_of(one: Collected) -> str:
    """Return the address of a data set's page."""
    return f"{PAGE}/{quote(one.name, safe='')}"


def unfinished(one: Collected) -> Collected:
    """Return a data set that files may still be added to.

    Raises:
        InvalidSetting: it was finished.
    """
    if one.ready:
        raise InvalidSetting(f"'{one.name}' is finished. Send more under another name.")
    return one


def images_of(one: Collected) -> int:
    """Return how many files were sent so far."""
    return sum(1 for path in (one.path / IMAGES).rglob("*") if path.is_file())


def mendable(shared: Shared, source: str) -> Collected | None:
    """Return the data set that was sent whose source this is; None for any other."""
    if shared.intake is None:
        return None
    sent = (one for one in collected_data.collected(shared.intake) if one.source == source)
    return next(sent, None)


def changes_for(one: Collected, labels: list[str]) -> list[tuple[str, str]]:
    """Return what may be done about an image: the value of a form, and its words."""
    moves = [(f"part:{part}", f"move its patient to {part}") for part in PARTS]
    return [
        ("leave out", "leave it out"),
        *((f"label:{label}", f"it is {label}") for label in labels),
        *(moves if one.record.get("parts") else ()),
    ]


def who_is_who(dataset: Dataset) -> dict[str, Any]:
    """Return who the patients are: numbers, some images of each, and the largest groups."""
    by_patient = collections.defaultdict(list)
    for sample in dataset.samples:
        by_patient[sample.patient].append(sample.name)
    counts = collections.Counter(sample.label for sample in dataset.samples)
    step = max(1, len(dataset.samples) // EXAMPLES)
    largest = sorted(by_patient.items(), key=lambda entry: -len(entry[1]))[:LARGEST]
    return {
        "images": len(dataset.samples),
        "patients": len(by_patient),
        "rule": dataset.patient_rule,
        "notes": list(dataset.notes),
        "classes": [[name, counts[index]] for index, name in enumerate(dataset.class_names)],
        "examples": [
            [sample.name, sample.patient]
            for sample in itertools.islice(dataset.samples, 0, EXAMPLES * step, step)
        ],
        "largest": [[patient, len(names), names[:3]] for patient, names in largest],
    }
