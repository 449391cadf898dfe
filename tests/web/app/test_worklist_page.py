"""A folder that is watched fills the worklist, and a file of it can be read as any other."""

from __future__ import annotations

import asyncio
import io
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo import DISCLAIMER, BadInput
from zoo.base.registry import Registry
from zoo.data import arrivals
from zoo.runs.run_folder import Run
from zoo.web.app import watching
from zoo.web.app.site import create
from zoo.web.service.library import Library
from zoo.web.service.limits import Limits

LOCAL = "http://127.0.0.1"


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (90, 120), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLED", 0.0)
    monkeypatch.setattr(arrivals, "PATIENCE", 0.0)


@pytest.fixture
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, registry=tiny_registry, limits=Limits(file_bytes=100_000))
    yield opened
    opened.close()


def test_what_comes_is_answered_listed_and_read(
    library: Library,
    trained: Run,
    tmp_path: Path,
    until: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(watching, "MOST", 3)
    upload = watching.Watching.upload

    def aside(self: watching.Watching, key: str) -> Any:
        with pytest.raises(RuntimeError):  # a slow share keeps nobody else waiting
            asyncio.get_running_loop()
        return upload(self, key)

    monkeypatch.setattr(watching.Watching, "upload", aside)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (tmp_path / "large.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100_000))
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "a<b>.png").write_bytes(png())
    with (
        TestClient(
            create(library, watched=tmp_path), base_url=LOCAL, follow_redirects=False
        ) as client,
        caplog.at_level(logging.WARNING),
    ):
        until(lambda: len(client.get("/api/worklist").json()["items"]) == 3)
        told = client.get("/api/worklist").json()
        assert told["disclaimer"] == DISCLAIMER
        assert str(tmp_path) not in str(told)
        items = {item["name"]: item for item in told["items"]}
        assert "MB; the limit" in items["large.png"]["problem"]
        assert "b.png" in items["b.png"]["problem"]
        answered = items["study/a<b>.png"]
        assert answered["run"] == trained.name
        assert set(answered["probabilities"]) == set(trained.class_names)
        page = client.get("/worklist").text
        assert DISCLAIMER in page
        assert "study/a&lt;b&gt;.png" in page
        assert client.get("/worklist/rows").json()["part"] in page
        assert len(client.get("/api/worklist?limit=1").json()["items"]) == 1
        assert (
            client.post(f"/worklist/{answered['id']}/read").headers["location"].startswith("/read/")
        )
        assert "a&lt;b&gt;.png" in client.get("/").text
        assert client.post("/worklist/none/read").status_code == 404
        figures = client.get("/metrics").text
        assert re.search(r"zoo_watched_answered 1\.0", figures)
        assert re.search(r"zoo_watched_broken 2\.0", figures)
        (tmp_path / "later.png").write_bytes(png(1))
        until(lambda: client.get("/api/worklist").json()["items"][0]["name"] == "later.png")
        assert len(client.get("/api/worklist").json()["items"]) == 3  # the oldest made room
        assert caplog.text.count("broken") + caplog.text.count("b.png") >= 1
    (trouble,) = {record.getMessage() for record in caplog.records if "b.png" in record.message}
    assert sum(record.getMessage() == trouble for record in caplog.records) == 1


def test_the_page_is_there_only_with_a_folder(library: Library, tmp_path: Path) -> None:
    client = TestClient(create(library), base_url=LOCAL)
    assert "Worklist" not in client.get("/").text
    assert client.get("/api/worklist").status_code == 404
    with pytest.raises(BadInput, match="to watch"):
        create(library, watched=tmp_path / "none")


def test_a_service_without_a_run_waits_for_one(
    tiny_registry: Registry, tmp_path: Path, until: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(png())
    library = Library(tmp_path / "runs", registry=tiny_registry)
    with TestClient(create(library, watched=tmp_path / "in"), base_url=LOCAL) as client:
        until(lambda: "is not answered" in caplog.text)
        assert client.get("/api/worklist").json() == {
            "disclaimer": DISCLAIMER,
            "waiting": 1,
            "items": [],
        }
        assert "until it is whole" in client.get("/worklist").text
    assert caplog.text.count("is not answered") == 1
