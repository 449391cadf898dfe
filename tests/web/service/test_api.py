"""The HTTP API with the tiny run: right answers, refusals, limits and its own documentation."""

from __future__ import annotations

import gc
import io
import json
import struct
import tempfile
import threading
import tracemalloc
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import checks
from starlette.testclient import TestClient

from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.runs.decision import UNCERTAIN
from zoo.runs.run_folder import Run
from zoo.web.service.api import create
from zoo.web.service.engine import Engine
from zoo.web.service.journal import Journal
from zoo.web.service.library import Library
from zoo.web.service.limits import Limits
from zoo.web.service.security import Password
from zoo.workflows.predict import Prediction, predict

LIMITS = Limits(file_bytes=200_000, request_bytes=500_000, held_bytes=1_000_000, files=3, waiting=1)
LOCAL = "http://127.0.0.1"
SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, limits=LIMITS, registry=tiny_registry)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(library: Library) -> TestClient:
    return TestClient(create(library), base_url=LOCAL)


def png(seed: int = 0, size: tuple[int, int] = (64, 64)) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


def one(content: bytes | None = None, name: str = "x.png") -> list[tuple[str, tuple[str, bytes]]]:
    return [("files", (name, png() if content is None else content))]


def promised(width: int, height: int) -> bytes:
    """Return a small PNG file that says it has many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(10_000_000), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    )


def refused(response: Any, status: int) -> str:
    assert response.status_code == status, response.text
    told = response.json()
    assert told.keys() == {"error", "disclaimer"}
    assert told["disclaimer"] == DISCLAIMER
    assert "Traceback" not in told["error"]
    return str(told["error"])


def test_predictions_are_those_of_the_command_line(
    client: TestClient, trained: Run, tmp_path: Path
) -> None:
    contents = [png(1), png(2)]
    for i, content in enumerate(contents):
        (tmp_path / f"{i}.png").write_bytes(content)
    expected = list(predict([tmp_path / "0.png", tmp_path / "1.png"], trained))
    files = [("files", (f"{i}.png", content)) for i, content in enumerate(contents)]
    told = client.post("/predict", files=files).json()
    assert told["run"] == trained.name
    assert told["synthetic"] is True
    assert told["disclaimer"] == DISCLAIMER
    for row, wanted in zip(told["predictions"], expected, strict=True):
        assert isinstance(wanted, Prediction)
        assert row["label"] == wanted.label
        assert row["reason"] == wanted.reason
        assert row["probabilities"] == pytest.approx(wanted.probabilities, abs=1e-6)


def test_a_stated_prevalence_and_sensitivity_are_used(client: TestClient) -> None:
    plain = client.post("/predict", files=one()).json()["predictions"][0]
    data = {"prevalence": "0.01", "sensitivity": "0.9"}
    rare = client.post("/predict", files=one(), data=data).json()
    assert rare["prevalence"] == 0.01
    changed = rare["predictions"][0]["probabilities"]
    assert changed["PNEUMONIA"] < plain["probabilities"]["PNEUMONIA"]


def test_uncertain_passes_through(trained: Run, tiny_registry: Registry, tmp_path: Path) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)
    answerer = library.engine()._interpreter.answerer
    answerer.decision = replace(answerer.decision, limits=(2.0, 2.0), gate_limit=1e9)
    client = TestClient(create(library, journal=Journal(tmp_path / "audit.jsonl")), base_url=LOCAL)
    row = client.post("/predict", files=one(name="Ann Smith.png")).json()["predictions"][0]
    assert (row["label"], row["refused"]) == ("UNCERTAIN", UNCERTAIN)
    assert "could be" in row["reason"]
    assert row["leaning"] in trained.class_names
    told = (tmp_path / "audit.jsonl").read_text()
    assert json.loads(told)["answer"] == "UNCERTAIN"
    assert json.loads(told)["digest"] == row["digest"]
    assert "Ann" not in told
    assert "Ann" not in client.get("/metrics").text
    library.close()


def test_explanations_in_every_form(client: TestClient, trained: Run) -> None:
    data = {"methods": ["gradcam", "examples"], "trust": "false", "target": "PNEUMONIA"}
    told = client.post("/explain", files=one(name="<b>.png"), data=data)
    assert told.headers["cache-control"] == "no-store"
    (case,) = told.json()["cases"]
    (found,) = case["maps"]
    assert (found["method"], found["target"]) == ("gradcam", "PNEUMONIA")
    assert case["arrays"][found["array"]]["shape"] == [64, 64]
    assert case["examples"]
    page = client.post("/explain", files=one(name="<b>.png"), data={**data, "format": "html"})
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert DISCLAIMER in page.text
    assert "<b>.png" not in page.text
    picture = client.post("/explain", files=one(), data={**data, "format": "png"})
    assert Image.open(io.BytesIO(picture.content)).width > 1000
    sentence = refused(
        client.post("/explain", files=one() * 2, data={**data, "format": "png"}), 400
    )
    assert "format=png draws one" in sentence


def test_uploads_never_reach_the_disk(
    trained: Run, tiny_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)
    client = TestClient(create(library), base_url=LOCAL)

    def rolled(_: Any) -> None:
        raise AssertionError("an upload was written to a temporary file")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "rollover", rolled)
    large = png(size=(1500, 1500))
    assert len(large) > 2_000_000
    assert client.post("/predict", files=one(large)).status_code == 200
    library.close()


def test_unknown_names_are_told(client: TestClient) -> None:
    post = client.post
    assert "no run '../x'" in refused(post("/predict", files=one(), data={"run": "../x"}), 404)
    refused(post("/predict", files=one(), data={"run": "/etc/passwd"}), 404)
    methods = {"methods": "gradcma", "trust": "false"}
    assert "gradcam" in refused(post("/explain", files=one(), data=methods), 404)
    target = {"methods": "gradcam", "target": "CAT", "trust": "false"}
    assert "no class 'CAT'" in refused(post("/explain", files=one(), data=target), 404)


def test_wrong_fields_are_told(client: TestClient) -> None:
    assert "'files'" in refused(client.post("/predict"), 422)
    assert "'files" in refused(client.post("/predict", data={"files": "text"}), 422)
    for field, value in (("prevalence", "nan"), ("prevalence", "1"), ("sensitivity", "x")):
        assert field in refused(client.post("/predict", files=one(), data={field: value}), 422)
    refused(client.post("/explain", files=one(), data={"format": "exe"}), 422)
    refused(client.get("/predict"), 405)
    assert "/docs" in refused(client.get("/etc/passwd"), 404)


def test_limits(client: TestClient) -> None:
    assert "0 MB" in refused(client.post("/predict", files=one(bytes(200_001))), 413)
    assert "0.5 MB" in refused(client.post("/predict", files=one(bytes(500_001))), 413)
    assert "pixels" in refused(client.post("/predict", files=one(promised(30_000, 30_000))), 413)
    assert "3 a request" in refused(client.post("/predict", files=one() * 4), 413)

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(10_000)

    refused(client.post("/predict", content=endless()), 422)  # no form: nothing of it is kept
    form = {"content-type": "multipart/form-data; boundary=x"}
    assert "MB" in refused(client.post("/predict", content=endless(), headers=form), 413)


def test_a_full_queue_is_503(client: TestClient, library: Library) -> None:
    gate, begun = threading.Event(), threading.Event()

    def hold(_: Engine) -> None:
        begun.set()
        gate.wait(SECONDS)

    held = [library.answer(None, hold)]
    assert begun.wait(SECONDS)
    held.append(library.answer(None, hold))
    try:
        response = client.post("/predict", files=one())
        assert "waiting" in refused(response, 503)
        assert int(response.headers["retry-after"]) > 0
        assert client.get("/health").json()["queues"]["answering"] == 2
    finally:
        gate.set()
        for future in held:
            future.result(SECONDS)
    assert client.post("/predict", files=one()).status_code == 200


def test_slow_work_is_given_up(trained: Run, tiny_registry: Registry) -> None:
    limits = replace(LIMITS, seconds=0.2)
    library = Library(trained.path.parent, limits=limits, registry=tiny_registry)
    gate = threading.Event()
    held = library.answer(None, lambda _: gate.wait(SECONDS))
    client = TestClient(create(library), base_url=LOCAL)
    assert "longer" in refused(client.post("/predict", files=one()), 503)
    assert library.answering.length == 1
    gate.set()
    held.result(SECONDS)
    library.close()


def test_a_damaged_run_tells_no_folder(run_copy: Path, tiny_registry: Registry) -> None:
    library = Library(run_copy.parent, registry=tiny_registry)
    (run_copy / "model.keras").write_bytes(b"junk")
    client = TestClient(create(library), base_url=LOCAL)
    assert str(run_copy) not in refused(client.post("/predict", files=one()), 503)
    library.close()


def test_a_bug_shows_no_trace(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    client = TestClient(create(library), base_url=LOCAL, raise_server_exceptions=False)
    monkeypatch.setattr(Engine, "predict", lambda *_, **__: 1 / 0)
    assert "division" not in refused(client.post("/predict", files=one()), 500)


def test_a_password_guards_all_but_health(library: Library) -> None:
    app = create(library, auth=Password.parse("ann:secret"), hosts=None)
    client = TestClient(app, base_url="http://xray.hospital")
    for path in ("/runs", "/metrics", "/docs", "/openapi.json", "/nothing"):
        response = client.get(path)
        refused(response, 401)
        assert response.headers["www-authenticate"].startswith("Basic")
    refused(client.get("/runs", auth=("ann", "wrong")), 401)
    refused(client.post("/predict", files=one(), auth=("bob", "secret")), 401)
    assert client.get("/runs", auth=("ann", "secret")).status_code == 200
    assert client.get("/health").json()["live"] is True


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::2]", "a]b["])
def test_other_hosts_are_refused(client: TestClient, host: str) -> None:
    refused(client.get("/runs", headers={"host": host}), 400)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:9", "LOCALHOST"])
def test_own_names_are_taken(client: TestClient, host: str) -> None:
    assert client.get("/health", headers={"host": host}).status_code == 200


def test_other_sites_are_refused(client: TestClient) -> None:
    for origin in ("http://evil.example", "null", "http://[", "http://127.0.0.1:1"):
        response = client.post("/predict", files=one(), headers={"origin": origin})
        refused(response, 403)
    own = client.get("/health", headers={"origin": LOCAL})
    assert own.status_code == 200
    assert "access-control-allow-origin" not in own.headers
    assert own.headers["x-content-type-options"] == "nosniff"


def test_the_app_gets_ready_by_itself(trained: Run, tiny_registry: Registry) -> None:
    library = Library(trained.path.parent, registry=tiny_registry)
    app = create(library)
    assert TestClient(app, base_url=LOCAL).get("/health/ready").status_code == 503
    with TestClient(app, base_url=LOCAL) as client:
        library.answer(None, lambda _: None).result(SECONDS)
        told = client.get("/health/ready")
    assert (told.status_code, told.json()["ready"]) == (200, True)


def test_runs_and_metrics(client: TestClient, trained: Run) -> None:
    client.post("/predict", files=one())
    client.get("/no/such/page")
    (run,) = client.get("/runs").json()["runs"]
    assert (run["name"], run["default"], run["loaded"]) == (trained.name, True, True)
    assert run["class_names"] == list(trained.class_names)
    lines = client.get("/metrics").text.splitlines()
    told = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert float(told['zoo_requests_total{route="/predict",status="200"}']) >= 1
    assert float(told['zoo_requests_total{route="other",status="404"}']) >= 1
    answered = [float(v) for k, v in told.items() if k.startswith("zoo_images_answered_total")]
    assert sum(answered) >= 1
    assert float(told['zoo_queue_length{queue="answering"}']) == 0
    assert "no/such/page" not in "".join(lines)


def test_the_documentation_loads_nothing(client: TestClient) -> None:
    page = client.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "src=" not in page.text
    for word in ("/predict", "/explain", "prevalence", "gradcam", DISCLAIMER):
        assert word in page.text


KINDS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a file that once was an image: cut short, with wrong bytes, or nothing of the kind."""
    if draw(st.integers(0, 4)) == 0:
        start = draw(
            st.sampled_from([b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"GIF8"])
        )
        return start + draw(st.binary(max_size=300))
    buffer = io.BytesIO()
    Image.fromarray(np.arange(24 * 24, dtype=np.uint8).reshape(24, 24)).save(
        buffer, draw(st.sampled_from(KINDS))
    )
    content = bytearray(buffer.getvalue())
    for _ in range(draw(st.integers(0, 8))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content[: draw(st.integers(0, len(content)))])


