"""Curves of several runs over each other."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from zoo.base.files import write_json
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.web.app.run_curves_page import of_epochs, of_scores
from zoo.web.app.site import create
from zoo.web.service.library import Library


@pytest.fixture
def client(run_copy: Path, tiny_registry: Registry) -> TestClient:
    shutil.copytree(run_copy, run_copy.parent / "other")
    app = create(Library(run_copy.parent, registry=tiny_registry))
    return TestClient(app, base_url="http://127.0.0.1", headers={"accept": "text/html"})


def test_each_run_has_a_curve_in_each_picture(client: TestClient) -> None:
    page = client.get("/run-curves?run=copy&run=other")
    assert page.status_code == 200
    assert page.text.count("<svg") == 4
    assert page.text.count("<polyline") == 8
    assert "not the same images" not in page.text


def test_it_says_when_the_images_are_not_the_same(client: TestClient, run_copy: Path) -> None:
    path = run_copy.parent / "other" / run_folder.RECORD
    record = dict(run_folder.read(path.parent).record)
    test = record["splits"]["test"]
    members = [f"{'0' * 15}{place % 10}" for place in range(len(test["members"]))]
    splits = {**record["splits"], "test": {**test, "members": members}}
    write_json(path, {**record, "splits": splits})
    assert "not the same images" in client.get("/run-curves?run=copy&run=other").text


@pytest.mark.parametrize("query", ["", "?run=copy", "?run=copy&run=copy"])
def test_one_run_alone_is_refused(client: TestClient, query: str) -> None:
    answer = client.get(f"/run-curves{query}")
    assert answer.status_code == 400
    assert "Choose two to 6" in answer.text


def test_an_unknown_run_is_told(client: TestClient) -> None:
    assert client.get("/run-curves?run=copy&run=..%2Fother").status_code == 404


def test_the_curves_end_where_the_history_ends(run_copy: Path) -> None:
    run = run_folder.read(run_copy)
    loss, area = of_epochs([run])
    assert list(loss.lines[0].x) == [1, 2]
    assert loss.lines[0].told == f"{min(loss.lines[0].y):.3f}"
    assert area.y_range[1] <= 1.0
    assert [plot.title for plot in of_scores([run])] == ["ROC curves", "Precision and recall"]
