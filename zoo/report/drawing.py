"""A figure that is drawn when it is asked for: as a PNG file, or as SVG in the colours of a page.

In a page a colour is the CSS variable of `style.css` that it stands for, so that a figure is dark
in a dark page and black on white in print. Its text is text, in the font of the page.
"""

from __future__ import annotations

import hashlib
import io
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from zoo.report.style import DPI, GRID, INK, MUTED, PAPER, REST, SERIES, to_png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VARIABLES = {
    colour.lower(): variable
    for colour, variable in (
        (INK, "--ink"),
        (MUTED, "--muted"),
        (GRID, "--line"),
        (PAPER, "--card"),
        (REST, "--quiet"),
        *((colour, f"--series-{number}") for number, colour in enumerate(SERIES)),
    )
}
"""The CSS variable that each colour of a figure is in a page; matplotlib writes small letters."""
COLOUR = re.compile(r"#[0-9a-fA-F]{6}\b")
REFERENCE = re.compile(r"#([\w-]+)")
FAMILY = re.compile(r"\s*font-family:[^;]*;?")
_settings = threading.Lock()


class Drawing:
    """A finished figure of matplotlib, not drawn yet; `dpi` is that of a PNG file."""

    def __init__(self, figure: Figure, dpi: int = DPI):
        self.figure, self.dpi = figure, dpi

    def png(self) -> bytes:
        """Draw it as a PNG file on white paper, for a publication."""
        return to_png(self.figure, self.dpi)

    def svg(self, alt: str) -> str:
        """Draw it as an `svg` element for a page; `alt` says in words what is seen."""
        from matplotlib import rc_context

        buffer = io.StringIO()
        # Letters stay letters, and the same figure gives the same text. The settings are of the
        # whole process, so that one figure waits for the other.
        with _settings, rc_context({"svg.fonttype": "none", "svg.hashsalt": "zoo"}):
            self.figure.savefig(
                buffer,
                format="svg",
                dpi=self.dpi,
                facecolor="none",
                metadata={"Creator": None, "Date": None, "Format": None, "Type": None},
            )
        return _element(buffer.getvalue(), alt)


def _element(text: str, alt: str) -> str:
    root = ElementTree.fromstring(text)  # noqa: S314 - written by matplotlib a moment ago
    own = hashlib.sha256(text.encode()).hexdigest()[:8]
    for parent in list(root.iter()):
        for child in list(parent):
            if _name(child.tag) in ("metadata", "style"):
                parent.remove(child)
    referred = {name for one in root.iter() for name in _referred(one)}
    for one in root.iter():
        one.tag = _name(one.tag)
        kept = {_name(name): value for name, value in one.attrib.items()}
        if kept.get("id") not in referred:
            kept.pop("id", None)
        else:
            kept["id"] = f"{own}-{kept['id']}"
        for name, value in kept.items():
            if name == "href" and value.startswith("#"):
                kept[name] = f"#{own}-{value[1:]}"
            elif name == "clip-path":
                kept[name] = REFERENCE.sub(rf"#{own}-\1", value)
            elif name == "style":
                kept[name] = FAMILY.sub("", COLOUR.sub(_variable, value))
        one.attrib.clear()
        one.attrib.update(kept)
        one.tail = None
    box = root.attrib["viewBox"]
    root.attrib.clear()
    root.attrib.update(
        {
            "class": "figure",
            "role": "img",
            "aria-label": alt,
            "viewBox": box,
            "fill": "currentColor",
            "stroke-linejoin": "round",
            "stroke-linecap": "butt",
        }
    )
    return ElementTree.tostring(root, encoding="unicode")


def _name(qualified: str) -> str:
    return qualified.rpartition("}")[2]


def _referred(element: ElementTree.Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if _name(name) in ("href", "clip-path") and not value.startswith("data:"):
            yield from REFERENCE.findall(value)


def _variable(found: re.Match[str]) -> str:
    variable = VARIABLES.get(found[0].lower())
    return f"var({variable})" if variable else found[0]
