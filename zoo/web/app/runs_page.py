"""The page Runs: a leaderboard, one run with all that is known of it, and its pictures."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from zoo.base.errors import UnknownName
from zoo.network import export_formats
from zoo.runs import run_folder
from zoo.web.app import listed_runs, run_work, templating, thresholds, train_page
from zoo.web.app.listed_runs import PAGE, finished
from zoo.web.app.run_view import run_view
from zoo.web.app.shared import Shared
from zoo.web.app.trainings import Trainings
from zoo.web.service.bodies import Route
from zoo.web.service.security import PAGE_POLICY
from zoo.workflows import manage_runs

NAME = 255


def router(shared: Shared) -> APIRouter:
    """Return the routes of the page."""
    routes = APIRouter(route_class=Route)
    trainings = Trainings(shared.folder)

    @routes.get(PAGE)
    def overview(removed: Annotated[str, Query(max_length=NAME)] = "") -> Response:
        trash = [] if shared.library.only else manage_runs.trash(shared.folder)
        return templating.page(
            "runs.html.j2",
            here=PAGE,
            headings=listed_runs.HEADINGS,
            rows=listed_runs.leaderboard_rows(
                [run for run in listed_runs.all_runs(shared) if run.done]
            ),
            unfinished=listed_runs.unfinished(shared, trainings),
            broken=listed_runs.broken(shared),
            trash=trash,
            removed=removed if any(one.name == removed for one in trash) else "",
            managed=not shared.library.only,
        )

    @routes.get(f"{PAGE}/{{name}}")
    def one(name: str) -> Response:
        run = listed_runs.listed_run(shared, name)
        if not run.done:
            return RedirectResponse(train_page.of_run(run), 303)
        return templating.page(
            "run.html.j2",
            here=PAGE,
            path=listed_runs.path_of(run),
            managed=not shared.library.only,
            closed=run_work.closed(shared, run),
            formats=[(form, run_work.exported(run, form)) for form in export_formats.FORMATS],
            note_length=manage_runs.NOTE_LENGTH,
            name_length=manage_runs.NAME_LENGTH,
            **run_view(run),
        )

    @routes.get(f"{PAGE}/{{name}}/thresholds.json")
    def counts(name: str) -> Response:
        told = thresholds.threshold_counts(finished(shared, name))
        if told is None:
            raise UnknownName("This run has no threshold to move, or kept no answers.")
        return JSONResponse(told, headers=templating.PRIVATE)

    @routes.get(f"{PAGE}/{{name}}/card")
    def card(name: str) -> Response:
        text = listed_runs.file_of(finished(shared, name), run_folder.CARD).read_text(
            "utf-8", "replace"
        )
        policy = f"{PAGE_POLICY}; sandbox"
        return HTMLResponse(text, headers={**templating.PRIVATE, "Content-Security-Policy": policy})

    return routes
