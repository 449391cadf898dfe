"""Runs, data sets and the worklist in a real browser: sliders, curves, the trash, what is sent."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.site import create
from zoo.web.service.library import Library

pytest.importorskip("playwright")

from playwright.sync_api import Page, expect

PAGE = "/runs-of-this-folder"


@pytest.fixture
def page(
    trained: Run,
    tiny_registry: Registry,
    tmp_path: Path,
    served: Callable[[Any], AbstractContextManager[str]],
    visit: Callable[..., AbstractContextManager[Page]],
) -> Iterator[Page]:
    """A phone's page of an application with two runs that takes data sets."""
    for name in ("first", "second"):
        shutil.copytree(trained.path, tmp_path / "runs" / name)
    for name in ("sets", "came"):
        (tmp_path / name).mkdir()
    library = Library(tmp_path / "runs", registry=tiny_registry)
    app = create(library, intake=tmp_path / "sets", watched=tmp_path / "came")
    with served(app) as address, visit(address, 390, 844) as opened:
        yield opened


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_the_threshold_moves_the_matrix_and_the_rates(page: Page, trained: Run) -> None:
    page.goto(f"{PAGE}/first")
    slider = page.locator("[data-slider=threshold]")
    expect(slider).to_be_visible()
    positive = trained.record["positive"]
    cells = page.locator(f".confusion a[data-said='{1 - positive}'] strong")
    sensitivity = page.locator("[data-rate=sensitivity][data-part=test]")
    before = sensitivity.inner_text()
    dot = page.locator("svg[data-plot=roc] .dot[data-part=test]")
    place = dot.get_attribute("cx")
    slider.press("Home")  # a threshold of 0: all are called
    expect(sensitivity).to_have_text("1.000")
    for cell in cells.all():
        expect(cell).to_have_text("0")
    expect(dot).not_to_have_attribute("cx", place or "")
    page.get_by_role("button", name="As the run decides").press("Enter")
    expect(sensitivity).to_have_text(before)
    natural = page.locator("[data-told=natural]")
    told = natural.inner_text()
    page.locator("[data-slider=prevalence]").press("Home")
    expect(natural).not_to_have_text(told)
    expect(natural).to_contain_text("1 have")
    expect(sensitivity).to_have_text(before)
    assert fits(page)


@pytest.mark.slow
def test_runs_are_laid_over_each_other_removed_and_brought_back(page: Page) -> None:
    page.goto(PAGE)
    for name in ("first", "second"):
        page.get_by_label(f"Choose {name}").check()
    page.get_by_role("button", name="Lay the curves").click()
    expect(page.locator("svg")).to_have_count(4)
    assert fits(page)
    page.goto(f"{PAGE}/first")
    page.get_by_label("Note").fill("kept for later")
    page.get_by_role("button", name="Keep the note").click()
    expect(page.locator(".run-note")).to_have_text("kept for later")
    page.get_by_role("button", name="Remove the run").click()
    expect(page.locator(".board tbody tr")).to_have_count(1)
    assert fits(page)
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.locator(".board tbody tr")).to_have_count(2)


@pytest.mark.slow
def test_a_folder_is_sent_and_it_is_seen_who_is_who(page: Page, tmp_path: Path) -> None:
    for number in range(6):
        path = (
            tmp_path / "mine" / ("NORMAL", "PNEUMONIA")[number % 2] / f"p{number // 2}_{number}.png"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (32, 32), np.uint8)
        Image.fromarray(pixels).save(path)
    page.goto("/data")
    assert fits(page)
    page.get_by_label("Name of a new data set").fill("mine")
    page.get_by_label("A folder").set_input_files(tmp_path / "mine")
    page.get_by_role("button", name="Send").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("6 images")
    page.get_by_label("How patients are named").fill(r"(p\d+)_")
    expect(preview).to_contain_text("of 3 patients")
    assert fits(page)
    page.get_by_role("button", name="That is right").press("Enter")
    expect(page.locator(".sheet img")).to_have_count(6)
    assert fits(page)
    page.get_by_role("link", name="Train on it").click()
    expect(page.get_by_label("Data set", exact=True)).to_contain_text("mine/mine.csv")


@pytest.mark.slow
def test_the_name_of_a_run_stays_on_one_line_where_there_is_room(page: Page) -> None:
    long = "efficientnet-20261126-094821"
    page.goto(f"{PAGE}/second")
    page.get_by_label("Name", exact=True).fill(long)
    page.get_by_role("button", name="Rename").click()
    page.goto(PAGE)
    link = page.locator(".board").get_by_role("link", name=long)
    lines = "link => Math.round(link.offsetHeight / parseFloat(getComputedStyle(link).lineHeight))"
    assert link.evaluate(lines) > 1
    for width in (900, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert link.evaluate(lines) == 1
        assert fits(page)


@pytest.mark.slow
def test_on_a_phone_a_file_of_the_worklist_is_read_without_moving_the_page_sideways(
    page: Page, tmp_path: Path
) -> None:
    name = "a-name-that-is-longer-than-a-phone-is-wide.png"
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(tmp_path / "came" / name)
    page.goto("/worklist")
    read = page.get_by_role("button", name=f"Read {name}")
    read.wait_for()
    box = read.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert fits(page)
    read.click()
    expect(page.locator(".reading h2")).to_contain_text(name)
