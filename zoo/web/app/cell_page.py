"""The images of one cell of a confusion matrix; any of them can be opened in the page Read.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

import functools
import io
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from starlette.responses import Response

from zoo.base.errors import BadInput, DamagedRun, UnknownName, ZooError
from zoo.base.number_text import percent
from zoo.base.types import Dataset, Sample
from zoo.data.verify import at_depth
from zoo.report.figures.contact_sheet import contact_sheet
from zoo.report.pages.check_pictures import Pictures
from zoo.runs.run_folder import Run
from zoo.web.app import listed_runs, templating
from zoo.web.app.confusion import ConfusionCells, confusion_cells
from zoo.web.app.read_page import open_here
from zoo.web.app.shared import Shared
from zoo.web.service import uploads
from zoo.web.service.bodies import Route
from zoo.web.service.uploads import Upload

SHOWN = 24
NAME = 1000
OPENED = 2
"""Data sets that are kept open."""


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)

    @functools.lru_cache(OPENED)
    def dataset(source: str, bits: int | None) -> Dataset:
        return at_depth(shared.library.registry.dataset(source), bits)

    def dataset_of(run: Run) -> Dataset:
        data = run.record["data"]
        return dataset(data["source"], data.get("bits"))

    @routes.get(f"{listed_runs.PAGE}/{{name}}/answers/{{true}}/{{said}}")
    def cell(
        name: str,
        true: int,
        said: int,
        page: Annotated[int, Query(ge=1, le=100_000)] = 1,
        threshold: Annotated[float | None, Query(ge=0, le=1)] = None,
    ) -> Response:
        run = listed_runs.finished(shared, name)
        cells = _readable(run, threshold)
        rows = cells.cell(true, said)
        chosen = rows[(page - 1) * SHOWN : page * SHOWN]
        if not len(chosen) and page > 1:
            raise UnknownName("There are no more images in this cell. Go back to the run.")
        labelled = [
            (str(cells.known.names[row]), percent(float(cells.probabilities[row, said])))
            for row in chosen
        ]
        tiles: list[dict[str, str]] = []
        closed = _closed(shared, run)
        if not closed:
            try:
                pictures = Pictures(dataset_of(run))
                drawn = {
                    image: tile
                    for image, share in labelled
                    if (tile := pictures.tile(image, f"{run.class_names[said]}: {share}"))
                }
                tiles = contact_sheet(list(drawn.values()))
                labelled = [entry for entry in labelled if entry[0] not in drawn]
            except ZooError as error:
                closed = f"The pictures cannot be shown: {error}"
        return templating.page(
            "cell.html.j2",
            here=listed_runs.PAGE,
            run=run,
            path=listed_runs.path_of(run),
            synthetic=run.record["data"]["synthetic"],
            part=cells.part,
            labelled=run.class_names[true],
            said=run.class_names[said],
            right=true == said,
            total=len(rows),
            first=(page - 1) * SHOWN + 1,
            last=(page - 1) * SHOWN + len(chosen),
            page=page,
            more=page * SHOWN < len(rows),
            threshold=threshold,
            query="" if threshold is None else f"threshold={threshold:g}&",
            tiles=tiles,
            names=labelled,
            closed=closed,
        )

    @routes.post(f"{listed_runs.PAGE}/{{name}}/read")
    async def read(
        request: Request, name: str, image: Annotated[str, Form(max_length=NAME)]
    ) -> Response:
        """Let the run read an image of its own answers; the page Read then explains it."""

        def allowed() -> Run:
            run = listed_runs.finished(shared, name)
            if image not in _readable(run).known.names:
                raise UnknownName("The run has no answer to an image of that name.")
            if closed := _closed(shared, run):
                raise UnknownName(closed)
            return run

        run = await run_in_threadpool(allowed)
        return await open_here(
            request, shared, run.name, lambda: upload_of(dataset_of(run), image, shared)
        )

    return routes


def upload_of(dataset: Dataset, name: str, shared: Shared) -> Upload:
    """Return an image of a data set as if it had been sent: its file, or its pixels as PNG.

    Raises:
        UnknownName: the data set has no such image.
        BadInput: it cannot be read, or is too large.
    """
    for sample in dataset.samples:
        if sample.name == name:
            return uploads.accept(_content(dataset, sample), name, shared.library.limits)
    raise UnknownName(f"The data set has no image '{uploads.display_name(name)}' any more.")


def _content(dataset: Dataset, sample: Sample) -> bytes:
    if dataset.path is not None:
        try:
            return dataset.path(sample).read_bytes()
        except OSError as error:
            raise BadInput(f"The image cannot be read: {error.strerror}.") from error
    written = io.BytesIO()
    Image.fromarray(dataset.read(sample, None)).save(written, "png")
    return written.getvalue()


def _readable(run: Run, threshold: float | None = None) -> ConfusionCells:
    try:
        return confusion_cells(run, threshold)
    except DamagedRun as error:
        raise UnknownName(
            f"The answers of '{run.name}' cannot be read. Copy the run again, or train again."
        ) from error


def _closed(shared: Shared, run: Run) -> str:
    """Say why no pictures are shown; empty when they are."""
    source = run.record["data"]["source"]
    if shared.is_open(source):
        return ""
    return (
        "Only names are shown: the application may not open the data of this run. Pictures are "
        f"shown where '{listed_runs.shown_source(source)}' was named when it was started."
    )
