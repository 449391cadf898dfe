"""The application in a real browser: read, look, compare, take away, cancel, on a phone too."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image

from plugins.readers.phantom import zoo_read_dataset
from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import Run
from zoo.web.app.site import create
from zoo.web.service.engine import Library

REQUIRED = os.environ.get("ZOO_BROWSER") == "required"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
PATIENCE = 30_000
"""Milliseconds: a busy machine is slow, a wrong page does not come at all."""

try:
    from playwright.sync_api import Page, expect, sync_playwright
except ImportError:
    if REQUIRED:
        raise
    pytest.skip("playwright is not installed", allow_module_level=True)
if CHROMIUM is None and not REQUIRED:
    pytest.skip("there is no chromium here", allow_module_level=True)


@pytest.fixture(scope="module")
def address(
    trained: Run, tiny_registry: Registry, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("two-runs")
    for name in ("first", "second"):
        shutil.copytree(trained.path, folder / name)
    library = Library(folder, registry=tiny_registry)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create(library), log_level="warning", ws="none", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    library.answer("second", lambda _: None).result(60)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Page]:
    yield from visited(browser, address, {"width": 1280, "height": 900})


@pytest.fixture
def phone(browser: Any, address: str) -> Iterator[Page]:
    yield from visited(browser, address, {"width": 390, "height": 844})


def visited(browser: Any, address: str, size: dict[str, int]) -> Iterator[Page]:
    """Open the first page; afterwards nothing was asked of another host and nothing went wrong."""
    context = browser.new_context(viewport=size, accept_downloads=True)
    context.set_default_timeout(PATIENCE)
    opened = context.new_page()
    asked, wrong = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda m: wrong.append(m.text) if m.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.goto(address)
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert wrong == []


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic radiograph of a proportion of its own."""
    dataset = zoo_read_dataset("phantom", {"images": "20", "size": "96"})
    assert dataset is not None
    path = tmp_path_factory.mktemp("pictures") / "synthetic.png"
    drawn = Image.fromarray(dataset.read(dataset.samples[-1], None))
    drawn.resize((160, 128)).save(path)
    return path


def read(page: Page, *files: Path) -> None:
    page.get_by_label("Images").set_input_files([str(file) for file in files])
    page.get_by_role("button", name="Read", exact=True).click()


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_from_an_upload_to_a_report(page: Page, picture: Path) -> None:
    read(page, picture)
    card = page.locator(".reading").first
    expect(card.get_by_role("heading", name="synthetic.png")).to_be_focused(timeout=PATIENCE)
    expect(card.locator(".prediction")).to_be_visible()
    expect(card.get_by_text("threshold 0.")).to_be_visible()
    expect(card.get_by_text(DISCLAIMER)).to_be_visible()
    base = card.get_by_role("img", name="The image synthetic.png").first
    expect(base).to_be_visible()
    assert base.evaluate("image => image.naturalWidth / image.naturalHeight") == 160 / 128

    layer = card.locator(".layer[data-method=gradcam]")
    expect(layer).to_be_visible(timeout=PATIENCE)
    assert layer.evaluate("image => image.decode().then(() => image.naturalWidth)") == 64
    slider = card.get_by_label("Opacity of the map")
    slider.fill("20")
    assert layer.evaluate("image => getComputedStyle(image).opacity") == "0.2"
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(card.locator("[data-value]")).to_have_text("21 %")

    expect(card.locator(".about .trust").first).to_be_attached(timeout=PATIENCE)
    card.get_by_role("radio", name="none").check()
    expect(layer).to_be_hidden()
    card.get_by_role("button", name="gradcam++").click()
    added = card.locator(".layer[data-method='gradcam++']")
    expect(added).to_be_visible(timeout=PATIENCE)
    expect(card.get_by_role("radio", name="gradcam++")).to_be_checked()

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
    page.get_by_role("button", name="Forget my images").click()
    expect(page.locator(".reading")).to_have_count(0)
    expect(page.get_by_text("Your images were forgotten.")).to_be_visible()


