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
from zoo.web.app.case_folder import CaseFolder
from zoo.web.app.site import create
from zoo.web.service import users
from zoo.web.service.library import Library
from zoo.web.service.users import Users

pytest.importorskip("playwright")
pytest.importorskip("axe_playwright_python")

from accessibility import violations
from cheap_hashes import use_cheap_hashes
from playwright.sync_api import Page, expect

SOURCE = "phantom?images=80&size=64"
LESSON = "phantom?images=20&size=64&seed=5"
"""Images that no run learned from."""
PASSWORD = "correct horse"  # noqa: S105 (of a test)
RUN = "/runs-of-this-folder/first"
PAGES = (
    *("/", "/compare", "/runs-of-this-folder", RUN, f"{RUN}/answers/0/0", "/data", "/train"),
    *("/worklist", "/cases", "/learn"),
)
LIGHT, DARK = (1280, {"color_scheme": "light"}), (390, {"color_scheme": "dark"})
LOOKS = (LIGHT, DARK)
BOTH = ("/", RUN, "/train")
"""Of the pages those with most kinds of fields, figures and buttons."""
FORCED = {"forced_colors": "active"}
Visit = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose images come into the worklist."""
    return tmp_path_factory.mktemp("watched")


@pytest.fixture(scope="module")
def address(
    trained: Run,
    tiny_registry: Registry,
    tmp_path_factory: pytest.TempPathFactory,
    served: Callable[[Any], AbstractContextManager[str]],
    watched: Path,
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("two-runs")
    for name in ("first", "second"):
        shutil.copytree(trained.path, folder / name)
    app = create(
        Library(folder, registry=tiny_registry),
        [SOURCE, LESSON],
        cases=CaseFolder(tmp_path_factory.mktemp("cases")),
        watched=watched,
        intake=tmp_path_factory.mktemp("sets"),
    )
    with served(app) as found:
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


def turn(page: Page, look: tuple[int, dict[str, str]]) -> None:
    """Show the page that is open in another width and theme."""
    page.set_viewport_size({"width": look[0], "height": 844})
    page.emulate_media(color_scheme=look[1]["color_scheme"])  # type: ignore[arg-type]


def test_every_page(visit: Visit, address: str) -> None:
    with visit(address, LIGHT[0], 844, **LIGHT[1]) as page:
        for path in PAGES:
            page.goto(path)
            check(page)
            if path in BOTH:
                turn(page, DARK)
                check(page)
                turn(page, LIGHT)


@pytest.mark.slow
def test_every_page_in_the_dark(visit: Visit, address: str) -> None:
    with visit(address, DARK[0], 844, **DARK[1]) as page:
        for path in PAGES:
            page.goto(path)
            check(page)


def test_charts_follow_the_theme_and_bars_stay_in_forced_colours(
    visit: Visit, address: str
) -> None:
    drawn = "one => getComputedStyle(one)"
    found = {}
    with visit(address, 1280, 900) as page:
        page.goto(RUN)
        text, bar = page.locator("svg.figure text").first, page.locator(".range i").first
        for name, look in (
            *((look["color_scheme"], look) for _, look in LOOKS),
            ("forced", FORCED),
        ):
            page.emulate_media(**look)
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


def test_signing_in(
    visit: Visit,
    served: Callable[..., AbstractContextManager[str]],
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_cheap_hashes(monkeypatch)
    users.add(tmp_path / "users", "ann", PASSWORD)
    library = Library(tmp_path / "runs", registry=tiny_registry)
    app = create(library, auth=Users(tmp_path / "users"), hosts=None)
    with served(app) as address, visit(address, LIGHT[0], 844, **LIGHT[1]) as page:
        check(page)
        turn(page, DARK)
        check(page)
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        check(page)
        turn(page, LIGHT)
        check(page)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "look"), LOOKS, ids=["light", "dark"])
def test_what_comes_after_a_button(
    visit: Visit, address: str, picture: Path, width: int, look: dict[str, str]
) -> None:
    with visit(address, width, 844, **look) as page:
        page.get_by_label("Add images").set_input_files(str(picture))
        expect(page.get_by_role("dialog", name="The answer")).to_be_visible()
        check(page)
        page.get_by_role("button", name="No more of this").click()
        card = page.locator(".reading").first
        expect(card).to_have_attribute("data-unjudged", "false")
        expect(card).to_have_attribute("aria-busy", "false")
        for details in card.locator("summary:visible").all():
            details.click()
        check(page)
        page.emulate_media(forced_colors="active")
        pressed = card.get_by_role("button", name="Drag moves the picture").evaluate(
            "one => [getComputedStyle(one).color, getComputedStyle(one).backgroundColor]"
        )
        assert pressed[0] != pressed[1], "what is chosen can be read"
        page.emulate_media(forced_colors="none")
        card.get_by_role("link", name="Compare with other runs or images").click()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator(".compared")).to_be_visible()
        check(page)
        page.goto("/data")
        page.get_by_role("button", name="Check", exact=True).click()
        expect(page.locator("iframe")).to_be_visible()
        check(page)
        page.goto("/learn")
        page.get_by_label("Images", exact=True).select_option(label=LESSON)
        page.get_by_label("How many").fill("1")
        page.get_by_role("button", name="Begin").click()
        expect(page.get_by_role("group", name="The image")).to_be_visible()
        check(page)
        page.get_by_label("PNEUMONIA").check()
        page.get_by_role("button", name="Commit").click()
        expect(page.get_by_text("You said")).to_be_visible()
        check(page)
        page.get_by_role("link", name="How it went").click()
        expect(page.get_by_text("Another lesson")).to_be_visible()
        check(page)
        page.goto("/")
        page.get_by_role("button", name="Save the case").click()
        expect(page.get_by_role("button", name="Delete the case")).to_be_visible()
        check(page)
        page.goto("/cases")
        expect(page.get_by_role("link", name="synthetic.png").first).to_be_visible()
        check(page)


@pytest.mark.slow
@pytest.mark.parametrize(("width", "look"), LOOKS, ids=["light", "dark"])
def test_what_is_sent_and_what_comes_into_a_folder(
    visit: Visit,
    address: str,
    watched: Path,
    picture: Path,
    tmp_path: Path,
    width: int,
    look: dict[str, str],
) -> None:
    for name in ("NORMAL", "PNEUMONIA"):
        (tmp_path / "mine" / name).mkdir(parents=True)
        for number in range(3):
            shutil.copy(picture, tmp_path / "mine" / name / f"p{number}.png")
    shutil.copy(picture, watched / f"{width}.png")
    (watched / "letter.png").write_text("This is a letter.")
    with visit(address, width, 844, **look) as page:
        page.goto("/data")
        page.get_by_label("Name of a new data set").fill(f"set-{width}")
        page.get_by_label("A folder").set_input_files(tmp_path / "mine")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#preview")).to_contain_text("6 images")
        check(page)
        page.get_by_role("button", name="That is right").click()
        expect(page.locator(".sheet img").first).to_be_visible()
        check(page)
        page.goto("/worklist")
        expect(page.get_by_role("button", name=f"Read {width}.png")).to_be_visible()
        expect(page.get_by_text("is not an image")).to_be_visible()
        check(page)
