"""Notes, names and the trash in the browser: the same functions as on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from holding import held_elsewhere
from starlette.testclient import TestClient

from zoo.base.files import write_json
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.web.app.site import create
from zoo.web.service.library import Library
from zoo.workflows.manage_runs import note_of, trash

PAGE = "/runs-of-this-folder"
LOCAL = "http://127.0.0.1"


@pytest.fixture
def folder(run_copy: Path) -> Path:
    """A folder with one finished run, called copy."""
    return run_copy.parent


def client_of(folder: Path, registry: Registry, *only: str) -> TestClient:
    app = create(Library(folder, registry=registry, only=only))
    return TestClient(app, base_url=LOCAL, headers={"accept": "text/html"})


@pytest.fixture
def client(folder: Path, tiny_registry: Registry) -> TestClient:
    return client_of(folder, tiny_registry)


def test_a_note_stands_on_the_page_as_text(client: TestClient, folder: Path) -> None:
    page = client.post(f"{PAGE}/copy/note", data={"text": "<b>best</b>\nso far"})
    assert page.status_code == 200
    assert "&lt;b&gt;best&lt;/b&gt;\nso far" in page.text
    assert note_of(run_folder.read(folder / "copy")) == "<b>best</b>\nso far"
    refused = client.post(f"{PAGE}/copy/note", data={"text": "x" * 4001})
    assert refused.status_code == 400
    assert "4,001 characters" in refused.text


def test_a_run_is_renamed_and_found_by_its_new_name(client: TestClient, folder: Path) -> None:
    page = client.post(f"{PAGE}/copy/rename", data={"new": "kept"})
    assert page.url.path == f"{PAGE}/kept"
    assert page.status_code == 200
    assert client.get(f"{PAGE}/copy").status_code == 404
    for wrong in ("", "../out", "a b", ".x"):
        refused = client.post(f"{PAGE}/kept/rename", data={"new": wrong})
        assert refused.status_code == 400
        assert "cannot be the name" in refused.text
    assert [path.name for path in folder.iterdir()] == ["kept"]


def test_what_was_removed_is_brought_back_by_undo(client: TestClient, folder: Path) -> None:
    page = client.post(f"{PAGE}/copy/remove")
    assert page.status_code == 200
    assert "was moved to the trash" in page.text
    assert ">Undo</button>" in page.text
    assert client.get("/compare").text.count('name="runs"') == 0
    again = client.post(f"{PAGE}/restore", data={"name": "copy"})
    assert "was moved to the trash" not in again.text
    assert run_folder.open_run("copy", folder).done


def test_the_trash_is_emptied_by_a_button(client: TestClient, folder: Path) -> None:
    client.post(f"{PAGE}/copy/remove")
    assert "Empty the trash" in client.get(PAGE).text
    assert "Empty the trash" not in client.post(f"{PAGE}/empty").text
    assert trash(folder) == []


def test_what_was_loaded_of_a_removed_run_is_dropped(folder: Path, tiny_registry: Registry) -> None:
    library = Library(folder, registry=tiny_registry)
    client = TestClient(create(library), base_url=LOCAL)
    library.engine("copy")
    client.post(f"{PAGE}/copy/rename", data={"new": "kept"})
    assert library.loaded == ()
    assert library.default == "kept"


def test_an_address_names_no_path(client: TestClient, folder: Path) -> None:
    for name in ("..", "%2e%2e", ".trash", "none"):
        assert client.post(f"{PAGE}/{name}/remove").status_code in (404, 405)
    assert (folder / "copy" / run_folder.RECORD).exists()


def test_where_runs_were_chosen_their_names_stay(folder: Path, tiny_registry: Registry) -> None:
    client = client_of(folder, tiny_registry, "copy")
    assert "Remove the run" not in client.get(f"{PAGE}/copy").text
    for what, fields in (("rename", {"new": "x"}), ("remove", {})):
        refused = client.post(f"{PAGE}/copy/{what}", data=fields)
        assert refused.status_code == 400
        assert "--run" in refused.text
    assert [path.name for path in folder.iterdir()] == ["copy"]


def test_another_site_changes_nothing(client: TestClient, folder: Path) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    assert client.post(f"{PAGE}/copy/remove", headers=headers).status_code == 403
    assert (folder / "copy" / run_folder.RECORD).exists()


def test_a_run_in_training_is_watched_not_resumed_and_never_removed(
    client: TestClient, folder: Path
) -> None:
    record = dict(run_folder.read(folder / "copy").record)
    write_json(folder / "copy" / run_folder.RECORD, {**record, "status": run_folder.TRAINING})
    with held_elsewhere(folder / "copy"):
        for page in (PAGE, "/train"):
            text = client.get(page).text
            assert 'href="/train/run/copy"' in text
            assert "in training now, not started here" in text
            assert 'value="copy"' not in text
        watched = client.get("/train/run/copy")
        assert "not started here" in watched.text
        assert ">Stop</button>" not in watched.text
        told = client.get("/train/run/copy/state").json()
        assert (told["state"], told["resumable"], told["alive"]) == ("running", False, True)
        assert len(told["rows"]) == 2
        refused = client.post("/train/resume", data={"name": "copy"})
        assert refused.status_code == 400
        assert "another process" in refused.text
        removed = client.post(f"{PAGE}/copy/remove")
        assert removed.status_code == 400
        assert "in training" in removed.text
    assert client.get("/train/run/copy/state").json()["resumable"]
    assert 'action="/train/resume"' in client.get(PAGE).text
    assert client.post(f"{PAGE}/copy/remove").status_code == 200


def test_when_a_training_is_done_next_steps_are_offered(client: TestClient) -> None:
    page = client.get("/train/run/copy").text
    assert f"{PAGE}/copy#stress" in page
    assert "/train?preset=best&amp;run=copy&amp;architecture=tiny" in page
    form = client.get("/train?preset=best&run=copy&architecture=tiny").text
    assert 'value="tiny" required checked' in form
    assert '<option value="best" selected>' in form
