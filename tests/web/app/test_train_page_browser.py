"""Training in a real browser: start, watch, stop, resume, and see the run."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from zoo.cli.serving import listen
from zoo.web.app.site import create
from zoo.web.app.trainings import Trainings
from zoo.web.service.engine import Library

SOURCE = "phantom?images=80&size=64"
SECONDS = 150_000
"""Milliseconds that a step may take on a busy machine; on an idle one it takes seconds."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
REQUIRED = os.environ.get("ZOO_BROWSER") == "required"


def missing(reason: str) -> None:
    if REQUIRED:
        pytest.fail(f"{reason}, and ZOO_BROWSER says that it is required")
    pytest.skip(reason)


@pytest.fixture
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing("there is no chromium on this machine")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("playwright is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of runs; no training in it survives the test."""
    yield tmp_path / "runs"
    known = Trainings(tmp_path / "runs")
    for training in known.alive():
        known.stop(training)
    end = time.monotonic() + 60
    while known.alive() and time.monotonic() < end:
        time.sleep(0.2)


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    app = create(Library(folder), [SOURCE])
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(20)
    listening.close()


@pytest.mark.slow
def test_a_training_is_started_watched_stopped_resumed_and_seen(
    browser: Any, address: str, folder: Path
) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844}, base_url=address)
    page.set_default_timeout(SECONDS)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if said.type == "error" else None)
    page.on(
        "request",
        lambda sent: None if sent.url.startswith(address) else problems.append(sent.url),
    )

    page.goto("/runs-of-this-folder")
    page.get_by_role("link", name="Train one on the page Train").click()
    page.get_by_role("radio", name="scratch").check()
    page.get_by_label("Data set", exact=True).select_option(label=SOURCE)
    page.get_by_label("Epochs at most").fill("300")
    page.get_by_text("More settings").click()
    page.get_by_label("Input size").fill("64")
    page.get_by_role("button", name="Start").press("Enter")

    page.wait_for_selector("#curves svg")
    assert page.locator("#curves svg").count() == 2
    assert "of 300" in page.locator("#epoch").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert page.locator("#state").inner_text() == "stopped"
    before = page.locator("#rows tr").count()
    assert before >= 1

    page.goto("/runs-of-this-folder")
    page.get_by_role("button", name="Resume").click()
    page.locator("#rows tr").nth(before).wait_for(state="attached")
    page.get_by_role("link", name="See the run").wait_for()
    assert page.locator("#state").inner_text() == "finished"
    page.get_by_role("link", name="See the run").click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("scratch-")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    count = page.locator(".confusion a").evaluate_all(
        "cells => cells.findIndex(cell => cell.textContent.trim()[0] !== '0')"
    )
    page.locator(".confusion a").nth(count).click()
    assert page.locator(".sheet img").count() >= 1

    page.get_by_role("link", name="Runs", exact=True).click()
    assert page.locator(".board tbody tr").count() == 1
    sorter = page.get_by_role("columnheader", name="Accuracy").get_by_role("button")
    sorter.click()
    assert page.locator("th[aria-sort=ascending]").count() == 1
    assert problems == []
