"""The page Data: a check that is started, followed, seen, stopped, and nobody else's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from zoo import BadInput
from zoo.base.progress import Progress
from zoo.base.registry import Registry
from zoo.web.app.site import create
from zoo.web.service.library import Library
from zoo.workflows import check as checking

LOCAL = "http://127.0.0.1"
SOURCE = "phantom?images=40&size=64"
SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""


@pytest.fixture
def app(tmp_path: Path, tiny_registry: Registry) -> Any:
    return create(Library(tmp_path, registry=tiny_registry), [SOURCE])


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, base_url=LOCAL, headers={"accept": "text/html"}) as client:
        yield client


def started(client: TestClient, **fields: str) -> str:
    answer = client.post("/data/check", data=fields, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def ended(client: TestClient, place: str) -> str:
    """Return the page of a check when nothing more will come."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        page = client.get(place).text
        if 'id="check"' not in page:
            return page
        time.sleep(0.05)
    pytest.fail("the check did not end")


def test_the_page_lists_the_sources_and_says_what_to_do(client: TestClient) -> None:
    page = client.get("/data")
    assert page.status_code == 200
    assert "phantom?images=40&amp;size=64" in page.text
    assert "None yet. Choose a data set" in page.text


def test_a_check_is_followed_to_its_findings_and_report(client: TestClient, app: Any) -> None:
    place = started(client, source=SOURCE)
    page = ended(client, place)
    assert "40 images of" in page
    assert "<iframe" in page
    assert 'sandbox src="' in page
    assert "allow-scripts" not in page
    report = client.get(f"{place}/report")
    assert report.status_code == 200
    assert "script-src" not in report.headers["content-security-policy"]
    assert "In numbers" in report.text
    assert client.get(f"{place}/check.json").json()["images"] == 40
    assert place in client.get("/data").text

    stranger = TestClient(app, base_url=LOCAL)
    for path in (place, f"{place}/report", f"{place}/check.json"):
        assert stranger.get(path).status_code == 404
    assert place not in stranger.get("/data").text


def slow(begun: threading.Event) -> Any:
    def check(*_: Any, progress: Progress, **__: Any) -> None:
        progress.start("waiting", 100 * SECONDS)
        begun.set()
        for _step in range(100 * SECONDS):
            time.sleep(0.01)
            progress.advance()

    return check


def test_a_check_can_be_stopped(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()
    monkeypatch.setattr(checking, "check", slow(begun))
    place = started(client, source=SOURCE)
    assert begun.wait(SECONDS)
    assert "waiting" in client.get(place).text
    assert client.get(f"{place}/report").status_code == 404  # not yet
    client.post(f"/app/tasks/{place.rpartition('/')[2]}/cancel")
    assert "was stopped" in ended(client, place)


def test_a_check_ends_with_the_application(app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, others = threading.Event(), set(threading.enumerate())
    monkeypatch.setattr(checking, "check", slow(begun))
    with TestClient(app, base_url=LOCAL) as client:
        started(client, source=SOURCE)
        assert begun.wait(SECONDS)
    new = set(threading.enumerate()) - others
    working = [thread for thread in new if thread.name.startswith("zoo-checking")]
    for thread in working:
        thread.join(SECONDS)
    assert not any(thread.is_alive() for thread in working)


def test_data_that_cannot_be_used_are_told(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(*_: Any, **__: Any) -> None:
        raise BadInput("The folder '<b>x' has no images.")

    monkeypatch.setattr(checking, "check", check)
    page = ended(client, started(client, source=SOURCE))
    assert "has no images" in page
    assert "<b>x" not in page


@pytest.mark.parametrize(
    "fields",
    [
        {"source": "0"},
        {"source": ""},
        {"source": "/etc"},
        {"source": SOURCE, "other": SOURCE},
        {"source": SOURCE, "other": "99"},
    ],
)
def test_only_listed_sources_are_opened(client: TestClient, fields: dict[str, str]) -> None:
    answer = client.post("/data/check", data=fields)
    assert answer.status_code in (400, 404, 422)
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("key", ["x", "..%2f..%2fetc", "%2e%2e", "x" * 3000])
def test_checks_that_are_not_known_are_told(client: TestClient, key: str) -> None:
    for path in (f"/data/check/{key}", f"/data/check/{key}/report"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert 'role="alert"' in answer.text


def test_another_site_cannot_start_a_check(client: TestClient) -> None:
    headers = {"origin": "http://evil.example"}
    assert client.post("/data/check", data={"source": SOURCE}, headers=headers).status_code == 403
    assert client.get("/data/check").status_code in (404, 405)
