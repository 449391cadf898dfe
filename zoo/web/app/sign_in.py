"""The page on which people sign in by name and password, and how they leave.

Annotations are evaluated here (no `from __future__`): FastAPI reads them.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from starlette.responses import RedirectResponse, Response

from zoo.web.app import templating
from zoo.web.service.bodies import Route
from zoo.web.service.door import Door, Refused
from zoo.web.service.security import client_address, session_cookie

PAGE, LEAVE = "/sign-in", "/sign-out"
OPEN = frozenset({PAGE, "/static/style.css", "/static/icon.svg"})
"""What is seen before anybody is known."""
NAME, PASSWORD, PATH = 64, 1024, 8000
"""Characters that are taken."""

Path = Annotated[str, Query(max_length=PATH)]


def router(door: Door) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(route_class=Route)

    def form(to: str, name: str = "", sentence: str = "", status: int = 200) -> Response:
        return templating.page(
            "sign_in.html.j2",
            status=status,
            navigation=(),
            to=within(to),
            name=name,
            sentence=sentence,
        )

    @routes.get(PAGE)
    def page(request: Request, to: Path = "/") -> Response:
        if door.by_session(request.cookies.get(session_cookie(request))) is not None:
            return RedirectResponse(within(to), 303)
        return form(to)

    @routes.post(PAGE)
    async def sign_in(
        request: Request,
        name: Annotated[str, Form(max_length=NAME)] = "",
        password: Annotated[str, Form(max_length=PASSWORD)] = "",
        to: Annotated[str, Form(max_length=PATH)] = "/",
    ) -> Response:
        try:
            _, token = await door.sign_in(name, password, client_address(request))
        except Refused as error:
            sentence = "Name or password is wrong." if error.status == 401 else str(error)
            refused = form(to, name, sentence, error.status)
            refused.headers.update(error.headers)
            return refused
        door.sign_out(request.cookies.get(session_cookie(request)), client_address(request))
        answer = RedirectResponse(within(to), 303, headers=templating.PRIVATE)
        answer.set_cookie(
            session_cookie(request),
            token,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    @routes.post(LEAVE)
    def sign_out(request: Request) -> Response:
        door.sign_out(request.cookies.get(session_cookie(request)), client_address(request))
        answer = RedirectResponse(PAGE, 303, headers=templating.PRIVATE)
        answer.delete_cookie(
            session_cookie(request),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    return routes


def within(path: str) -> str:
    """Return a path of this application to go on to; the first page for any other address."""
    plain = path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and path.startswith("/") and not path.startswith("//") else "/"
