"""Training in a real browser: start, watch, stop, resume, and see the run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from zoo.web.app import processes
from zoo.web.app.site import create
from zoo.web.app.trainings import Trainings
from zoo.web.service.library import Library

pytest.importorskip("playwright")

from playwright.sync_api import Page, expect

SOURCE = "phantom?images=80&size=64"
HOLDS = """
import pathlib, runpy, time
from zoo.cli.console import Console

start = Console.start

def waits(self, title, total):
    while title.startswith("network 3/") and not pathlib.Path({go_on!r}).exists():
        time.sleep(0.05)
    start(self, title, total)

Console.start = waits
runpy.run_module("zoo.cli", run_name="__main__", alter_sys=True)
"""
"""The command line, in which a training waits before its third epoch: it cannot end too early."""


@pytest.fixture
def folder(tmp_path: Path, until: Callable[[Callable[[], Any]], Any]) -> Iterator[Path]:
    """A folder of runs; no training in it survives the test."""
    yield tmp_path / "runs"
    known = Trainings(tmp_path / "runs")
    for training in known.alive():
        known.stop(training)
    until(lambda: not known.alive())


@pytest.fixture
def go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file without which no training goes on after its second epoch."""
    path, popen = tmp_path / "go on", subprocess.Popen

    def start(command: list[str], **options: Any) -> Any:
        assert command[1:3] == ["-m", "zoo.cli"]
        program = HOLDS.format(go_on=str(path))
        return popen([sys.executable, "-c", program, *command[3:]], **options)

    monkeypatch.setattr(processes.subprocess, "Popen", start)
    return path


@pytest.fixture
def page(
    folder: Path,
    served: Callable[[Any], AbstractContextManager[str]],
    visit: Callable[..., AbstractContextManager[Page]],
) -> Iterator[Page]:
    with served(create(Library(folder), [SOURCE])) as address, visit(address, 390, 844) as opened:
        yield opened


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_a_training_is_started_watched_stopped_resumed_and_seen(page: Page, go_on: Path) -> None:
    page.goto("/runs-of-this-folder")
    page.get_by_role("link", name="Train one on the page Train").click()
    page.get_by_role("radio", name="scratch").check()
    page.get_by_label("Data set", exact=True).select_option(label=SOURCE)
    page.get_by_label("Epochs at most").fill("3")
    page.get_by_text("More settings").click()
    page.get_by_label("Input size").fill("64")
    page.get_by_role("button", name="Start").press("Enter")

    expect(page.locator("#epoch")).to_have_text("epoch 2 of 3")
    expect(page.locator("#curves svg")).to_have_count(2)
    assert fits(page)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    expect(page.locator("#state")).to_have_text("stopped")
    expect(page.locator("#rows tr")).to_have_count(2)

    go_on.touch()
    page.goto("/runs-of-this-folder")
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("link", name="See the run")).to_be_visible()
    expect(page.locator("#rows tr")).to_have_count(3)
    expect(page.locator("#state")).to_have_text("finished")
    page.get_by_role("link", name="See the run").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("scratch-")
    assert fits(page)

    page.locator(".confusion a", has=page.locator("strong:not(:text-is('0'))")).first.click()
    expect(page.locator(".sheet img").first).to_be_visible()

    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator(".board tbody tr")).to_have_count(1)
    page.get_by_role("columnheader", name="Accuracy").get_by_role("button").click()
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)
