"""The page Cases with the tiny run: an image is read, saved, labelled, opened again and deleted."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.case_folder import CaseFolder
from zoo.web.app.site import create
from zoo.web.service.library import Library

LOCAL = "http://127.0.0.1"


def png(seed: int = 0) -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (90, 120), np.uint8)
    Image.fromarray(noise).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, registry=tiny_registry)
    yield opened
    opened.close()


@pytest.fixture
def client(library: Library, tmp_path: Path) -> TestClient:
    app = create(library, cases=CaseFolder(tmp_path))
    return TestClient(app, base_url=LOCAL, follow_redirects=False)


def card(client: TestClient, run: Run) -> str:
    sent = {"files": ("one.png", png())}
    told = client.post("/app/read", data={"run": run.name}, files=sent)
    return str(told.json()["card"])


def saved(client: TestClient, run: Run) -> str:
    (address,) = re.findall(r'action="(/app/images/[^"]+/save)"', card(client, run))
    told = client.post(address, data={"run": run.name})
    assert told.status_code == 303, told.text
    return str(told.headers["location"])


def test_nothing_is_saved_where_nobody_said_so(library: Library, trained: Run) -> None:
    client: Any = TestClient(create(library), base_url=LOCAL)
    told = card(client, trained)
    assert "Save the case" not in told
    assert 'href="/cases"' not in client.get("/").text
    (key,) = re.findall(r'data-image="([^"]+)"', told)
    assert client.post(f"/app/images/{key}/save", data={"run": trained.name}).status_code == 404


def test_a_case_is_saved_labelled_opened_again_and_deleted(
    client: TestClient, trained: Run, tmp_path: Path
) -> None:
    assert "None yet" in client.get("/cases").text
    address = saved(client, trained)
    page = client.get(address)
    assert DISCLAIMER in page.text
    assert "one.png" in page.text
    for part in ("picture", "seen"):
        assert client.get(f"{address}/{part}").headers["content-type"].startswith("image/")
    assert client.get(f"{address}/maps/none").status_code == 404
    label = trained.class_names[0]
    told = {"version": 1, "label": label, "notes": "<b>clear</b>\r\nlungs"}
    assert client.post(address, data=told).status_code == 303
    page = client.get(address)
    assert f'<option value="{label}" selected>' in page.text
    assert "&lt;b&gt;clear" in page.text
    late = client.post(address, data={"version": 1, "label": "", "notes": "mine"})
    assert late.status_code == 409
    assert "mine</textarea>" in late.text
    assert "There now" in late.text
    assert "1 case, 1 with a label" in client.get("/cases").text
    assert label in (tmp_path / "cases.csv").read_text()
    assert client.post(f"{address}/delete").status_code == 303
    assert client.get(address).status_code == 404
    assert "None yet" in client.get("/cases").text


def test_a_saved_case_is_opened_in_the_page_read(client: TestClient, trained: Run) -> None:
    address = saved(client, trained)
    client.post("/app/forget")
    assert "one.png" not in client.get("/").text
    opened = client.post(f"{address}/read").headers["location"]
    assert f"run={trained.name}" in opened
    assert 'data-name="one.png"' in client.get(opened).text
    assert client.post("/cases/nobody/read").status_code == 404


def test_labelled_cases_are_a_data_set_of_the_pages(
    client: TestClient, trained: Run, tmp_path: Path
) -> None:
    address = saved(client, trained)
    assert "Give a case a label first" in client.get("/cases").text
    assert str(tmp_path) not in client.get("/train").text
    client.post(address, data={"version": 1, "label": trained.class_names[0], "notes": ""})
    (train,) = re.findall(r'href="(/train\?source=[^"]+)"', client.get("/cases").text)
    chosen = re.findall(r"<option[^>]* selected>([^<]*)", client.get(train).text)
    assert str(tmp_path) in chosen
    assert client.get("/learn").text.count(str(tmp_path)) == 0, "it has a choice of its own there"


def test_maps_are_drawn_again_from_what_was_saved(
    client: TestClient, trained: Run, until: Any
) -> None:
    told = card(client, trained)
    (key,) = re.findall(r'data-image="([^"]+)"', told)
    given = {"run": trained.name, "method": "gradcam"}
    task = client.post(f"/app/images/{key}/explain", data=given).json()
    until(lambda: client.get(f"/app/tasks/{task['id']}").json()["state"] == "done")
    address = client.post(f"/app/images/{key}/save", data=given).headers["location"]
    assert "gradcam" in client.get(address).text
    drawn = client.get(f"{address}/maps/gradcam")
    with Image.open(io.BytesIO(drawn.content)) as image:
        assert image.width > image.height  # in the picture's proportions


def test_a_picture_that_is_gone_is_told(client: TestClient, trained: Run, tmp_path: Path) -> None:
    address = saved(client, trained)
    next((tmp_path / "images").glob("*.png")).unlink()
    for told in (client.get(f"{address}/picture"), client.post(f"{address}/read")):
        assert told.status_code == 404
        assert "The picture of the case" in told.json()["error"]
    assert client.post(f"{address}/delete").status_code == 303
