"""From values and a template to a page of the application, and what a browser may do with it."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, Response

from zoo import DISCLAIMER, __version__
from zoo.base.errors import UnknownName
from zoo.web.app.words import for_a_page

if TYPE_CHECKING:
    from jinja2 import Environment

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'self'; frame-src 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
"""A page loads and runs what this application serves, and nothing else."""
PRIVATE = {"Cache-Control": "no-store"}
PROTECTED = {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"}
"""Without any referrer a browser would hide the origin of a form, and the guard would refuse it."""
NAVIGATION = (
    ("Read", "/"),
    ("Compare", "/compare"),
    ("Runs", "/runs-of-this-folder"),
    ("Data", "/data"),
    ("Train", "/train"),
    ("Learn", "/learn"),
)
KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Around:
    """What stands around every page: the name of who is signed in, and the pages there are.

    `may_train`: they may start and resume trainings; `saves`: cases can be saved.
    """

    user: str = ""
    may_train: bool = True
    navigation: tuple[tuple[str, str], ...] = NAVIGATION
    saves: bool = False


AROUND: ContextVar[Around] = ContextVar("around", default=Around())  # noqa: B039 (it is frozen)
"""Set for each request, so that no page has to hand it on."""


def page(template: str, *, status: int = 200, here: str = "", **values: Any) -> HTMLResponse:
    """Answer with a page; `here` is the path of the navigation that it belongs to."""
    around = AROUND.get()
    given = {**vars(around), **values}
    text = (
        _templates()
        .get_template(template)
        .render(disclaimer=DISCLAIMER, version=__version__, here=here, **given)
    )
    return HTMLResponse(text, status, headers={**PRIVATE, **PROTECTED})


def part(template: str, **values: Any) -> str:
    """Return a part of a page, to be put into it by its script."""
    saves = AROUND.get().saves
    return _templates().get_template(template).render(disclaimer=DISCLAIMER, saves=saves, **values)


def static(name: str) -> Response:
    """Answer with a file of this package; the style is that of the reports and what is added.

    Raises:
        UnknownName: there is no such file.
    """
    content = _files().get(name)
    if content is None:
        raise UnknownName("There is no such file.")
    return Response(
        content,
        media_type=f"{KINDS[PurePosixPath(name).suffix]}; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


@functools.cache
def _files() -> dict[str, bytes]:
    folder = resources.files("zoo.web.app").joinpath("static")
    files = {
        entry.name: entry.read_bytes()
        for entry in folder.iterdir()
        if PurePosixPath(entry.name).suffix in KINDS
    }
    reports = resources.files("zoo.report").joinpath("templates")
    style = reports.joinpath("style.css").read_bytes() + files["app.css"] + files["station.css"]
    return {**files, "style.css": style, "sort.js": reports.joinpath("sort.js").read_bytes()}


@functools.cache
def _templates() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader("zoo.web.app"), PackageLoader("zoo.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["for_a_page"] = for_a_page
    return environment
