"""Stress tests and exports that are started in the browser, and images of a cell that are read."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from zoo.base.files import write_json
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.web.app import run_work
from zoo.web.app.confusion import confusion_cells
from zoo.web.app.site import create
from zoo.web.service.library import Library

PAGE = "/runs-of-this-folder"
LOCAL = "http://127.0.0.1"
Until = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def client(run_copy: Path, tiny_registry: Registry) -> TestClient:
    app = create(Library(run_copy.parent, registry=tiny_registry))
    return TestClient(app, base_url=LOCAL, headers={"accept": "text/html"})


def ended(client: TestClient, address: str, until: Until) -> str:
    """Wait for the end of work whose page has that address, and return the page."""
    task = address.rpartition("/")[2]
    until(
        lambda: client.get(f"/app/tasks/{task}").json()["state"] in ("done", "failed", "cancelled")
    )
    return client.get(address).text


@pytest.mark.slow
def test_an_export_is_made_told_and_downloaded(client: TestClient, until: Until) -> None:
    assert client.get(f"{PAGE}/copy/export/savedmodel.zip").status_code == 404
    started = client.post(f"{PAGE}/copy/export", data={"kind": "savedmodel"})
    page = ended(client, started.url.path, until)
    assert "Written and compared" in page
    answer = client.get(f"{PAGE}/copy/export/savedmodel.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert int(answer.headers["content-length"]) == len(answer.content)
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        card = json.loads(archive.read("savedmodel/card.json"))
    assert card["run"] == "copy"
    assert "Download savedmodel" in client.get(f"{PAGE}/copy").text


@pytest.mark.parametrize("kind", ["", "exe", "../model"])
def test_another_format_is_refused(client: TestClient, kind: str) -> None:
    assert client.post(f"{PAGE}/copy/export", data={"kind": kind}).status_code == 404


@pytest.mark.slow
def test_a_stress_test_stands_on_the_page_afterwards(
    client: TestClient, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_work, "IMAGES", (4,))
    assert "not asked of changed images yet" in client.get(f"{PAGE}/copy").text
    started = client.post(f"{PAGE}/copy/stress", data={"images": "4"})
    assert "The stress test is done" in ended(client, started.url.path, until)
    page = client.get(f"{PAGE}/copy").text
    assert "Test again" in page
    assert 'aria-label="Balanced accuracy under each change of test"' in page


def test_data_that_were_not_named_are_not_asked_of(client: TestClient, run_copy: Path) -> None:
    record = dict(run_folder.read(run_copy).record)
    data = {**record["data"], "source": "/elsewhere/images"}
    write_json(run_copy / run_folder.RECORD, {**record, "data": data})
    page = client.get(f"{PAGE}/copy").text
    assert "has to be named when it is started" in page
    assert "/elsewhere" not in page
    assert client.post(f"{PAGE}/copy/stress", data={"images": "50"}).status_code == 404
    image = str(confusion_cells(run_folder.read(run_copy)).known.names[0])
    assert client.post(f"{PAGE}/copy/read", data={"image": image}).status_code == 404


@pytest.mark.parametrize("images", ["0", "-1", "7", "100000"])
def test_only_offered_numbers_of_images_are_taken(client: TestClient, images: str) -> None:
    assert client.post(f"{PAGE}/copy/stress", data={"images": images}).status_code == 404


def test_an_image_of_a_cell_is_read_by_its_run(client: TestClient, run_copy: Path) -> None:
    found = confusion_cells(run_folder.read(run_copy))
    image = str(found.known.names[0])
    page = client.post(f"{PAGE}/copy/read", data={"image": image})
    assert page.url.path.startswith("/read/")
    assert page.status_code == 200
    assert image.rpartition("/")[2] in page.text
    wrong = client.post(f"{PAGE}/copy/read", data={"image": "../../etc/passwd"})
    assert wrong.status_code == 404


def test_a_cell_follows_the_threshold(client: TestClient, run_copy: Path) -> None:
    positive = run_folder.read(run_copy).record["positive"]
    cell = f"{PAGE}/copy/answers/{positive}/{1 - positive}"
    assert "No image of the test part" in client.get(f"{cell}?threshold=0").text
    assert "at the threshold 1.000" in client.get(f"{cell}?threshold=1").text
    assert client.get(f"{cell}?threshold=2").status_code == 422


def test_counts_for_the_sliders_are_plain_numbers(client: TestClient) -> None:
    told = client.get(f"{PAGE}/copy/thresholds.json").json()
    assert len(told["parts"]) == 2
    assert len(told["parts"][0]["true"]) == len(told["thresholds"])
