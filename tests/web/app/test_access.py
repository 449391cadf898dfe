"""Nobody is kept out of the application: axe-core looks at every page, in each theme and width."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from plugins.readers.phantom import zoo_read_dataset
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.site import create
from zoo.web.service.engine import Library

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from accessibility import violations
from playwright.sync_api import Page, expect

SOURCE = "phantom?images=80&size=64"
RUN = "/runs-of-this-folder/first"
PAGES = ("/", "/compare", "/runs-of-this-folder", RUN, f"{RUN}/answers/0/0", "/data", "/train")
LOOKS = ((1280, {"color_scheme": "light"}), (390, {"color_scheme": "dark"}))
FORCED = {"forced_colors": "active"}
Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def address(
    trained: Run,
    tiny_registry: Registry,
    tmp_path_factory: pytest.TempPathFactory,
    served: Callable[[Any], AbstractContextManager[str]],
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("two-runs")
    for name in ("first", "second"):
        shutil.copytree(trained.path, folder / name)
    with served(create(Library(folder, registry=tiny_registry), [SOURCE])) as found:
        yield found


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic radiograph."""
    dataset = zoo_read_dataset("phantom", {"images": "20", "size": "96"})
    assert dataset is not None
    path = tmp_path_factory.mktemp("pictures") / "synthetic.png"
    Image.fromarray(dataset.read(dataset.samples[-1], None)).save(path)
    return path


def check(page: Page) -> None:
    assert violations(page) == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url


@pytest.mark.parametrize(("width", "look"), LOOKS, ids=["light", "dark"])
def test_every_page(visit: Visit, address: str, width: int, look: dict[str, str]) -> None:
    with visit(address, width, 844, **look) as page:
        for path in PAGES:
            page.goto(path)
            check(page)


def test_charts_follow_the_theme_and_bars_stay_in_forced_colours(
    visit: Visit, address: str
) -> None:
    drawn = "one => getComputedStyle(one)"
    found = {}
    for name, look in (*((look["color_scheme"], look) for _, look in LOOKS), ("forced", FORCED)):
        with visit(address, 1280, 900, **look) as page:
            page.goto(RUN)
            text, bar = page.locator("svg.figure text").first, page.locator(".range i").first
            found[name] = (
                text.evaluate(f"{drawn}.fill"),
                bar.evaluate(f"{drawn}.backgroundColor"),
                bar.locator("..").evaluate(f"{drawn}.backgroundColor"),
            )
            chosen = page.locator("[aria-current=page]")
            colours = [chosen.evaluate(f"{drawn}.{one}") for one in ("color", "backgroundColor")]
            assert colours[0] != colours[1]
    assert found["light"][0] != found["dark"][0]
    for _, mark, ground in found.values():
        assert mark != ground, "the value can be told from its scale"


@pytest.mark.slow
@pytest.mark.parametrize(("width", "look"), LOOKS, ids=["light", "dark"])
def test_what_comes_after_a_button(
    visit: Visit, address: str, picture: Path, width: int, look: dict[str, str]
) -> None:
    with visit(address, width, 844, **look) as page:
        page.get_by_role("button", name="Read", exact=True).click()
        expect(page.get_by_role("alert").filter(has_text="Choose an image first")).to_be_visible()
        check(page)
        page.get_by_label("Images").set_input_files(str(picture))
        page.get_by_role("button", name="Read", exact=True).click()
        card = page.locator(".reading").first
        expect(card).to_have_attribute("data-unjudged", "false")
        expect(card).to_have_attribute("aria-busy", "false")
        for details in card.locator("summary:visible").all():
            details.click()
        check(page)
        card.get_by_role("link", name="Compare with other runs").click()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".compared")).to_be_visible()
        check(page)
        page.goto("/data")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.locator("iframe")).to_be_visible()
        check(page)
