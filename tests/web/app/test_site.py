"""The application as a whole: what every page carries, who is let in, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient

from zoo import DISCLAIMER
from zoo import DISCLAIMER as WARNING
from zoo.base.registry import Registry
from zoo.cli import main
from zoo.web.app import templating
from zoo.web.app.site import create
from zoo.web.app.words import ELSEWHERE
from zoo.web.service.library import Library
from zoo.web.service.security import Password

LOCAL = "http://127.0.0.1"
PAGES = [path for _, path in templating.NAVIGATION]


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory, tiny_registry: Registry) -> Iterator[Library]:
    library = Library(tmp_path_factory.mktemp("no-runs"), registry=tiny_registry)
    yield library
    library.close()


@pytest.fixture(scope="module")
def client(empty: Library) -> TestClient:
    return TestClient(create(empty), base_url=LOCAL)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_without_a_run_says_what_to_do(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.text.count(DISCLAIMER) >= 1
    assert 'lang="en"' in answer.text
    assert "Skip to the page" in answer.text
    assert 'aria-current="page"' in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert not ELSEWHERE.search(re.sub("<[^>]+>", "", answer.text)), "a browser is no terminal"


def test_the_first_page_without_a_run_leads_to_training(client: TestClient) -> None:
    text = client.get("/").text
    assert "There is no finished run yet" in text
    assert 'href="/train"' in text
    assert "<form" not in text


def test_a_page_may_load_nothing_from_elsewhere_and_run_no_inline_script(
    client: TestClient,
) -> None:
    answer = client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "http:" not in policy.replace("http://www.w3.org", "")
    assert "//" not in policy
    assert "onclick" not in answer.text
    assert "<script>" not in answer.text


def test_static_files_are_those_of_the_package(client: TestClient) -> None:
    style = client.get("/static/style.css")
    assert style.headers["content-type"].startswith("text/css")
    assert "--paper" in style.text
    assert ".application" in style.text
    for name in ("read.js", "viewer.js", "asking.js", "compare.js"):
        assert client.get(f"/static/{name}").headers["content-type"].startswith("text/javascript")
    for name in ("..%2fpages.py", "%2e%2e/pages.py", "....//pages.py", "none.css", "%00", "app.py"):
        assert client.get(f"/static/{name}").status_code == 404


def test_nothing_outside_is_found_by_a_path(client: TestClient) -> None:
    for path in (
        "/..%2f..%2fetc/passwd",
        "/app/images/..%2f..%2fetc%2fpasswd/picture",
        "/app/images/x/report.html?run=..%2f..%2fetc",
        "/app/tasks/..%2f",
    ):
        answer = client.get(path, headers={"Accept": "application/json"})
        assert answer.status_code == 404, path
        assert "error" in answer.json()
        assert "root:" not in answer.text


def test_people_are_told_with_a_page_and_scripts_with_json(client: TestClient) -> None:
    page = client.get("/nothing-here", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert 'role="alert"' in page.text
    assert WARNING in page.text
    assert "error" in client.get("/nothing-here").json()


def test_from_what_did_not_work_there_is_a_way_back(client: TestClient) -> None:
    def told(referer: str) -> str:
        headers = {"accept": "text/html", "referer": referer}
        return client.post("/runs-of-this-folder/restore", data={"name": "x"}, headers=headers).text

    assert 'href="/runs-of-this-folder?removed=x">Back' in told(
        f"{LOCAL}/runs-of-this-folder?removed=x"
    )
    for elsewhere in ("", "http://other.example/runs", "x", f"{LOCAL}//other.example/"):
        assert ">Back<" not in told(elsewhere)


def test_a_browser_gets_a_cookie_no_script_reads_and_the_service_none(client: TestClient) -> None:
    fresh = TestClient(client.app, base_url=LOCAL)
    cookie = fresh.get("/").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "set-cookie" not in fresh.get("/").headers
    stranger = TestClient(client.app, base_url=LOCAL)
    for path in ("/health", "/runs", "/metrics", "/docs", "/static/style.css"):
        assert "set-cookie" not in stranger.get(path).headers, path


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_site_sends_is_refused(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/app/forget", headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.json()["error"]
    assert client.post("/app/forget", headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200


def test_another_name_is_refused(client: TestClient) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/", headers={"Host": "127.0.0.1:odd"}).status_code == 200


def test_the_password_covers_pages_and_files(empty: Library) -> None:
    closed = TestClient(create(empty, auth=Password.parse("me:secret")), base_url=LOCAL)
    for path in (*PAGES, "/static/style.css"):
        refused = closed.get(path)
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
    assert closed.get("/", auth=("me", "secret")).status_code == 200


def test_a_public_address_needs_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_AUTH", raising=False)
    told = CliRunner().invoke(main, ["app", "--host", "0.0.0.0", "--runs", str(tmp_path)])  # noqa: S104
    assert told.exit_code == 2
    assert "a password is needed" in told.output


def test_an_unknown_run_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    told = CliRunner().invoke(main, ["app", "--runs", str(tmp_path), "--run", "none"])
    assert told.exit_code == 2
    assert told.output.startswith("Error: ")