NAMES = st.one_of(
    st.text(max_size=40), st.sampled_from(["../../x.png", "/etc/x", "a\\b.dcm", ".."])
)


def test_malformed_uploads_are_never_a_bug_and_memory_stays_flat(client: TestClient) -> None:
    @settings(
        max_examples=100,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(), NAMES)
    def send(content: bytes, name: str) -> None:
        response = client.post("/predict", files=one(content, name or "x"))
        if response.status_code == 200:  # what changed does not matter to the picture
            assert "/" not in response.json()["predictions"][0]["name"]
        else:
            refused(response, 413 if response.status_code == 413 else 422)

    big = one(promised(9_000, 9_000))
    refused(client.post("/predict", files=big), 422)
    send()
    tracemalloc.start()
    client.post("/predict", files=big)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for seed in range(5):
        client.post("/predict", files=big)
        client.post("/predict", files=one(png(seed, (400, 400))[:-40]))
    gc.collect()  # what is held in circles is not yet kept
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 1_000_000


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"--\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\na\r\n"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="files"; ',
        ),
        ("multipart/form-data; boundary=x; charset=none", b"\x00\xff"),
        ("application/json", b'{"files": []}'),
        ("application/x-www-form-urlencoded", b"files=%ff&run=%00"),
        ("", b"\x00" * 100),
    ],
)
def test_malformed_bodies_are_never_a_bug(client: TestClient, kind: str, body: bytes) -> None:
    response = client.post("/predict", content=body, headers={"content-type": kind})
    refused(response, 400 if response.status_code == 400 else 422)


CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_the_api_is_as_it_describes_itself(trained: Run, tiny_registry: Registry) -> None:
    library = Library(trained.path.parent, limits=LIMITS, registry=tiny_registry)
    # Not while sources are parsed: Python 3.11 may then fail in both threads (gh-106905).
    library.engine()
    app = create(library, hosts={"testserver"})  # stopped, and its library closed, by the last call
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    demanded = [getattr(checks, name) for name in CHECKS]
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        seen.add(operation.path)

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy())
        def call(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=demanded)

        call()
    assert {"/predict", "/explain", "/runs", "/metrics"} <= seen
    assert app.state.paths == seen | {"/docs", "/openapi.json"}
