"""The application in a real browser: read, look, compare, take away, cancel, on a phone too."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from PIL import Image

from plugins.readers.phantom import zoo_read_dataset
from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app import compare_page, reading
from zoo.web.app.site import create
from zoo.web.service.library import Library

pytest.importorskip("playwright")

from playwright.sync_api import Locator, Page, expect

SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""
DRAWN = "root => Promise.all([...root.querySelectorAll('img')].map(image => image.decode()))"
"""Waits until every picture is there: before, it has no size."""


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
    with served(create(Library(folder, registry=tiny_registry))) as found:
        yield found


@pytest.fixture
def page(visit: Callable[..., AbstractContextManager[Page]], address: str) -> Iterator[Page]:
    with visit(address, 1280, 900) as opened:
        yield opened


@pytest.fixture
def phone(visit: Callable[..., AbstractContextManager[Page]], address: str) -> Iterator[Page]:
    with visit(address, 390, 844) as opened:
        yield opened


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic radiograph of a proportion of its own."""
    dataset = zoo_read_dataset("phantom", {"images": "20", "size": "96"})
    assert dataset is not None
    path = tmp_path_factory.mktemp("pictures") / "synthetic.png"
    drawn = Image.fromarray(dataset.read(dataset.samples[-1], None))
    drawn.resize((160, 128)).save(path)
    return path


@pytest.fixture
def deep(tmp_path: Path) -> Path:
    """A file of 12 bits, most of which its own window does not show."""
    dataset = pydicom.Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.SOPClassUID = pydicom.uid.ComputedRadiographyImageStorage
    dataset.SOPInstanceUID = "1.2.3"
    dataset.Rows, dataset.Columns, dataset.SamplesPerPixel = 64, 64, 1
    dataset.PhotometricInterpretation, dataset.PixelRepresentation = "MONOCHROME2", 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.WindowCenter, dataset.WindowWidth = 2000, 1000
    dataset.PixelData = np.linspace(0, 4095, 64 * 64).astype("<u2").tobytes()
    path = tmp_path / "deep.dcm"
    pydicom.dcmwrite(path, dataset, enforce_file_format=True)
    return path


@pytest.fixture
def hold(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Callable[[Any, str], tuple[threading.Event, threading.Event]]]:
    """Let something wait: the first event tells that it has begun, the second lets it go on."""
    begun, go_on = threading.Event(), threading.Event()

    def held(owner: Any, name: str) -> tuple[threading.Event, threading.Event]:
        work = getattr(owner, name)

        def waits(*given: Any) -> Any:
            begun.set()
            assert go_on.wait(SECONDS)
            return work(*given)

        monkeypatch.setattr(owner, name, waits)
        return begun, go_on

    yield held
    go_on.set()


def read(page: Page, *files: Path) -> None:
    page.get_by_label("Add images").set_input_files([str(file) for file in files])
    page.get_by_role("button", name="No more of this").click()


def ready(card: Locator) -> None:
    """Wait until an image is explained, its maps are judged and all pictures are there."""
    expect(card).to_have_attribute("data-explained", "true")
    expect(card).to_have_attribute("data-unjudged", "false")
    expect(card).to_have_attribute("aria-busy", "false")
    expect(card.locator(".layer").first).to_be_attached()
    card.evaluate(DRAWN)


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_an_upload_to_a_report(page: Page, picture: Path) -> None:
    read(page, picture)
    card = page.locator(".reading").first
    expect(card.get_by_role("heading", name="synthetic.png")).to_be_focused()
    expect(card.locator(".prediction")).to_be_visible()
    expect(card.get_by_text("threshold 0.")).to_be_visible()
    expect(card.get_by_text(DISCLAIMER)).to_be_visible()
    base = card.get_by_role("img", name="The image synthetic.png").first
    expect(base).to_be_visible()
    wide = "image => image.decode().then(() => image.naturalWidth / image.naturalHeight)"
    assert base.evaluate(wide) == 160 / 128

    layer = card.locator(".layer[data-method=gradcam]")
    expect(layer).to_be_visible()
    assert layer.evaluate(wide) == 160 / 128  # as a person sees it, not as the network does
    slider = card.get_by_label("Opacity of the map")
    slider.fill("20")
    expect(layer).to_have_css("opacity", "0.2")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(card.locator("[data-value]")).to_have_text("21 %")

    ready(card)
    expect(card.locator(".about .trust").first).to_be_attached()
    card.get_by_role("radio", name="none").check()
    expect(layer).to_be_hidden()
    card.get_by_role("button", name="gradcam++").click()
    added = card.locator(".layer[data-method='gradcam++']")
    expect(added).to_be_visible()
    expect(card.get_by_role("radio", name="gradcam++")).to_be_checked()
    ready(card)

    pair = card.locator(".stack .matching").first
    expect(pair).to_be_visible()
    card.get_by_label("Colour what the image and a case have in common").uncheck()
    expect(pair).to_be_hidden()

    with page.expect_download() as downloading:
        card.get_by_role("link", name="Report as HTML").click()
    report = Path(downloading.value.path())
    assert downloading.value.suggested_filename == "synthetic-report.html"
    assert DISCLAIMER in report.read_text("utf-8")
    for form, start in (("PDF", b"%PDF"), ("JSON", b"{")):
        with page.expect_download() as downloading:
            card.get_by_role("link", name=f"Report as {form}").click()
        assert Path(downloading.value.path()).read_bytes().startswith(start)

    page.reload()
    expect(page.get_by_role("heading", name="synthetic.png")).to_be_visible()
    expect(page.locator(".layer:visible")).to_have_count(1)
    page.locator("#case").evaluate(DRAWN)
    page.get_by_role("button", name="Forget my images").click()
    expect(page.locator(".reading")).to_have_count(0)
    expect(page.get_by_text("Your images were forgotten.")).to_be_visible()


