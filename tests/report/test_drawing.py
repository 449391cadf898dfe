from __future__ import annotations

import re
from collections.abc import Callable
from importlib import resources
from xml.etree import ElementTree

import pytest

from zoo.report.drawing import VARIABLES, Drawing
from zoo.report.rendering import drawings
from zoo.report.style import BLUE, PAPER, compact_figure

STYLE = resources.files("zoo.report").joinpath("templates", "style.css").read_text("utf-8")
ALT = 'A line & a "name" <b>'


def drawing(label: str = "a line") -> Drawing:
    figure, axes = compact_figure("x", label)
    axes.plot([0, 1], [0, 1], "o-", color=BLUE, mec=PAPER, clip_on=True)
    return Drawing(figure)


def test_a_page_gives_the_colours_and_the_font() -> None:
    svg = drawing().svg(ALT)
    assert not re.search(": #[0-9a-f]{6}", svg), "no colour is fixed"
    for variable in ("--series-0", "--ink", "--muted", "--line", "--card"):
        assert f"var({variable})" in svg, variable
    assert "font-family" not in svg
    assert "<style" not in svg, "it would hold for the whole page"
    assert not re.search(r"https?://|metadata|xmlns", svg)


def test_every_colour_is_given_in_light_in_dark_and_in_print() -> None:
    for variable in VARIABLES.values():
        assert len(re.findall(rf"{variable}: #", STYLE)) >= 3, variable


def test_text_stays_text_and_nothing_of_it_is_markup() -> None:
    root = ElementTree.fromstring(drawing("<script> & #0072b2 $x$").svg(ALT))  # noqa: S314 - our own
    assert root.attrib["aria-label"] == ALT
    assert "<script> & #0072b2 $x$" in [text.text for text in root.iter("text")]
    assert not list(root.iter("script"))


def test_drawings_of_one_page_share_no_name() -> None:
    first, second = (
        set(re.findall(r'id="([^"]+)"', drawing(label).svg(ALT))) for label in ("one", "two")
    )
    assert first
    assert not first & second
    svg = drawing().svg(ALT)
    referred = set(re.findall(r'(?:url\(|href=")#([^")]+)', svg))
    assert referred == set(re.findall(r'id="([^"]+)"', svg))


def test_the_same_figure_gives_the_same_text() -> None:
    assert drawing().svg(ALT) == drawing().svg(ALT)


def test_what_was_not_drawn_is_left_out() -> None:
    (shown,) = drawings([("Title", "Reading.", ALT, drawing()), ("None", "", "", None)])
    assert shown["title"] == "Title"
    assert shown["svg"].startswith("<svg ")


def test_settings_of_the_process_are_as_before() -> None:
    import matplotlib

    before = matplotlib.rcParams["svg.fonttype"]
    drawing().svg(ALT)
    assert matplotlib.rcParams["svg.fonttype"] == before


def test_what_keeps_somebody_out_is_found(accessible: Callable[[str], None]) -> None:
    page = '<!doctype html><html lang="en"><title>A</title><main><h1>A</h1>{}</main></html>'
    accessible(page.format("<p>Text.</p>"))
    for fault in (
        '<img src="data:,">',
        '<p style="color: #999; background: #fff">Pale.</p>',
        '<button style="height: 9px">A</button><br><button style="height: 9px">B</button>',
        '<p style="width: 3000px; background: #fff; color: #000">Wide.</p>',
    ):
        with pytest.raises(AssertionError):
            accessible(page.format(fault))
