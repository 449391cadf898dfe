"""The page Runs: the leaderboard, one run, its mistakes, and what must not be read through it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from zoo.base.digests import digest_file
from zoo.base.files import write_json
from zoo.base.registry import Registry
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.stats import labelled_logits
from zoo.web.app.confusion import confusion_cells
from zoo.web.app.listed_runs import leaderboard_rows
from zoo.web.app.shared import Shared
from zoo.web.app.site import create
from zoo.web.app.words import ELSEWHERE
from zoo.web.service.library import Library

PAGE = "/runs-of-this-folder"
LOCAL = "http://127.0.0.1"


@pytest.fixture
def folder(run_copy: Path) -> Path:
    """A folder with one finished run, called copy."""
    return run_copy.parent


@pytest.fixture
def client(folder: Path, tiny_registry: Registry) -> TestClient:
    app = create(Library(folder, registry=tiny_registry))
    return TestClient(app, base_url=LOCAL, headers={"accept": "text/html"})


def change(path: Path, **changes: object) -> None:
    record = dict(run_folder.read(path).record)
    write_json(path / run_folder.RECORD, {**record, **changes})


def test_the_leaderboard_lists_runs_with_scores_and_intervals(
    client: TestClient, folder: Path
) -> None:
    page = client.get(PAGE)
    assert page.status_code == 200
    run = run_folder.read(folder / "copy")
    score = run.metrics()["test"]["metrics"]["roc_auc"]
    for text in ("copy", "tiny", "synthetic data", f"{score['value']:.3f}", f"{score['low']:.3f}"):
        assert text in page.text


def test_the_leaderboard_begins_with_the_greatest_area(folder: Path) -> None:
    shutil.copytree(folder / "copy", folder / "better")
    run = run_folder.read(folder / "better")
    scores = run.metrics()
    for name, value in (("copy", 0.6), ("better", 0.9)):
        scores["test"]["metrics"]["roc_auc"] |= {"value": value, "low": None, "high": None}
        write_json(folder / name / run_folder.METRICS, scores)
    shutil.copytree(folder / "copy", folder / "broken")
    (folder / "broken" / run_folder.METRICS).unlink()
    made = leaderboard_rows(run_folder.listing(folder))
    assert [row["name"] for row in made] == ["better", "copy", "broken"]
    assert made[-1]["cells"][0]["text"] == "damaged"


def test_without_runs_it_says_what_to_do(tmp_path: Path, tiny_registry: Registry) -> None:
    app = create(Library(tmp_path, registry=tiny_registry))
    page = TestClient(app, base_url=LOCAL).get(PAGE)
    assert page.status_code == 200
    assert "Train one on the page Train" in page.text


def test_an_unfinished_run_is_offered_to_be_resumed(client: TestClient, folder: Path) -> None:
    shutil.copytree(folder / "copy", folder / "half")
    change(folder / "half", status=run_folder.TRAINING)
    page = client.get(PAGE).text
    assert 'action="/train/resume"' in page
    assert 'value="half"' in page
    watched = client.get(f"{PAGE}/half")
    assert watched.url.path == "/train/run/half"
    assert 'action="/train/resume"' in watched.text
    refused = client.get(f"{PAGE}/half/card")
    assert refused.status_code == 404
    assert "is not finished" in refused.text


def test_a_run_that_cannot_be_read_is_listed_with_its_reason(
    client: TestClient, folder: Path
) -> None:
    shutil.copytree(folder / "copy", folder / "bad")
    record = dict(run_folder.read(folder / "bad").record)
    write_json(folder / "bad" / run_folder.RECORD, {**record, "created": 5})
    page = client.get(PAGE).text
    assert ">copy</a>" in page
    assert "Cannot be read" in page
    assert str(folder) not in page
    assert "created&#39;: input should be a valid string (it is 5)" in page


def test_one_run_shows_scores_matrix_and_pictures(client: TestClient, folder: Path) -> None:
    page = client.get(f"{PAGE}/copy")
    assert page.status_code == 200
    for text in ("Sensitivity", "Confusion matrix", "Learning curves", "Calibration"):
        assert text in page.text
    assert page.text.count('<svg class="figure"') == 2
    assert not ELSEWHERE.search(re.sub("<[^>]+>", "", page.text))
    (folder / "copy" / run_folder.HISTORY).unlink()
    assert client.get(f"{PAGE}/copy").text.count('<svg class="figure"') == 1


def test_what_holds_a_run_back_stands_first(client: TestClient, run_copy: Path) -> None:
    scores = run_folder.read(run_copy).metrics()
    scores["test"]["operating_point"] |= {"recall": 0.99, "false_positive_rate": 0.6}
    scores["test"]["curves"][0]["roc"] = {"x": [0, 0.1, 1], "y": [0, 0.9, 1]}
    write_json(run_copy / run_folder.METRICS, scores)
    page = client.get(f"{PAGE}/copy").text
    said = page.partition("What holds it back")[2].partition("What to believe")[0]
    assert "Threshold. Sensitivity 0.990 and specificity 0.400 on the test part, " in said
    assert "The threshold from validation does not fit the test part" in said
    assert "On the test part sensitivity is" in page.partition("What to believe")[2]


def test_the_model_card_may_run_nothing(client: TestClient, folder: Path) -> None:
    (folder / "copy" / run_folder.CARD).write_text("<script>alert(1)</script>Card")
    card = client.get(f"{PAGE}/copy/card")
    assert card.text.endswith("Card")
    policy = card.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "sandbox" in policy


def test_a_link_out_of_the_run_is_not_followed(
    client: TestClient, folder: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.html"
    secret.write_text("a secret")
    for name in (run_folder.CARD, run_folder.CURVES):
        (folder / "copy" / name).unlink()
        (folder / "copy" / name).symlink_to(secret)
    assert "a secret" not in client.get(f"{PAGE}/copy/card").text
    assert b"a secret" not in client.get(f"{PAGE}/copy/{run_folder.CURVES}").content


@pytest.mark.parametrize(
    "path",
    [
        "..%2fsecret",
        "%2e%2e",
        "..%5csecret",
        "copy%2f..%2f..%2fsecret",
        "%2fetc",
        "x" * 5000,
        "%00",
    ],
)
def test_names_are_compared_and_never_made_a_path(
    client: TestClient, folder: Path, path: str
) -> None:
    shutil.copytree(folder / "copy", folder.parent / "secret")
    for place in ("", "/card", "/answers/0/0"):
        answer = client.get(f"{PAGE}/{path}{place}")
        assert answer.status_code in (200, 404)
        assert answer.status_code == 404 or "<h1>Runs</h1>" in answer.text
        assert "Traceback" not in answer.text


def keep(path: Path, answers: labelled_logits.LabelledLogits, file: str) -> None:
    """Write answers as a training does, with their digest in the record."""
    labelled_logits.save(path / file, answers)
    files = run_folder.read(path).record["files"]
    change(path, files={**files, file: digest_file(path / file)})


def hand_made(path: Path, file: str = run_folder.TESTED) -> None:
    """Write answers to six images: by the threshold 0.5, four right and two wrong."""
    certainty = np.array([0.1, 0.2, 0.9, 0.8, 0.6, 0.3])
    logits = np.log(np.stack([1 - certainty, certainty], 1)).astype(np.float32)
    labels = np.array([0, 0, 1, 1, 0, 1])
    names = np.array([f"image {number}" for number in range(6)])
    keep(path, labelled_logits.LabelledLogits(logits, labels, names, names), file)
    kept = run_folder.read(path).record["operating_point"]
    change(
        path,
        operating_point={**kept, "threshold": 0.5},
        calibration={"temperature": 1.0, "fitted on": "validation"},
    )


def test_the_matrix_counts_what_the_run_answers(run_copy: Path) -> None:
    hand_made(run_copy)
    found = confusion_cells(run_folder.read(run_copy))
    assert found.part == "test"
    assert found.confusion() == [[2, 1], [1, 2]]
    assert found.cell(0, 1).tolist() == [4]
    assert found.cell(1, 1).tolist() == [2, 3]  # the surest first


def test_the_matrix_of_a_run_is_that_of_its_scores(trained: Run) -> None:
    found = confusion_cells(trained)
    assert found.confusion() == trained.metrics()[found.part]["confusion"]


@pytest.mark.parametrize("there", [True, False])
def test_without_answers_to_the_test_part_that_a_digest_vouches_for_it_says_so(
    client: TestClient, run_copy: Path, there: bool
) -> None:
    if not there:
        (run_copy / run_folder.TESTED).unlink()
    files = dict(run_folder.read(run_copy).record["files"])
    del files[run_folder.TESTED]
    change(run_copy, files=files)
    hand_made(run_copy, run_folder.VALIDATION)
    assert "The validation part, 6 images" in client.get(f"{PAGE}/copy").text


def test_a_cell_shows_its_images(client: TestClient, folder: Path) -> None:
    found = confusion_cells(run_folder.read(folder / "copy"))
    true, said = np.argwhere(np.array(found.confusion()) > 0)[0].tolist()
    total = found.confusion()[true][said]
    page = client.get(f"{PAGE}/copy/answers/{true}/{said}")
    assert page.status_code == 200
    assert page.text.count("data:image/jpeg;base64,") == min(24, total)  # synthetic: always open


def test_a_cell_is_shown_in_pages(client: TestClient, run_copy: Path) -> None:
    names = np.array([f"image {number}" for number in range(30)])
    logits = np.tile(np.array([[3, -3]], np.float32), (30, 1))
    answers = labelled_logits.LabelledLogits(logits, np.zeros(30, np.int64), names, names)
    keep(run_copy, answers, run_folder.TESTED)
    first = client.get(f"{PAGE}/copy/answers/0/0").text
    second = client.get(f"{PAGE}/copy/answers/0/0?page=2").text
    assert "image 23" in first
    assert "image 24" not in first
    assert "image 29" in second
    assert "page=2" in first
    assert "page=3" not in second
    assert client.get(f"{PAGE}/copy/answers/0/0?page=3").status_code == 404


@pytest.mark.parametrize(
    "cell", ["2/0", "0/9", "-1/0", "0/-1", "x/0", "0/0?page=0", "9" * 400 + "/0"]
)
def test_a_cell_that_is_none_is_told(client: TestClient, cell: str) -> None:
    answer = client.get(f"{PAGE}/copy/answers/{cell}")
    assert answer.status_code in (404, 422)
    assert 'role="alert"' in answer.text


def test_pictures_of_data_that_were_not_named_stay_closed(
    client: TestClient, run_copy: Path, class_folders: Path, tiny_registry: Registry
) -> None:
    data = run_folder.read(run_copy).record["data"]
    change(run_copy, data={**data, "source": str(class_folders), "synthetic": True})
    hand_made(run_copy)
    known = labelled_logits.load(run_copy / run_folder.TESTED)
    names = np.array([s.name for s in tiny_registry.dataset(str(class_folders)).samples][:6])
    answers = labelled_logits.LabelledLogits(known.logits, known.labels, names, names)
    keep(run_copy, answers, run_folder.TESTED)
    closed = client.get(f"{PAGE}/copy/answers/0/0").text
    assert "Only names are shown" in closed
    assert "data:image" not in closed
    assert str(class_folders) not in closed

    opened = create(Library(run_copy.parent, registry=tiny_registry), [str(class_folders)])
    shown = TestClient(opened, base_url=LOCAL).get(f"{PAGE}/copy/answers/0/0").text
    assert shown.count("data:image/jpeg;base64,") == 2


def test_a_source_is_open_when_it_or_a_folder_around_it_was_named(
    tmp_path: Path, tiny_registry: Registry
) -> None:
    inside, beside = tmp_path / "data" / "part", tmp_path / "data-of-others"
    for path in (inside, beside):
        path.mkdir(parents=True)
    (tmp_path / "data" / "way-out").symlink_to(beside)
    named = f"{tmp_path / 'data'}?patients=none"
    shared = Shared(Library(tmp_path, registry=tiny_registry), None, None, (named, "phantom"), None)  # type: ignore[arg-type]
    opened = [str(tmp_path / "data"), str(inside), f"{inside}?patients=prefix", "phantom?images=80"]
    assert all(map(shared.is_open, opened))
    closed = [str(beside), str(tmp_path), str(tmp_path / "data" / "way-out"), "/etc", "elsewhere"]
    assert not any(map(shared.is_open, closed))


def test_damaged_answers_and_scores_are_told(client: TestClient, run_copy: Path) -> None:
    (run_copy / run_folder.TESTED).write_bytes(b"no archive")
    assert "cannot be read" in client.get(f"{PAGE}/copy").text
    cell = client.get(f"{PAGE}/copy/answers/0/0")
    assert cell.status_code == 404
    assert "cannot be read" in cell.text
    (run_copy / run_folder.METRICS).write_text("{}")
    page = client.get(f"{PAGE}/copy")
    assert page.status_code == 404
    assert "cannot be read" in page.text
