"""Work on a run that takes minutes: a stress test, and the network as a file to be taken along.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import contextlib
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import IO, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, Request
from starlette.background import BackgroundTask
from starlette.responses import RedirectResponse, Response, StreamingResponse

from zoo.base.errors import UnknownName
from zoo.network import export_formats
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.web.app import listed_runs, templating
from zoo.web.app.listed_runs import PAGE
from zoo.web.app.rights import check_rights
from zoo.web.app.shared import Shared
from zoo.web.app.tasks import Task
from zoo.web.service.bodies import Route
from zoo.web.service.queue import Queue
from zoo.workflows.export import CARD, FOLDER

WAITING = 4
IMAGES = (50, 200, 1000)
"""Images that a stress test may take."""
CHUNK = 1 << 20


def router(shared: Shared) -> APIRouter:
    """Return the routes that start such work, watch it and give what it made."""
    queue = Queue("measuring", WAITING)
    started: list[Task] = []

    @contextlib.asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        yield
        for task in started:
            task.cancel()
        queue.close()

    routes = APIRouter(route_class=Route, lifespan=lifespan)

    def begin(request: Request, run: Run, title: str, work: Callable[[Task], Any]) -> Response:
        task = shared.tasks.start(request.state.visitor.key, title, queue, work)
        started[:] = [one for one in started if not one.ended] + [task]
        return RedirectResponse(f"{listed_runs.path_of(run)}/work/{task.id}", 303)

    @routes.post(f"{PAGE}/{{name}}/stress", dependencies=[Depends(check_rights)])
    def start_stress(
        request: Request, name: str, images: Annotated[int, Form()] = IMAGES[0]
    ) -> Response:
        run = listed_runs.finished(shared, name)
        if sentence := closed(shared, run):
            raise UnknownName(sentence)
        if images not in IMAGES:
            raise UnknownName.among("number of images", str(images), map(str, IMAGES))

        def work(task: Task) -> dict[str, str]:
            task.note("Loading the network")
            from zoo.workflows.stress import stress

            opened = run_folder.open_run(run.path)
            stress(opened, images=images, registry=shared.library.registry, progress=task)
            return {"told": "The stress test is done.", "see": "stress", "download": ""}

        return begin(request, run, f"Stress test of {run.name}", work)

    @routes.post(f"{PAGE}/{{name}}/export", dependencies=[Depends(check_rights)])
    def start_export(
        request: Request, name: str, kind: Annotated[str, Form(max_length=40)] = ""
    ) -> Response:
        run = listed_runs.finished(shared, name)
        export_formats.named(kind).check_packages()

        def work(task: Task) -> dict[str, str]:
            task.note("Loading the network")
            from zoo.workflows.export import export

            done = export(run_folder.open_run(run.path), kind, progress=task)
            return {
                "told": f"Written and compared with the original on {done.images} images: "
                f"probabilities differ by at most {done.largest_difference:.1e}.",
                "see": "keep",
                "download": kind,
            }

        return begin(request, run, f"Export of {run.name} as {kind}", work)

    @routes.get(f"{PAGE}/{{name}}/work/{{key}}")
    def watch(request: Request, name: str, key: str) -> Response:
        run = listed_runs.finished(shared, name)
        task = shared.tasks.find(request.state.visitor.key, key)
        return templating.page(
            "work.html.j2",
            here=PAGE,
            run=run,
            path=listed_runs.path_of(run),
            task=task.told(),
            ended=task.ended,
        )

    @routes.get(f"{PAGE}/{{name}}/export/{{kind}}.zip")
    def download(name: str, kind: str) -> Response:
        run = listed_runs.finished(shared, name)
        folder = exported(run, export_formats.named(kind).name)
        if folder is None:
            raise UnknownName(f"The run was not exported as {kind} yet. Do that first.")
        packed = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it was sent)
        _pack(folder, packed)
        size = packed.tell()
        packed.seek(0)
        file = quote(f"{run.name}-{kind}.zip")
        return StreamingResponse(
            iter(lambda: packed.read(CHUNK), b""),
            media_type="application/zip",
            headers={
                **templating.PRIVATE,
                "Content-Length": str(size),
                "Content-Disposition": f"attachment; filename*=UTF-8''{file}",
            },
            background=BackgroundTask(packed.close),
        )

    return routes


def closed(shared: Shared, run: Run) -> str:
    """Say why a run's data cannot be opened here; empty when they can."""
    if shared.is_open(run.record["data"]["source"]):
        return ""
    shown = listed_runs.shown_source(run.record["data"]["source"])
    return (
        f"The application may not open the data of this run: '{shown}' has to be named when it is "
        "started."
    )


def exported(run: Run, kind: str) -> Path | None:
    """Return the folder of a whole export of that format; None where there is none."""
    folder = run.path / FOLDER / kind
    whole = (folder / CARD).is_file() and folder.resolve().is_relative_to(run.path.resolve())
    return folder if whole else None


def _pack(folder: Path, file: IO[bytes]) -> None:
    """Put the files of a folder into a zip file; links are left out."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in _files(folder):
            with (
                path.open("rb") as source,
                archive.open(
                    str(Path(folder.name, path.relative_to(folder)).as_posix()),
                    "w",
                    force_zip64=True,
                ) as written,
            ):
                shutil.copyfileobj(source, written, CHUNK)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield path