SCALE = """one => {
    const { a, e } = new DOMMatrix(getComputedStyle(one).transform);
    return [a, e];
}"""


def test_zooming_by_buttons_keys_wheel_and_pointer(
    page: Page, picture: Path, until: Callable[[Callable[[], Any]], Any]
) -> None:
    read(page, picture)
    ready(page.locator(".reading").first)
    stage = page.locator(".stage").first
    layers = stage.locator(".layers")

    def shows(scale: float, right: Callable[[float], bool]) -> float:
        """Wait until that is drawn, and return how far right the picture lies."""

        def drawn() -> tuple[float] | None:
            now = layers.evaluate(SCALE)
            return (now[1],) if now[0] == pytest.approx(scale) and right(now[1]) else None

        (found,) = until(drawn)
        return float(found)

    page.get_by_role("button", name="Larger").click()
    shows(1.5, lambda _: True)
    stage.focus()
    page.keyboard.press("+")
    before = shows(2.25, lambda _: True)
    page.keyboard.press("ArrowRight")
    moved = shows(2.25, lambda right: right < before)
    box = stage.bounding_box()
    assert box
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 230, box["y"] + 200, steps=3)
    page.mouse.up()
    shows(2.25, lambda right: right == pytest.approx(moved + 30, abs=2))
    page.mouse.wheel(0, -200)
    until(lambda: layers.evaluate(SCALE)[0] > 2.5)
    page.keyboard.press("0")
    shows(1, lambda right: right == 0)


def test_the_viewer_fills_the_screen_and_the_answer_is_seen(
    visit: Callable[..., AbstractContextManager[Page]], address: str, picture: Path
) -> None:
    with visit(address, 1280, 800) as page:
        read(page, picture)
        ready(page.locator(".reading").first)
        for part in (".stage", ".answered", "#rows", ".about:not([hidden])", ".disclaimer"):
            box = page.locator(part).first.bounding_box()
            assert box, part
            assert 0 <= box["y"] < 700, part
        stage = page.locator(".stage").bounding_box()
        assert stage
        assert stage["width"] > 600
        assert stage["height"] > 480
        assert page.evaluate("document.documentElement.scrollHeight") == 800
        assert fits(page)


def test_whatever_changes_brightness_first_shows_what_the_window_of_the_file_hid(
    page: Page, deep: Path
) -> None:
    read(page, deep)
    card = page.locator(".reading").first
    ready(card)
    told = card.locator("[data-window]")
    for preset, window in (("full", "W 4095 L 2048"), ("dark", "W 500 L 1750")):
        card.get_by_label("Brightness and contrast", exact=True).select_option(preset)
        expect(told).to_have_text(window)
        page.reload()
        ready(card)
    page.keyboard.press("i")
    expect(told).to_have_text("W 999 L 2000")
    page.reload()
    ready(card)
    card.get_by_label("Brightness and contrast", exact=True).select_option("auto")
    expect(told).to_have_text(re.compile(r"W (39|40)\d\d L 20\d\d"))


