"""Several people in a real browser: signing in, a lesson with a mark, a saved case, signing out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from cheap_hashes import use_cheap_hashes

from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.case_folder import CaseFolder
from zoo.web.app.site import create
from zoo.web.service import users
from zoo.web.service.library import Library
from zoo.web.service.users import Users

pytest.importorskip("playwright")

from playwright.sync_api import Page, expect

PASSWORD = "correct horse"  # noqa: S105 (of a test)
PLACED = "Marked: 50 % from the left, 52 % from the top."


@pytest.fixture
def page(
    trained: Run,
    tiny_registry: Registry,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    served: Callable[..., AbstractContextManager[str]],
    visit: Callable[..., AbstractContextManager[Page]],
) -> Iterator[Page]:
    use_cheap_hashes(monkeypatch)
    users.add(tmp_path / "users", "ann", PASSWORD, may_train=True)
    app = create(
        Library(trained.path.parent, registry=tiny_registry),
        ["phantom?images=20&size=64&seed=5"],
        auth=Users(tmp_path / "users"),
        hosts=None,
        cases=CaseFolder(tmp_path / "cases"),
    )
    with served(app) as address, visit(address, 390, 844) as opened:
        yield opened


def test_a_person_signs_in_learns_and_leaves(page: Page) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_label("Name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert page.evaluate("document.cookie") == ""  # no script reads who is signed in
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("link", name="Learn").click()
    page.get_by_label("How many").fill("1")
    with page.expect_navigation():  # keys come to nothing before its scripts are there
        page.get_by_role("button", name="Begin").click()
    image = page.get_by_role("group", name="The image")
    image.focus()
    for key in ("Enter", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.get_by_role("status")).to_have_text(PLACED)
    page.keyboard.press("Delete")
    expect(page.get_by_role("status")).to_have_text("No place is marked.")
    image.locator("img").evaluate("image => image.decode()")
    image.click()
    expect(page.get_by_role("status")).to_contain_text("Marked: 50 % from the left")
    page.get_by_label("PNEUMONIA").check()
    page.get_by_role("button", name="Commit").click()
    expect(page.get_by_text("You said")).to_be_visible()
    expect(page.locator(".pin:not(.square)")).to_be_visible()  # the square is the network's
    page.get_by_role("link", name="How it went").click()
    expect(page.get_by_text("You were right", exact=True)).to_be_visible()
    page.get_by_role("link", name="Cases").click()
    expect(page.get_by_text("None yet")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto("/cases")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
