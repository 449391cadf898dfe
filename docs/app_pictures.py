"""Take the pictures of README.md and docs/app.md: `python docs/app_pictures.py`, with Chromium.

All of it rests on the phantom, drawings of patients who do not exist.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

import zoo

SOURCE = "phantom?images=400&size=160"
TRAINED = (
    ("efficientnet", "default", 160, {"fewest_steps": 40}),
    ("scratch", "fast", 64, {}),
)
"""Architectures, presets, the side of what each sees, and settings."""
FIGURES = Path(__file__).with_name("images")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1280, 800
PATIENCE = 600_000
"""Milliseconds; a verdict takes a while on a busy machine."""
LONGER = re.compile("^Judge .* longer$")


def main() -> None:
    """Train, start the application, and take a picture of each page."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        for name, preset, side, changes in TRAINED:
            shape = (side, side, 3)
            zoo.train(
                name, SOURCE, preset=preset, input_shape=shape, changes=changes, folder=folder
            )
        program = next(filter(None, map(shutil.which, BROWSERS)))
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        with application(folder) as address:
            page = browser.new_page(
                base_url=address, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light"
            )
            page.set_default_timeout(PATIENCE)
            take(page, "/runs-of-this-folder", "app-runs", 620)
            take(page, "/train", "app-train", 975)
            read(page)
            keep(page, "app")
        browser.close()


@contextmanager
def application(folder: str) -> Iterator[str]:
    """Serve the runs of a folder, and give the address."""
    command = [sys.executable, "-m", "zoo.cli", "app", "--runs", folder, "--port", "0"]
    with subprocess.Popen(  # noqa: S603 (of this program)
        [*command, "--no-browser"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                if found := re.search(r"http://\S+", line):
                    yield found.group().rstrip("/")
                    break
        finally:
            process.terminate()


def take(page: Page, path: str, name: str, height: int) -> None:
    """Keep the upper part of a page."""
    page.set_viewport_size({"width": WIDTH, "height": height})
    page.goto(path)
    keep(page, name)


def read(page: Page) -> None:
    """Read examples, and wait for the maps of the one that is open and what they are worth."""
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    page.goto("/")
    page.locator("#run").select_option(index=len(TRAINED) - 1)  # the newest one comes first
    for number in (0, 2, 1):
        page.locator(f"[data-example='{number}']").evaluate("button => button.click()")
        page.locator(f".reading h2:has-text('example-{number + 1}')").wait_for()
        page.locator(
            ".reading[data-explained=true][data-unjudged=false][aria-busy=false]"
        ).wait_for()
        if page.locator("#tour").is_visible():
            page.locator("#tour [data-end]").click()
        for name in page.get_by_role("button", name=LONGER).all_inner_texts():
            page.get_by_role("button", name=name).click()  # time ran out on a busy machine
            page.locator(".reading[aria-busy=false]").wait_for()
    page.locator(".reading .told").evaluate("told => told.scrollTo(0, 0)")  # as it is at first


def keep(page: Page, name: str) -> None:
    """Write what is seen as a picture of the documentation."""
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FIGURES / f"{name}.jpg", type="jpeg", quality=85)


if __name__ == "__main__":
    main()