def test_brightness_ruler_line_and_frame(page: Page, picture: Path) -> None:
    read(page, picture)
    card = page.locator(".reading").first
    ready(card)
    stage, painted = card.locator(".stage"), card.locator(".windowed")
    middle = """one => { const { width, height } = one; const at = [width / 2, height / 2, 1, 1];
        return one.getContext("2d").getImageData(...at).data[0]; }"""
    expect(painted).to_be_hidden()
    page.keyboard.press("i")
    expect(painted).to_be_visible()
    inverted = painted.evaluate(middle)
    page.keyboard.press("i")
    expect(painted).to_be_hidden()
    card.get_by_label("Brightness and contrast", exact=True).select_option("dark")
    expect(painted).to_be_visible()
    assert painted.evaluate(middle) == pytest.approx(min(255, 2 * (255 - inverted)), abs=2)
    expect(card.locator("[data-window]")).to_have_text("W 128 L 64")
    card.get_by_label("Brightness and contrast", exact=True).select_option("original")
    expect(painted).to_be_hidden()

    card.get_by_role("button", name="Drag measures a length").click()
    layers = card.locator(".layers").bounding_box()
    assert layers
    row = layers["y"] + layers["height"] / 2
    page.mouse.move(layers["x"] + layers["width"] / 4, row)
    page.mouse.down()
    page.mouse.move(layers["x"] + layers["width"] * 3 / 4, row, steps=2)
    page.mouse.up()
    expect(stage.locator("[data-length]")).to_have_text("80 pixels")
    page.keyboard.press("Escape")
    expect(stage.locator("[data-length]")).to_have_text("")

    page.keyboard.press("s")
    divider = stage.get_by_role("slider")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    divider.press("ArrowRight")
    expect(divider).to_have_attribute("aria-valuenow", "53")
    expect(stage.locator(".evidence")).to_have_attribute("style", re.compile("inset"))
    page.keyboard.press("1")
    expect(card.locator(".layer:visible")).to_have_count(0)
    page.keyboard.press("1")
    expect(card.locator(".layer[data-method=gradcam]")).to_be_visible()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    keys.get_by_label("Single keys work on this page").uncheck()
    keys.get_by_role("button", name="Close").click()
    page.keyboard.press("1")
    expect(card.locator(".layer[data-method=gradcam]")).to_be_visible()


def test_a_list_is_walked_filtered_and_gone_back_in(
    page: Page, picture: Path, tmp_path: Path
) -> None:
    files = [picture] + [Path(shutil.copy(picture, tmp_path / f"case-{n}.png")) for n in range(4)]
    read(page, *files)
    rows = page.locator("#rows .row")
    expect(rows).to_have_count(5)
    expect(page.get_by_role("heading", name="synthetic.png")).to_be_visible()
    first = page.url
    page.locator(".reading h2").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("heading", name="case-0.png")).to_be_visible()
    expect(rows.nth(1).get_by_role("link")).to_have_attribute("aria-current", "true")
    assert page.url != first
    page.reload()
    expect(page.get_by_role("heading", name="case-0.png")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="synthetic.png")).to_be_visible()
    assert page.url == first
    page.get_by_label("Search names").fill("case-3")
    expect(page.locator("#rows .row:visible")).to_have_count(1)
    expect(page.locator("#counted")).to_have_text("1 of 5 images")
    page.get_by_label("Search names").fill("")
    page.get_by_label("Sort by").select_option("name")
    expect(rows.first).to_contain_text("case-0.png")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Table (CSV)").click()
    assert len(Path(downloading.value.path()).read_text("utf-8").splitlines()) == 6


def test_an_example_needs_no_file(page: Page) -> None:
    page.get_by_role("button", name="Example 2").click()
    expect(page.get_by_role("heading", name="example-2.png")).to_be_focused()
    tour = page.get_by_role("dialog", name="The answer")
    expect(tour).to_contain_text("1 of 3")
    for name in ("Next", "Next", "Done"):
        page.locator("#tour").get_by_role("button", name=name).click()
    expect(page.locator("#tour")).to_be_hidden()


def test_a_bad_file_is_told_in_a_sentence(page: Page, picture: Path, tmp_path: Path) -> None:
    bad = tmp_path / "letter.png"
    bad.write_text("This is a letter.")
    read(page, bad, picture)
    expect(page.get_by_role("heading", name="synthetic.png")).to_be_visible()
    expect(page.locator("#problems")).to_contain_text("letter.png")
    expect(page.locator(".reading")).to_have_count(1)
    expect(page.locator("body")).not_to_contain_text("Traceback")
    page.get_by_role("button", name="Close what did not work").click()
    expect(page.locator("#problems")).to_be_hidden()
    expect(page.get_by_label("Add images")).to_be_focused()


