"""From values and a template to one HTML file: no network, pictures inside the file.

File names and class names come from outside, so every template is escaped by default, and the
pages forbid themselves (Content-Security-Policy) to load anything, and to run anything but the one
script that a page may carry, which is known by its hash. Pages can be read without it.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import shlex
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING, Any

from zoo import __version__

if TYPE_CHECKING:
    from jinja2 import Environment

    from zoo.report.drawing import Drawing


def render(template: str, *, script: str = "", **values: Any) -> str:
    """Fill a template of `zoo/report/templates`; a value that it misses is an error.

    `script` names a file there that the page carries and may run.
    """
    carried = _script(script) if script else None
    return _templates().get_template(template).render(version=__version__, script=carried, **values)


def uri(content: bytes, kind: str) -> str:
    """Return a picture file as a data URI; `kind` is 'png' or 'jpeg'."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def drawings(drawn: Sequence[tuple[str, str, str, Drawing | None]]) -> list[dict[str, str]]:
    """Prepare figures for a page: title, how to read it, text in its place, drawing or None."""
    return [
        {"title": title, "reading": reading, "svg": drawing.svg(alt)}
        for title, reading, alt, drawing in drawn
        if drawing is not None
    ]


def command_line(command: Sequence[str]) -> str:
    """Write a command as it would be typed; words with blanks are quoted."""
    return command[0] if len(command) == 1 else shlex.join(command)


@functools.cache
def _script(name: str) -> dict[str, str]:
    text = resources.files("zoo.report").joinpath("templates", name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {"text": text, "hash": f"sha256-{digest}"}


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("zoo.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
