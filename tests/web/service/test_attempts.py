"""Wrong passwords make their sender wait, longer and longer, and nobody else."""

from __future__ import annotations

import base64
import json
import logging
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from zoo.web.service import attempts, door
from zoo.web.service.attempts import Attempts
from zoo.web.service.door import Door
from zoo.web.service.journal import Journal
from zoo.web.service.security import Guard, Password


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_each_wrong_password_doubles_the_wait_up_to_a_cap() -> None:
    clock = Clock()
    known = Attempts(clock)
    waits = []
    for _ in range(12):
        known.wrong("192.0.2.1")
        waits.append(known.wait("192.0.2.1"))
        clock.now += waits[-1]
        assert known.wait("192.0.2.1") == 0
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert known.wait("192.0.2.2") == 0


def test_the_right_password_or_silence_makes_good() -> None:
    clock = Clock()
    known = Attempts(clock)
    for end in (lambda: known.right("192.0.2.1"), lambda: setattr(clock, "now", clock.now + 1000)):
        for _ in range(5):
            known.wrong("192.0.2.1")
        assert known.wait("192.0.2.1") > 0
        end()
        assert known.wait("192.0.2.1") == 0
        assert known.wrong("192.0.2.1") == 1
        known.right("192.0.2.1")


def test_a_household_has_one_count() -> None:
    known = Attempts(Clock())
    for last in range(4):
        known.wrong(f"2001:db8:1:2::{last}")
    assert known.wait("2001:db8:1:2:ffff::1") > 0
    assert known.wait("2001:db8:1:3::1") == 0
    for _ in range(4):
        known.wrong("::ffff:192.0.2.7")
    assert known.wait("192.0.2.7") > 0


def test_few_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "MOST", 3)
    known = Attempts(Clock())
    for _ in range(4):
        known.wrong("192.0.2.0")
    for last in range(1, 4):
        known.wrong(f"192.0.2.{last}")
    assert known.wait("192.0.2.0") == 0
    assert len(known._wrong) == 3


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass for those who wait."""
    monkeypatch.setattr(door, "Attempts", lambda: Attempts(Clock()))


def guarded(journal: Journal | None = None) -> Starlette:
    app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("in"))])
    app.add_middleware(Guard, hosts=None, door=Door(Password.parse("ann:pw"), journal))
    return app


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def test_whoever_guesses_waits_and_others_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    journal = tmp_path / "audit.jsonl"
    app = guarded(Journal(journal))
    guessing = TestClient(app, client=("192.0.2.1", 1))
    other = TestClient(app, client=("192.0.2.2", 1))
    with caplog.at_level(logging.WARNING):
        said = [guessing.get("/", headers=basic(f"ann:{n}")).status_code for n in range(50)]
    assert said == [401] * attempts.FREE + [429] * (50 - attempts.FREE)
    late = guessing.get("/", headers=basic("ann:pw"))  # the right one is not looked at
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    assert "WWW-Authenticate" not in late.headers
    assert other.get("/", headers=basic("ann:pw")).text == "in"
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [(line["event"], line["address"], line["count"]) for line in lines] == [
        ("wrong password", "192.0.2.1", count) for count in (1, 2, 3)
    ]
    assert caplog.text.count("192.0.2.1") == attempts.FREE
    assert "ann" not in journal.read_text() + caplog.text


def test_asking_without_a_password_costs_nothing() -> None:
    client = TestClient(guarded())
    assert {client.get("/").status_code for _ in range(20)} == {401}
    assert client.get("/", headers=basic("ann:pw")).text == "in"