def test_two_runs_are_compared(
    page: Page, picture: Path, hold: Callable[..., tuple[threading.Event, threading.Event]]
) -> None:
    _, go_on = hold(
        compare_page, "judge_reading"
    )  # a map that is worth nothing would be taken away
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_label("Images", exact=True).set_input_files(str(picture))
    page.get_by_role("button", name="Compare").click()
    compared = page.locator(".compared")
    expect(compared.get_by_role("heading", name="synthetic.png")).to_be_focused()
    expect(compared).to_contain_text("They agree: both answer")
    expect(compared.get_by_role("row")).to_have_count(3 + 4)
    expect(compared.locator(".layer[data-method=gradcam]:visible")).to_have_count(2)
    expect(compared.locator("dd").first).to_have_text("1.00")  # the runs are copies of one
    compared.get_by_role("radio", name="saliency").check()
    expect(compared.locator(".layer[data-method=saliency]:visible")).to_have_count(2)
    compared.get_by_role("button", name="Larger").click()
    for layers in compared.locator(".layers").all():
        expect(layers).to_have_attribute("style", re.compile(r"scale\(1\.5\)"))
    page.keyboard.press("i")
    expect(compared.locator(".windowed:visible")).to_have_count(2)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("The maps were not judged: do not rely on them.")).to_be_visible()
    go_on.set()
    other = Path(shutil.copy(picture, picture.with_name("other.png")))
    page.get_by_text("Images and runs").click()
    page.get_by_role("checkbox", name="second").uncheck()
    page.get_by_label("Images", exact=True).set_input_files([str(picture), str(other)])
    page.get_by_role("button", name="Compare").click()
    expect(compared.get_by_role("heading", name="synthetic.png and other.png")).to_be_focused()
    expect(compared).to_contain_text("The answer is the same to both")
    compared.get_by_role("group", name="The image other.png").focus()
    page.keyboard.press("+")
    for layers in compared.locator(".layers").all():
        expect(layers).to_have_attribute("style", re.compile(r"scale\(1\.5\)"))


def test_a_slow_method_is_cancelled(
    page: Page, picture: Path, hold: Callable[..., tuple[threading.Event, threading.Event]]
) -> None:
    read(page, picture)
    card = page.locator(".reading").first
    ready(card)
    begun, go_on = hold(reading, "explain_reading")
    expect(card.locator(".asking li", has_text="shap")).to_contain_text("about 5 s")
    card.get_by_role("button", name="shap").click()
    cancel = card.get_by_role("button", name="Cancel")
    expect(cancel).to_be_focused()
    assert begun.wait(SECONDS)
    with page.expect_response("**/cancel"):
        page.keyboard.press("Enter")
    expect(page.get_by_text("synthetic.png: cancelled.")).to_be_visible()  # though it goes on
    expect(cancel).to_be_hidden()
    go_on.set()
    expect(card.get_by_role("button", name="shap")).to_be_visible()
    expect(card.get_by_role("radio", name="shap")).to_have_count(0)


def test_what_was_chosen_stays_when_the_verdicts_come(
    page: Page, picture: Path, hold: Callable[..., tuple[threading.Event, threading.Event]]
) -> None:
    _, go_on = hold(reading, "judge_reading")
    read(page, picture)
    card = page.locator(".reading").first
    pair = card.locator(".stack .matching").first
    expect(pair).to_be_visible()
    card.get_by_label("Colour what the image and a case have in common").uncheck()
    expect(pair).to_be_hidden()
    go_on.set()
    ready(card)
    expect(card.locator(".about .trust").first).to_be_attached()
    expect(pair).to_be_hidden()


def test_what_is_forgotten_is_asked_for_no_more(
    page: Page, picture: Path, hold: Callable[..., tuple[threading.Event, threading.Event]]
) -> None:
    begun, go_on = hold(reading, "judge_reading")
    read(page, picture)
    expect(page.locator(".layer:visible")).to_have_count(1)
    assert begun.wait(SECONDS)
    page.locator("#case").evaluate(DRAWN)
    page.get_by_role("button", name="Forget my images").click()
    expect(page.get_by_text("Your images were forgotten.")).to_be_visible()
    go_on.set()
    page.evaluate("fetch('/health').then(answer => answer.status)")  # after whatever it would ask


def test_a_phone_shows_all_without_scrolling_sideways(phone: Page, picture: Path) -> None:
    assert fits(phone)
    read(phone, picture)
    card = phone.locator(".reading").first
    ready(card)
    for details in card.locator(".about:visible summary").all():
        details.click()
    assert fits(phone)
    card.get_by_role("link", name="Compare with other runs or images").click()
    expect(phone.get_by_role("checkbox", name="synthetic.png")).to_be_checked()
    phone.get_by_role("button", name="Compare").click()
    expect(phone.locator(".compared")).to_be_visible()
    assert fits(phone)


def test_everything_is_reached_by_the_keyboard(page: Page) -> None:
    expect(page.get_by_role("button", name="Example 1")).to_be_visible()
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(document.activeElement.id || document.activeElement.innerText).trim()")
        )
    assert reached[0] == "Skip to the page"
    for wanted in ("Compare", "run", "files", "folder", "Example 1"):
        assert any(text.startswith(wanted) for text in reached), (wanted, reached)
