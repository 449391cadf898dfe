"""A service goes on when clients leave, runs vanish, disks fill up and networks break."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo import Attribution, DamagedRun
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app import site
from zoo.web.service import endpoints, uploads
from zoo.web.service.api import create
from zoo.web.service.engine import Engine
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.limits import Expired, Limits
from zoo.web.service.queue import Deadline

LOCAL = "http://127.0.0.1"
SECONDS = 600
"""As long as only a mistake takes."""
FORM = b"Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, registry=tiny_registry)
    yield opened
    opened.close()


def png(side: int = 64) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def one(name: str = "x.png") -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, png()))]


def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(
    trained: Run, tiny_registry: Registry, served: Any, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)  # it is closed with its server
    app = create(library)
    with served(app) as address:
        port = int(urlsplit(address).port or 0)
        body = (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n' + png()
        )
        head = b"POST /predict HTTP/1.1\r\nHost: localhost\r\n" + FORM
        for asked in (
            head + b"Content-Length: 100000\r\n\r\n" + body,  # gone while it sends
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body + b"\r\n--x--\r\n",
            b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200,  # reads no answer
        ):
            with socket.create_connection(("127.0.0.1", port), SECONDS) as leaving:
                leaving.sendall(asked)
        until(lambda: not len(app.state.connections))
        until(lambda: library.answering.length == 0)
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


def test_a_run_that_is_deleted_goes_on_answering_from_memory(
    run_copy: Path, tiny_registry: Registry
) -> None:
    library = Library(run_copy.parent, registry=tiny_registry)
    client = TestClient(site.create(library), base_url=LOCAL)
    assert client.post("/predict", files=one()).status_code == 200
    shutil.rmtree(run_copy)
    assert client.post("/predict", files=one()).status_code == 200
    assert client.post("/explain", files=one(), data={"trust": "false"}).status_code == 200
    assert client.post("/predict", files=one(), data={"run": "copy"}).status_code == 404
    assert client.get("/runs").json()["runs"] == []
    assert client.get("/runs-of-this-folder").status_code == 200
    assert client.get("/").status_code == 200
    library.close()
    gone = Library(run_copy.parent, registry=tiny_registry)
    gone._default = "copy"  # as if it was there at the start
    told = TestClient(create(gone), base_url=LOCAL).post("/predict", files=one())
    assert told.status_code in (404, 503)
    assert str(run_copy.parent) not in told.text
    gone.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_full_disk_at_the_audit_log_is_told_and_passes(
    library: Library, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "audit.jsonl"
    client = TestClient(create(library, journal=Journal(path)), base_url=LOCAL)
    assert client.post("/predict", files=one()).status_code == 200
    path.rename(tmp_path / "kept")
    path.symlink_to("/dev/full")
    told = client.post("/predict", files=one())
    assert (told.status_code, "audit log" in told.json()["error"]) == (503, True)
    assert "predictions" not in told.text
    assert "No space left" in caplog.text
    assert client.get("/health").status_code == 200
    path.unlink()
    (tmp_path / "kept").rename(path)
    assert client.post("/predict", files=one()).status_code == 200
    assert len([json.loads(line) for line in path.read_text().splitlines()]) == 2


def test_no_half_of_a_line_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "audit.jsonl"
    journal, write = Journal(path), os.write
    journal.record("run", [("a", "NORMAL", 0.5)])
    whole = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda handle, content: write(handle, content[:20]))
        with pytest.raises(Exception, match="audit log"):
            journal.record("run", [("b", "NORMAL", 0.5)])
    assert path.read_bytes() == whole
    journal.record("run", [("c", "NORMAL", 0.5)])
    assert [json.loads(line)["digest"] for line in path.read_text().splitlines()] == ["a", "c"]


def test_a_network_that_is_not_finite_is_an_error(
    library: Library, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    classifier = library.engine()._interpreter.classifier
    answers = classifier.answers
    for wrong in (np.nan, np.inf):
        monkeypatch.setattr(
            classifier,
            "answers",
            lambda pixels, by=wrong: (answers(pixels)[0] * by, *answers(pixels)[1:]),
        )
        client = TestClient(site.create(library), base_url=LOCAL)
        for path in ("/predict", "/explain"):
            told = client.post(path, files=one(), data={"methods": "saliency", "trust": "false"})
            assert told.status_code == 503
            assert "NaN" not in told.text
        told = client.post("/app/read", files=one(), data={"run": library.default})
        assert "not finite" in told.json()["problems"][0]
    assert "not finite" in caplog.text
    with pytest.raises(DamagedRun):
        library.engine()._interpreter.answerer.answer(np.zeros((1, 64, 64, 3), np.uint8))


@pytest.mark.parametrize("values", [np.full((64, 64), np.nan, np.float32), None])
def test_a_map_that_is_not_finite_is_an_error_in_json(
    library: Library, monkeypatch: pytest.MonkeyPatch, values: np.ndarray | None
) -> None:
    details = {} if values is not None else {"additivity error": float("nan")}
    drawn = np.zeros((64, 64), np.float32) if values is None else values
    engine = library.engine()
    case = engine.read(uploads.accept(png(), "a.png", Limits()))
    case = case.__class__(
        **{
            **{name: getattr(case, name) for name in case.__dataclass_fields__},
            "explanations": (Attribution("odd", 0, drawn, details=details),),
        }
    )
    monkeypatch.setattr(Engine, "explain", lambda *_, **__: [case])
    client = TestClient(create(library), base_url=LOCAL)
    told = client.post("/explain", files=one())
    assert (told.status_code, "not finite" in told.json()["error"]) == (422, True)
    assert client.post("/explain", files=one(), data={"format": "html"}).status_code == 200


def test_pages_are_drawn_outside_the_lanes(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawing: list[str] = []

    def watched(draw: Any) -> Any:
        def drawn(*given: Any, **named: Any) -> Any:
            drawing.append(threading.current_thread().name)
            return draw(*given, **named)

        return drawn

    monkeypatch.setattr(endpoints, "cases_response", watched(endpoints.cases_response))
    part = site.templating.part
    monkeypatch.setattr("zoo.web.app.templating.part", watched(part))
    client = TestClient(site.create(library), base_url=LOCAL)
    data = {"methods": "saliency", "trust": "false", "format": "html"}
    assert client.post("/explain", files=one(), data=data).status_code == 200
    read = client.post("/app/read", files=one(), data={"run": library.default})
    assert "data-image" in read.json()["card"]
    assert len(drawing) == 3  # the report, the row of the list, the card
    assert not any(name.startswith("zoo-") for name in drawing)


def test_a_long_explanation_delays_no_page_and_no_answer(library: Library) -> None:
    library.engine()
    client, gate = TestClient(site.create(library), base_url=LOCAL), threading.Event()
    held = library.explain(None, lambda _: gate.wait(SECONDS))
    for path in ("/", "/runs-of-this-folder", "/runs", "/metrics", "/health/ready"):
        assert client.get(path).status_code == 200
    assert client.post("/predict", files=one()).status_code == 200
    gate.set()
    assert held.result(SECONDS)


def test_whoever_is_ready_does_not_wait_for_another_to_be_loaded(
    trained: Run, tmp_path: Path, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        shutil.copytree(trained.path, tmp_path / name)
    library = Library(tmp_path, registry=tiny_registry)
    ready = library.engine("a")
    begun, gate = threading.Event(), threading.Event()

    def slow(*_: Any, **__: Any) -> None:
        begun.set()
        assert gate.wait(SECONDS)

    monkeypatch.setattr(Engine, "__init__", slow)
    loading = threading.Thread(target=library.engine, args=("b",))
    loading.start()
    assert begun.wait(SECONDS)
    assert library.engine("a") is ready
    assert library.loaded == ("a",)
    assert library.default
    gate.set()
    loading.join(SECONDS)
    assert library.loaded == ("a", "b")
    library.close()


def test_a_deadline_counts_while_uploads_are_decoded(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    deadline, decoded = Deadline(SECONDS), []
    read = uploads.images.read_shaped

    def slow(*given: Any, **named: Any) -> Any:
        decoded.append(1)
        deadline.give_up()
        return read(*given, **named)

    monkeypatch.setattr(uploads.images, "read_shaped", slow)
    files = [uploads.accept(png(), f"{n}.png", Limits()) for n in range(3)]
    for work in (Engine.predict, Engine.explain):
        deadline, decoded[:] = Deadline(SECONDS), []
        with pytest.raises(Expired):
            library.answer(None, lambda engine, work=work: work(engine, files), deadline).result(
                SECONDS
            )
        assert len(decoded) == 1