def test_zooming_by_buttons_keys_and_pointer(page: Page, picture: Path) -> None:
    read(page, picture)
    stage = page.locator(".stage").first
    layers = stage.locator(".layers")
    expect(layers).to_be_visible(timeout=PATIENCE)

    def place() -> tuple[float, float]:
        matrix = layers.evaluate("one => new DOMMatrix(getComputedStyle(one).transform).toJSON()")
        return matrix["a"], matrix["e"]

    page.get_by_role("button", name="Larger").click()
    assert place()[0] == pytest.approx(1.5)
    stage.focus()
    page.keyboard.press("+")
    assert place()[0] == pytest.approx(2.25)
    before = place()[1]
    page.keyboard.press("ArrowRight")
    assert place()[1] < before
    box = stage.bounding_box()
    assert box
    before = place()[1]
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 100, steps=3)
    page.mouse.up()
    assert place()[1] == pytest.approx(before + 30, abs=2)
    page.keyboard.press("0")
    assert place() == (1, 0)


def test_a_bad_file_is_told_in_a_sentence(page: Page, picture: Path, tmp_path: Path) -> None:
    page.get_by_role("button", name="Read", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Choose an image first")
    bad = tmp_path / "letter.png"
    bad.write_text("This is a letter.")
    read(page, bad, picture)
    expect(page.locator("#problems")).to_contain_text("letter.png", timeout=PATIENCE)
    expect(page.locator(".reading")).to_have_count(1)
    expect(page.locator("body")).not_to_contain_text("Traceback")


def test_two_runs_are_compared(page: Page, picture: Path) -> None:
    page.get_by_role("link", name="Compare", exact=True).click()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_label("Image", exact=True).set_input_files(str(picture))
    page.get_by_role("button", name="Compare").click()
    compared = page.locator(".compared")
    expect(compared.get_by_role("heading", name="synthetic.png")).to_be_focused(timeout=PATIENCE)
    expect(compared).to_contain_text("They agree: both answer")
    expect(compared.get_by_role("row")).to_have_count(3 + 4)
    expect(compared.locator(".layer[data-method=gradcam]:visible")).to_have_count(2)
    expect(compared.locator("dd").first).to_have_text("1.00")  # the runs are copies of one
    compared.get_by_role("radio", name="saliency").check()
    expect(compared.locator(".layer[data-method=saliency]:visible")).to_have_count(2)
    compared.get_by_role("button", name="Larger").click()
    for layers in compared.locator(".layers").all():
        assert "scale(1.5)" in (layers.get_attribute("style") or "")


def test_a_slow_method_is_cancelled(
    page: Page, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(page, picture)
    card = page.locator(".reading").first
    expect(card.locator(".about .trust").first).to_be_attached(timeout=PATIENCE)
    quick = TrainedClassifier.logits

    def slow(self: TrainedClassifier, pixels: np.ndarray) -> np.ndarray:
        time.sleep(0.5)  # the tiny network would be done before anyone could press a key
        return quick(self, pixels)

    monkeypatch.setattr(TrainedClassifier, "logits", slow)
    card.get_by_role("button", name="shap (about 10 s)").click()
    cancel = card.get_by_role("button", name="Cancel")
    expect(cancel).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("synthetic.png: cancelled.")).to_be_visible(timeout=PATIENCE)
    expect(cancel).to_be_hidden()
    expect(card.get_by_role("button", name="shap (about 10 s)")).to_be_visible()
    expect(card.get_by_role("radio", name="shap")).to_have_count(0)


def test_a_phone_shows_all_without_scrolling_sideways(phone: Page, picture: Path) -> None:
    assert fits(phone)
    read(phone, picture)
    card = phone.locator(".reading").first
    expect(card.locator(".about .trust").first).to_be_attached(timeout=PATIENCE)
    for details in card.locator(".about:visible summary").all():
        details.click()
    assert fits(phone)
    card.get_by_role("link", name="Compare with other runs").click()
    expect(phone.get_by_text("is taken from the page Read")).to_be_visible()
    phone.get_by_role("button", name="Compare").click()
    expect(phone.locator(".compared")).to_be_visible(timeout=PATIENCE)
    assert fits(phone)


def test_everything_is_reached_by_the_keyboard(page: Page) -> None:
    reached = []
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("(document.activeElement.id || document.activeElement.innerText).trim()")
        )
    assert reached[0] == "Skip to the page"
    for wanted in ("Compare", "run", "files", "Read"):
        assert any(text.startswith(wanted) for text in reached), (wanted, reached)
