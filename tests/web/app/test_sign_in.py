"""Several people: signing in and out, each with their own images, and who may train."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cheap_hashes import use_cheap_hashes
from PIL import Image
from starlette.testclient import TestClient

from zoo import DISCLAIMER
from zoo.base.files import write_json
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.web.app.listed_runs import PAGE as RUNS
from zoo.web.app.sign_in import within
from zoo.web.app.site import create
from zoo.web.service import attempts, users
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.uploads import Upload
from zoo.web.service.users import Users

LOCAL = "http://127.0.0.1"
PASSWORD = "correct horse"  # noqa: S105 (of a test)
PAGE = {"Accept": "text/html"}


@pytest.fixture
def empty(tmp_path: Path, tiny_registry: Registry) -> Iterator[Library]:
    library = Library(tmp_path / "runs", registry=tiny_registry)
    yield library
    library.close()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    use_cheap_hashes(monkeypatch)
    users.add(tmp_path / "users", "ann", PASSWORD, may_train=True)
    users.add(tmp_path / "users", "bob", PASSWORD)
    return tmp_path / "users"


@pytest.fixture
def app(empty: Library, file: Path, tmp_path: Path) -> Any:
    return create(empty, auth=Users(file), journal=Journal(tmp_path / "journal"), hosts=None)


def browser(app: Any, name: str = "", base: str = LOCAL, host: str = "192.0.2.1") -> TestClient:
    client = TestClient(app, base_url=base, follow_redirects=False, client=(host, 1))
    if name:
        told = client.post("/sign-in", data={"name": name, "password": PASSWORD})
        assert told.status_code == 303
    return client


def test_a_page_leads_to_the_form_and_back(app: Any) -> None:
    client = browser(app)
    told = client.get("/train", headers=PAGE)
    assert (told.status_code, told.headers["location"]) == (303, "/sign-in?to=/train")
    told = client.get("/train?run=a%26b&preset=best", headers=PAGE)
    assert 'value="/train?run=a%26b&amp;preset=best"' in client.get(told.headers["location"]).text
    form = client.get("/sign-in?to=/train").text
    assert 'value="/train"' in form
    assert DISCLAIMER in form
    assert "Read" not in form
    assert client.get("/static/style.css").status_code == 200
    assert client.get("/static/read.js").status_code == 401
    sent = {"name": "ann", "password": PASSWORD, "to": "/train"}
    told = client.post("/sign-in", data=sent)
    assert (told.status_code, told.headers["location"]) == (303, "/train")
    page = client.get("/train", headers=PAGE)
    assert page.status_code == 200
    assert "ann</span>" in page.text
    assert client.get("/sign-in", headers=PAGE).headers["location"] == "/"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "", "x",
                                  "/\nSet-Cookie: a=b"])  # fmt: skip
def test_the_form_leads_nowhere_else(path: str) -> None:
    assert within(path) == "/"


def test_the_cookie_is_for_this_site_and_no_script(app: Any) -> None:
    sent = {"name": "ann", "password": PASSWORD}
    cookie = browser(app).post("/sign-in", data=sent).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    over_tls = browser(app, base="https://127.0.0.1")
    assert "secure" in over_tls.post("/sign-in", data=sent).headers["set-cookie"].lower()


def test_signing_out_ends_the_session_for_good(app: Any) -> None:
    client = browser(app, "ann")
    (held,) = [f"{name}={value}" for name, value in client.cookies.items() if "session" in name]
    assert client.get("/runs").status_code == 200
    assert client.post("/sign-out").status_code == 303
    assert client.get("/runs").status_code == 401
    assert browser(app).get("/runs", headers={"Cookie": held}).status_code == 401


def test_scripts_and_programs_are_told_what_each_can_use(app: Any) -> None:
    client = browser(app)
    asked_by_page = client.get("/app/tasks/x", headers={"Sec-Fetch-Mode": "cors"})
    assert asked_by_page.status_code == 401
    assert not asked_by_page.headers["www-authenticate"].startswith("Basic")  # no window of its own
    assert client.get("/runs").headers["www-authenticate"].startswith("Basic")
    assert client.get("/runs", auth=("bob", PASSWORD)).status_code == 200
    assert client.get("/runs", auth=("bob", "wrong horse")).status_code == 401


def test_everybody_has_their_own_images_in_any_browser(app: Any) -> None:
    visitors = next(m.kwargs["visitors"] for m in app.user_middleware if "visitors" in m.kwargs)
    picture = io.BytesIO()
    Image.new("L", (32, 32)).save(picture, "PNG")
    browser(app, "ann").get("/")
    visitor = visitors.named("ann")
    key = visitors.bring(visitor, Upload("a.png", picture.getvalue(), "digest"))
    address = f"/app/images/{key}/picture"
    assert browser(app, "ann").get(address).status_code == 200
    assert browser(app, "bob").get(address).status_code == 404
    forged = browser(app, "bob")
    forged.cookies.set("zoo_visitor_80", visitor.key)
    assert forged.get(address).status_code == 404


def test_only_some_may_train(app: Any) -> None:
    bob, ann = browser(app, "bob"), browser(app, "ann")
    assert "without the right to train" in bob.get("/train").text
    assert '<form class="fields"' in ann.get("/train").text  # fmt: skip
    changing = [f"{RUNS}/{what}" for what in ("x/note", "x/remove", "restore", "x/export")]
    for path in ("/train", "/train/resume", "/train/0123456789abcdef/stop", *changing):
        assert "may not train" in bob.post(path).json()["error"]
        assert bob.post(path).status_code == 403
        assert ann.post(path).status_code in (400, 404)


def test_who_may_not_train_is_offered_no_resume(
    run_copy: Path, tiny_registry: Registry, file: Path
) -> None:
    record = dict(run_folder.read(run_copy).record)
    write_json(run_copy / run_folder.RECORD, {**record, "status": run_folder.TRAINING})
    app = create(Library(run_copy.parent, registry=tiny_registry), auth=Users(file), hosts=None)
    for page in ("/train", RUNS, "/train/run/copy"):
        assert "/train/resume" in browser(app, "ann").get(page).text
        assert "/train/resume" not in browser(app, "bob").get(page).text


def test_who_may_not_train_is_shown_no_form_that_would_be_refused(
    run_copy: Path, tiny_registry: Registry, file: Path, tmp_path: Path
) -> None:
    sets = tmp_path / "sets"
    sets.mkdir()
    app = create(
        Library(run_copy.parent, registry=tiny_registry),
        ["phantom?images=20&size=64"],
        auth=Users(file),
        hosts=None,
        intake=sets,
    )
    ann, bob = browser(app, "ann"), browser(app, "bob")
    buffer = io.BytesIO()
    Image.new("L", (32, 32)).save(buffer, "PNG")
    paths = ["a/p1.png", "a/p2.png", "b/p3.png", "b/p4.png"]
    address = ann.post("/data/sets", data={"name": "mine"}).json()["address"]
    files = [("files", ("file", buffer.getvalue() + bytes([one]))) for one in range(len(paths))]
    assert ann.post(f"{address}/files", data={"paths": paths}, files=files).status_code == 200
    forms = re.compile(r'<form[^>]* method="post" action="([^"]+)"')
    open_to_all = {"/sign-out", "/data/check"}

    def shown(client: TestClient, page: str) -> set[str]:
        return set(forms.findall(client.get(page).text))

    run = f"{RUNS}/copy"
    assert shown(ann, run) >= {f"{run}/{what}" for what in ("note", "export", "rename", "remove")}
    assert f"{address}/finish" in shown(ann, address)
    for page in (run, RUNS, "/data", address):
        assert shown(bob, page) <= open_to_all
    assert ann.post(f"{address}/finish").status_code == 303
    assert f"{address}/remove" in shown(ann, address)
    assert shown(bob, address) <= open_to_all
    assert ann.post(f"{RUNS}/copy/remove").status_code == 303
    assert f"{RUNS}/restore" in ann.get(RUNS).text
    assert f"{RUNS}/restore" not in bob.get(RUNS).text


def test_who_is_removed_is_out_at_once(app: Any, file: Path) -> None:
    bob, ann = browser(app, "bob"), browser(app, "ann")
    users.remove(file, "bob")
    assert bob.get("/runs").status_code == 401
    assert ann.get("/runs").status_code == 200


def test_guesses_wait_even_when_they_come_at_once(app: Any, tmp_path: Path) -> None:
    with browser(app, host="192.0.2.9") as client, ThreadPoolExecutor(12) as pool:
        wrong = {"name": "ann", "password": "a guess"}
        said = list(pool.map(lambda _: client.post("/sign-in", data=wrong).status_code, range(12)))
        assert said.count(401) == attempts.FREE
        assert said.count(429) == 12 - attempts.FREE
        late = client.post("/sign-in", data={"name": "ann", "password": PASSWORD})
        assert late.status_code == 429
        assert re.search(r"Try again in \d+ second", late.text)
    assert browser(app, "ann", host="192.0.2.8").get("/runs").status_code == 200
    text = (tmp_path / "journal").read_text()
    assert PASSWORD not in text
    assert "a guess" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["event"], line["user"], line["address"]) for line in lines] == [
        *[("wrong password", "ann", "192.0.2.9")] * attempts.FREE,
        ("signed in", "ann", "192.0.2.8"),
    ]


def test_a_password_of_ones_own_does_not_make_guessing_free(app: Any) -> None:
    client = browser(app)
    said = []
    for _ in range(attempts.FREE + 1):
        wrong = {"name": "ann", "password": "a guess"}
        said.append(client.post("/sign-in", data=wrong).status_code)
        client.post("/sign-in", data={"name": "bob", "password": PASSWORD})
    assert said[-1] == 429
    clumsy = browser(app, host="192.0.2.7")
    for password in ["typo", "typo", PASSWORD] * 3:  # who gets in has typed their own
        told = clumsy.post("/sign-in", data={"name": "ann", "password": password})
        assert told.status_code == (303 if password == PASSWORD else 401)


def test_a_password_typed_as_a_name_is_not_noted(app: Any, tmp_path: Path) -> None:
    told = browser(app).post("/sign-in", data={"name": "my secret", "password": ""})
    assert told.status_code == 401
    assert "my secret" not in (tmp_path / "journal").read_text()


def test_another_site_signs_nobody_in(app: Any) -> None:
    sent = {"name": "ann", "password": PASSWORD}
    client = browser(app)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert client.post("/sign-in", data=sent, headers=headers).status_code == 403
