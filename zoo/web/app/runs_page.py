"""The page Runs: a leaderboard, one run with its curves, and the images behind its mistakes."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, Response

from zoo.base.errors import DamagedRun, UnknownName, ZooError
from zoo.base.types import TEST, Dataset
from zoo.data.verify import at_depth
from zoo.report.facts import facts
from zoo.report.figures.contact_sheet import contact_sheet
from zoo.report.figures.probabilities import reliability_diagram
from zoo.report.figures.training import learning_curves
from zoo.report.pages import belief
from zoo.report.pages.belief import percent
from zoo.report.pages.check_pictures import Pictures
from zoo.report.tables import baseline_rows, basis, calibration_text, metric_rows
from zoo.runs import run_folder
from zoo.runs.diagnosis import Cause, diagnose, held_back, the_others, untold
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run
from zoo.web.app import listed_runs, templating
from zoo.web.app.confusion import ConfusionCells, confusion_cells
from zoo.web.app.shared import Shared
from zoo.web.app.trainings import Trainings
from zoo.web.service.bodies import Route
from zoo.web.service.security import PAGE_POLICY

PAGE = "/runs-of-this-folder"
SHOWN = 24
OPENED = 2
"""Data sets that are kept open."""
RELIABILITY = "reliability.png"


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    trainings = Trainings(shared.folder)

    @functools.lru_cache(OPENED)
    def dataset(source: str, bits: int | None) -> Dataset:
        return at_depth(shared.library.registry.dataset(source), bits)

    @routes.get(PAGE)
    def overview() -> Response:
        return templating.page(
            "runs.html.j2",
            here=PAGE,
            headings=listed_runs.HEADINGS,
            rows=listed_runs.leaderboard_rows(
                [run for run in listed_runs.all_runs(shared) if run.done]
            ),
            unfinished=listed_runs.unfinished(shared, trainings),
            broken=listed_runs.broken(shared),
        )

    @routes.get(f"{PAGE}/{{name}}")
    def one(name: str) -> Response:
        run = finished(shared, name)
        test, causes = scores(run), diagnosed(run)
        return templating.page(
            "run.html.j2",
            here=PAGE,
            run=run,
            path=_path(run),
            synthetic=run.record["data"]["synthetic"],
            information=facts(run),
            held_back=held_back(causes),
            the_others=the_others(causes),
            alarms=untold(run.alarms, causes),
            said=belief.statements(
                {"operating_threshold": run.record["operating_point"], **test}, "the test part"
            ),
            basis=basis(test),
            metrics=metric_rows(test),
            baselines=baseline_rows(test),
            calibration=calibration_text(test),
            matrix=_matrix(run),
            others=[
                (place, belief.value_text(area)) for place, area in run.scored_elsewhere().items()
            ],
        )

    @routes.get(f"{PAGE}/{{name}}/card")
    def card(name: str) -> Response:
        text = listed_runs.file_of(finished(shared, name), run_folder.CARD).read_text(
            "utf-8", "replace"
        )
        policy = f"{PAGE_POLICY}; sandbox"
        return HTMLResponse(text, headers={**templating.PRIVATE, "Content-Security-Policy": policy})

    @routes.get(f"{PAGE}/{{name}}/{run_folder.CURVES}")
    def curves(name: str) -> Response:
        run = finished(shared, name)
        return _png(_curves(run), "This run has no record of its epochs.")

    @routes.get(f"{PAGE}/{{name}}/{RELIABILITY}")
    def reliability(name: str) -> Response:
        calibration = scores(finished(shared, name)).get("calibration")
        drawn = reliability_diagram(calibration) if calibration else None
        return _png(drawn, "The calibration of this run was not measured.")

    @routes.get(f"{PAGE}/{{name}}/answers/{{true}}/{{said}}")
    def cell(
        name: str, true: int, said: int, page: Annotated[int, Query(ge=1, le=100_000)] = 1
    ) -> Response:
        run = finished(shared, name)
        cells = _readable(run)
        rows = cells.cell(true, said)
        chosen = rows[(page - 1) * SHOWN : page * SHOWN]
        if not len(chosen) and page > 1:
            raise UnknownName("There are no more images in this cell. Go back to the run.")
        labelled = [
            (str(cells.known.names[row]), percent(float(cells.probabilities[row, said])))
            for row in chosen
        ]
        tiles, closed = [], _closed(shared, run)
        if not closed:
            try:
                data = run.record["data"]
                pictures = Pictures(dataset(data["source"], data.get("bits")))
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
            here=PAGE,
            run=run,
            path=_path(run),
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
            tiles=tiles,
            names=labelled,
            closed=closed,
        )

    return routes


def finished(shared: Shared, name: str) -> Run:
    """Return a finished run by its name.

    Raises:
        UnknownName: there is none, or it is not finished.
    """
    run = listed_runs.listed_run(shared, name)
    if not run.done:
        raise UnknownName(f"The run '{run.name}' is not finished. Resume it on the page Train.")
    return run


def scores(run: Run) -> Any:
    """Return what was measured on the test part.

    Raises:
        UnknownName: it cannot be read.
    """
    with _whole(run):
        return run.metrics()[TEST]


def diagnosed(run: Run) -> tuple[Cause, ...]:
    """Return what may hold a run back.

    Raises:
        UnknownName: its scores cannot be read.
    """
    with _whole(run):
        return diagnose(run)


@contextmanager
def _whole(run: Run) -> Iterator[None]:
    try:
        yield
    except (DamagedRun, KeyError, TypeError) as error:
        raise UnknownName(
            f"The scores of '{run.name}' cannot be read. Copy the run again, or train again."
        ) from error


def _readable(run: Run) -> ConfusionCells:
    try:
        return confusion_cells(run)
    except DamagedRun as error:
        raise UnknownName(
            f"The answers of '{run.name}' cannot be read. Copy the run again, or train again."
        ) from error


def _matrix(run: Run) -> dict[str, Any] | None:
    """Return the confusion matrix with the share of each true class; None when it is damaged."""
    try:
        cells = confusion_cells(run)
    except DamagedRun:
        return None
    counts = cells.confusion()
    return {
        "part": cells.part,
        "images": sum(map(sum, counts)),
        "rows": [
            {
                "name": run.class_names[true],
                "cells": [
                    {
                        "count": n,
                        "share": n / max(1, sum(row)),
                        "text": percent(n / max(1, sum(row))),
                    }
                    for n in row
                ],
            }
            for true, row in enumerate(counts)
        ],
    }


def _curves(run: Run) -> bytes | None:
    """Return the picture that was drawn after the training, or draw it again."""
    try:
        return listed_runs.file_of(run, run_folder.CURVES).read_bytes()
    except (OSError, UnknownName):
        pass
    try:
        history = read_history(listed_runs.file_of(run, run_folder.HISTORY))
    except (OSError, ValueError, TypeError, UnknownName):
        return None
    return learning_curves(history, run.record["training"]["best_epoch"])


def _closed(shared: Shared, run: Run) -> str:
    """Say why no pictures are shown; empty when they are."""
    source = run.record["data"]["source"]
    if shared.is_open(source):
        return ""
    return (
        "Only names are shown: the application may not open the data of this run. To see the "
        f"pictures, start it with --data and the folder of '{listed_runs.shown_source(source)}'."
    )


def _path(run: Run) -> str:
    return f"{PAGE}/{quote(run.name, safe='')}"


def _png(picture: bytes | None, sentence: str) -> Response:
    if picture is None:
        raise UnknownName(sentence)
    return Response(picture, media_type="image/png", headers=templating.PRIVATE)
