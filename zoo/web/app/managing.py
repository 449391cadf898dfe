"""Notes, names and the trash of the page Runs, by the functions behind `zoo runs`.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form
from starlette.responses import RedirectResponse, Response

from zoo.base.errors import InvalidSetting
from zoo.runs import run_folder
from zoo.web.app import listed_runs
from zoo.web.app.listed_runs import PAGE
from zoo.web.app.rights import check_rights
from zoo.web.app.shared import Shared
from zoo.web.app.trainings import Trainings
from zoo.web.service.bodies import Route
from zoo.workflows import manage_runs

NAME = 255
NOTE = 2 * manage_runs.NOTE_LENGTH

Name = Annotated[str, Form(max_length=NAME)]


def router(shared: Shared) -> APIRouter:
    """Return the routes that change something about runs."""
    routes = APIRouter(route_class=Route, dependencies=[Depends(check_rights)])
    library, trainings = shared.library, Trainings(shared.folder)

    def check_whole_folder() -> None:
        if library.only:
            raise InvalidSetting(
                "The application shows chosen runs (--run), so their names stay as they are. "
                "Use the command: zoo runs"
            )

    def check_at_rest(name: str) -> None:
        """Refuse while a training that was started here is still at its end: verdicts come last."""
        if any(trainings.state(item).run == name for item in trainings.alive()):
            raise InvalidSetting(
                f"The run '{name}' is in training. Wait until it has ended, or stop it first."
            )

    @routes.post(f"{PAGE}/{{name}}/note")
    def note(name: str, text: Annotated[str, Form(max_length=NOTE)] = "") -> Response:
        run = listed_runs.finished(shared, name)
        manage_runs.note_run(run.name, text, shared.folder)
        return RedirectResponse(f"{listed_runs.path_of(run)}#keep", 303)

    @routes.post(f"{PAGE}/{{name}}/rename")
    def rename(name: str, new: Name = "") -> Response:
        check_whole_folder()
        run = listed_runs.listed_run(shared, name)
        check_at_rest(run.name)
        path = manage_runs.rename_run(run.name, new.strip(), shared.folder)
        library.forget(run.name)
        return RedirectResponse(listed_runs.path_of(run_folder.read(path)), 303)

    @routes.post(f"{PAGE}/{{name}}/remove")
    def remove(name: str) -> Response:
        check_whole_folder()
        check_at_rest(name)
        manage_runs.remove_run(name, shared.folder)
        library.forget(name)
        return RedirectResponse(f"{PAGE}?removed={quote(name, safe='')}", 303)

    @routes.post(f"{PAGE}/restore")
    def restore(name: Name = "") -> Response:
        check_whole_folder()
        manage_runs.restore_run(name, shared.folder)
        return RedirectResponse(PAGE, 303)

    @routes.post(f"{PAGE}/empty")
    def empty() -> Response:
        check_whole_folder()
        manage_runs.empty_trash(shared.folder)
        return RedirectResponse(PAGE, 303)

    return routes
