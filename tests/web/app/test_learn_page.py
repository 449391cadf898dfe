"""The page Learn with the tiny run: nothing is told before a student has committed."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from zoo import DISCLAIMER
from zoo.base.registry import Registry
from zoo.runs.run_folder import Run
from zoo.web.app.learn_page import CASES
from zoo.web.app.site import create
from zoo.web.service.library import Library

LOCAL = "http://127.0.0.1"
SOURCE = "phantom?images=40&size=64&seed=7"


@pytest.fixture(scope="module")
def library(trained: Run, tiny_registry: Registry) -> Iterator[Library]:
    opened = Library(trained.path.parent, registry=tiny_registry)
    yield opened
    opened.close()


@pytest.fixture
def client(library: Library) -> TestClient:
    app = create(library, sources=[SOURCE])
    return TestClient(app, base_url=LOCAL, follow_redirects=False)


def begin(client: TestClient, run: Run, count: int) -> str:
    told = client.post("/learn", data={"run": run.name, "source": SOURCE, "count": count})
    assert told.status_code == 303, told.text
    return str(told.headers["location"]).rpartition("/")[0]


def test_a_lesson_from_its_beginning_to_its_end(client: TestClient, trained: Run) -> None:
    lesson = begin(client, trained, 2)
    before = client.get(f"{lesson}/1")
    assert DISCLAIMER in before.text
    assert "synthetic data" in before.text
    assert "The network" not in before.text
    assert "It is" not in before.text
    assert ".png" not in re.sub(r'href="[^"]*"', "", before.text)  # names tell the class
    plain = client.get(f"{lesson}/1/picture").content
    refused = client.post(f"{lesson}/1", data={"x": "0.5", "y": "0.5"})
    assert refused.status_code == 400
    assert "Choose what you see" in refused.text
    said = trained.class_names[1]
    answer = {"said": said, "x": "0.5", "y": "0.5"}
    assert client.post(f"{lesson}/1", data=answer).status_code == 303
    after = client.get(f"{lesson}/1").text
    assert f"{said}: " in after
    assert "The network" in after
    assert "left: 50.00%" in after
    again = client.post(f"{lesson}/1", data={"said": trained.class_names[0]})
    assert again.status_code == 400
    assert client.post(f"{lesson}/2", data=answer).status_code == 303
    pages = [client.get(f"{lesson}/{number}").text for number in (1, 2)]
    for told in ("Your mark", "The network's map"):  # one of the two has a finding
        assert sum(told in page for page in pages) == 1
    drawn = client.get(f"{lesson}/1/picture").content
    assert (drawn != plain) == ("Your mark" in pages[0])  # a line is around what is found
    end = client.get(lesson).text
    assert "You were right" in end
    assert "Where you differ" in end
    assert DISCLAIMER in end
    assert "Another lesson" in end


def test_what_cannot_be_is_told(client: TestClient, trained: Run) -> None:
    for sent in (
        {"run": "none", "source": SOURCE},
        {"run": trained.name, "source": "0"},
        {"run": trained.name, "source": CASES},
        {"run": trained.name, "source": SOURCE, "count": "0"},
    ):
        told = client.post("/learn", data=sent)
        assert told.status_code == 400
        assert 'role="alert">' in told.text
    lesson = begin(client, trained, 1)
    assert client.get(f"{lesson}/2").status_code == 404
    assert client.post(f"{lesson}/1", data={"said": "x", "x": "a", "y": "b"}).status_code == 400
    other = TestClient(client.app, base_url=LOCAL)
    assert other.get(f"{lesson}/1").status_code == 404


def test_a_deep_file_is_shown_at_the_depth_of_the_run(
    run_copy: Path, tiny_registry: Registry, tmp_path: Path
) -> None:
    record = json.loads((run_copy / "run.json").read_text())
    record["data"]["bits"] = 12
    (run_copy / "run.json").write_text(json.dumps(record))
    ramp = np.tile(np.linspace(0, 4095, 64).astype(np.uint16), (64, 1))
    for number, name in enumerate(record["class_names"]):
        (tmp_path / "deep" / name).mkdir(parents=True)
        Image.fromarray(ramp).save(tmp_path / "deep" / name / f"{number}.png")
    opened = Library(run_copy.parent, registry=tiny_registry)
    app = create(opened, sources=[str(tmp_path / "deep")])
    client = TestClient(app, base_url=LOCAL, follow_redirects=False)
    told = client.post(
        "/learn", data={"run": run_copy.name, "source": str(tmp_path / "deep"), "count": 1}
    )
    picture = client.get(f"{told.headers['location']}/picture").content
    assert np.asarray(Image.open(io.BytesIO(picture))).max() > 250
