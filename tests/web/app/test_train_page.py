"""The page Train: real processes that are started, watched, stopped, found again and resumed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from holding import held_elsewhere
from starlette.testclient import TestClient

from zoo import Architecture, InvalidSetting, hookimpl
from zoo.base.files import write_json
from zoo.base.registry import Registry, load_registry
from zoo.runs import run_folder
from zoo.web.app import processes, trainings
from zoo.web.app.processes import birth, lives
from zoo.web.app.site import create
from zoo.web.app.training_state import FAILED, FINISHED, LATER, RUNNING, STOPPED, STOPPING
from zoo.web.app.trainings import Training, Trainings
from zoo.web.service.library import Library

Until = Callable[[Callable[[], Any]], Any]
LOCAL = "http://127.0.0.1"
SECONDS = 600
"""As long as only a mistake takes, however busy the machine is."""
SOURCE = "phantom?images=80&size=64"
WAITS = "import time; print('at work', flush=True); time.sleep(600)"
NOBODY = 2**22 + 1
"""A number that no process gets."""
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); " + WAITS
FORM = {"architecture": "scratch", "source": SOURCE, "epochs": "1", "size": "64"}


@pytest.fixture
def stands_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Let every training be a Python program of a few words instead, and end it afterwards."""
    started: list[psutil.Process] = []
    popen = subprocess.Popen

    def become(program: str) -> None:
        def start(command: list[str], **options: Any) -> Any:
            assert command[1:3] == ["-m", "zoo.cli"]
            process = popen([sys.executable, "-c", program], **options)
            started.append(psutil.Process(process.pid))
            return process

        monkeypatch.setattr(processes.subprocess, "Popen", start)

    yield become
    for process in started:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert not psutil.wait_procs(started, SECONDS)[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def client(folder: Path, tiny_registry: Registry) -> TestClient:
    app = create(Library(folder, registry=tiny_registry), [SOURCE])
    return TestClient(app, base_url=LOCAL, headers={"accept": "text/html"})


def ended(folder: Path, log: str, run: str = "", asked: bool = False) -> Training:
    """Write down a training whose process is gone."""
    training = Training(
        id="abc",
        title="tiny",
        arguments=("train", "tiny"),
        pid=NOBODY,
        born=1.0,
        run=run,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    kept = folder / trainings.FOLDER
    kept.mkdir(parents=True, exist_ok=True)
    write_json(kept / "abc.json", {**vars(training), "arguments": list(training.arguments)})
    (kept / "abc.log").write_text(log)
    if asked:
        (kept / "abc.stop").touch()
    return training


def half(run_copy: Path) -> None:
    """Make a finished run one that was killed after its epochs."""
    record = dict(run_folder.read(run_copy).record)
    write_json(run_copy / run_folder.RECORD, {**record, "status": run_folder.TRAINING})


def test_a_process_is_known_by_its_number_and_birth() -> None:
    born = birth(os.getpid())
    assert born
    assert lives(os.getpid(), born)
    assert not lives(os.getpid(), born - 10)
    assert birth(NOBODY) is None
    assert not lives(NOBODY, born)


def test_the_page_offers_what_is_installed(client: TestClient) -> None:
    page = client.get("/train")
    assert page.status_code == 200
    for text in ("Two convolutions.", "phantom?images=80&amp;size=64", "None yet."):
        assert text in page.text


class AfarPlugin:
    """A plugin whose network needs a download."""

    __name__ = "afar_plugin"

    @hookimpl
    def zoo_architectures(self) -> list[Architecture]:
        return [
            Architecture(
                name="afar",
                summary="Its weights are elsewhere.",
                build=lambda input_shape, num_classes: None,
                parameters=1,
                input_shape=(64, 64, 3),
                offline=False,
            )
        ]


def test_what_needs_a_download_is_folded_away_until_it_is_chosen(folder: Path) -> None:
    library = Library(folder, registry=load_registry(AfarPlugin()))
    client = TestClient(create(library), base_url=LOCAL)
    before, _, folded = client.get("/train").text.partition('<details class="more">')
    assert 'value="afar"' not in before
    assert 'value="afar"' in folded
    assert 'value="scratch"' in before
    chosen = client.get("/train?architecture=afar").text
    assert '<details class="more" open>' in chosen
    assert 'value="afar" required checked' in chosen
    library.close()


def test_a_preset_is_chosen_and_the_one_that_was_chosen_stays(client: TestClient) -> None:
    def options(page: str) -> list[str]:
        (choice,) = re.findall(r'(?s)<select id="preset".*?</select>', page)
        return re.findall(r'value="(\w+)"( selected)?', choice)

    plain = [("fast", ""), ("default", " selected"), ("best", "")]
    assert options(client.get("/train").text) == plain
    refused = client.post("/train", data={**FORM, "preset": "best", "epochs": "0"})
    assert refused.status_code == 400
    assert options(refused.text) == [("fast", ""), ("default", ""), ("best", " selected")]


def test_a_preset_is_passed_on_and_another_word_refused(
    client: TestClient, folder: Path, stands_in: Callable[[str], None]
) -> None:
    refused = client.post("/train", data={**FORM, "preset": "quick"})
    assert refused.status_code == 400
    assert "preset" in refused.text
    assert not (folder / trainings.FOLDER).exists()
    stands_in(WAITS)
    client.post("/train", data={**FORM, "preset": "fast"}, follow_redirects=False)
    told = json.loads(next((folder / trainings.FOLDER).glob("*.json")).read_text())
    start = ["train", "scratch", "--data", SOURCE, "--preset", "fast", "--input", "64"]
    assert told["arguments"][:8] == start


def test_a_training_is_started_watched_and_stopped(
    client: TestClient, folder: Path, stands_in: Callable[[str], None], until: Until
) -> None:
    stands_in(WAITS)
    answer = client.post("/train", data=FORM, follow_redirects=False)
    assert answer.status_code == 303
    place = answer.headers["location"]
    until(lambda: "at work" in client.get(f"{place}/state").json()["log"])
    state = client.get(f"{place}/state").json()
    assert state["state"] == RUNNING
    assert state["alive"]
    assert "scratch on phantom" in client.get(place).text

    second = client.post("/train", data=FORM)
    assert second.status_code == 400
    assert "only one training runs at a time" in second.text

    client.post(f"{place}/stop")
    state = until(lambda: (s := client.get(f"{place}/state").json()) and not s["alive"] and s)
    assert state["state"] == STOPPED
    assert not state["resumable"]  # there is no run yet
    told = json.loads(next((folder / trainings.FOLDER).glob("*.json")).read_text())
    expected = ["train", "scratch", "--data", SOURCE, "--input", "64", "--epochs", "1"]
    assert told["arguments"] == [*expected, "--runs", str(folder)]


@pytest.fixture
def deaf(
    folder: Path, stands_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, until: Until
) -> Callable[[float], Training]:
    """Start a training that does not hear Ctrl-C; it is ended after some seconds of patience."""

    def started(patience: float) -> Training:
        stands_in(DEAF)
        monkeypatch.setattr(processes.stop, "__defaults__", (patience,))
        known = Trainings(folder)
        training = known.start("deaf", ["train", "tiny"])
        until(lambda: "at work" in known.log(training))
        return training

    return started


def test_one_that_does_not_hear_is_stopping(
    folder: Path, deaf: Callable[[float], Training]
) -> None:
    known, training = Trainings(folder), deaf(SECONDS)
    known.stop(training)
    assert known.state(known.find(training.id)).state == STOPPING


def test_one_that_does_not_hear_is_ended(
    folder: Path, deaf: Callable[[float], Training], until: Until
) -> None:
    known = Trainings(folder)
    known.stop(deaf(0.5))
    until(lambda: not known.alive())


def test_the_children_of_one_are_ended_with_it(
    folder: Path, stands_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    stands_in(
        f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {DEAF!r}]); "
        "print(child.pid, flush=True); child.wait()"
    )
    monkeypatch.setattr(processes.stop, "__defaults__", (0.5,))
    known = Trainings(folder)
    training = known.start("with a child", ["train", "tiny"])
    until(lambda: "at work" in known.log(training))
    child = int(next(line for line in known.log(training) if line.isdecimal()))
    assert birth(child) is not None
    known.stop(training)
    until(lambda: birth(child) is None)
    until(lambda: not known.alive())


def test_who_looked_before_stop_does_not_take_it_back(
    run_copy: Path, folder: Path, deaf: Callable[[float], Training]
) -> None:
    known, training = Trainings(folder), deaf(SECONDS)
    seen = known.find(training.id)
    record = {**run_folder.read(run_copy).record, "command": ["zoo", "train", "tiny"]}
    write_json(run_copy / run_folder.RECORD, {**record, "created": training.started})
    known.stop(known.find(training.id))
    assert known.state(seen).run == "copy"  # which it writes down
    later = known.find(training.id)
    assert later.run == "copy"
    assert known.state(later).state == STOPPING


def test_no_password_is_told_to_a_training(
    folder: Path, stands_in: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setenv("ZOO_AUTH", "user:secret")
    stands_in("import os; print('ZOO_AUTH' in os.environ)")
    known = Trainings(folder)
    training = known.start("tiny", ["train", "tiny"])
    until(lambda: not known.alive())
    assert known.log(training) == ["False"]


def test_it_goes_on_when_the_application_ends_and_is_found_again(
    folder: Path, until: Until
) -> None:
    program = (
        "import sys, pathlib; from zoo.web.app import processes\n"
        "from zoo.web.app.trainings import *\n"
        f"processes.sys.executable = {str(folder.parent / 'python')!r}\n"
        "t = Trainings(pathlib.Path(sys.argv[1])).start('long', ['train', 'tiny'])\n"
        "import psutil; psutil.Process().kill()\n"
    )
    stand_in = folder.parent / "python"
    stand_in.write_text("#!/bin/sh\necho at work\nexec sleep 600\n")
    stand_in.chmod(0o755)
    killed = subprocess.run([sys.executable, "-c", program, str(folder)], check=False)  # noqa: S603
    assert killed.returncode
    known = Trainings(folder)
    (training,) = known.alive()
    assert known.state(training).state == RUNNING
    with pytest.raises(InvalidSetting, match="only one training runs at a time"):
        known.start("another", ["train", "tiny"])
    known.stop(training)
    until(lambda: not known.alive())
    assert known.state(known.find(training.id)).state == STOPPED


def test_its_run_is_the_first_that_the_same_command_made_after_it(
    client: TestClient, run_copy: Path
) -> None:
    folder = run_copy.parent
    half(run_copy)
    training = ended(folder, "")
    soon = (datetime.now(UTC) + timedelta(seconds=1)).isoformat(timespec="seconds")
    for name, command, created in (
        ("other", ["zoo", "train", "tiny", "--epochs", "2"], soon),
        ("older", ["zoo", "train", "tiny"], "2020-01-01T00:00:00+00:00"),
        ("mine", ["zoo", "train", "tiny"], soon),
    ):
        shutil.copytree(run_copy, folder / name)
        record = dict(run_folder.read(folder / name).record)
        write_json(
            folder / name / run_folder.RECORD, {**record, "command": command, "created": created}
        )
    state = Trainings(folder).state(training)
    assert state.run == "mine"
    assert state.resumable
    assert [row["epoch"] for row in state.rows] == [1, 2]
    assert (state.epoch, state.epochs) == (2, 2)
    assert state.synthetic
    assert Trainings(folder).find("abc").run == "mine"  # remembered


def test_one_that_failed_does_not_take_the_run_of_the_next(run_copy: Path) -> None:
    folder = run_copy.parent
    half(run_copy)
    failed = ended(folder, "Error: the disk is full.")
    later = datetime.now(UTC) + timedelta(seconds=1)
    record = {**vars(failed), "id": "def", "started": later.isoformat(timespec="seconds")}
    write_json(folder / trainings.FOLDER / "def.json", record)
    told = dict(run_folder.read(run_copy).record)
    created = (later + timedelta(seconds=5)).isoformat(timespec="seconds")
    told |= {"command": ["zoo", "train", "tiny"], "created": created}
    write_json(run_copy / run_folder.RECORD, told)
    known = Trainings(folder)
    assert known.state(failed).run == ""
    assert known.state(known.find("def")).run == "copy"


def test_one_that_goes_on_elsewhere_is_not_offered_to_be_resumed(run_copy: Path) -> None:
    half(run_copy)
    training = ended(run_copy.parent, "Stopped.", run="copy")
    known = Trainings(run_copy.parent)
    assert known.state(training).resumable
    with held_elsewhere(run_copy):
        state = known.state(training)
        assert not state.resumable
        assert "Another process" in state.sentence
        assert "Resume" not in state.sentence


@pytest.mark.parametrize(
    ("log", "asked", "state", "sentence"),
    [
        (
            "reading\nError: The data have 1 fault:\n  a copy\nMend them.\n",
            False,
            FAILED,
            "The data have 1 fault:\n  a copy\nMend them.",
        ),
        (
            "Traceback (most recent call last):\n  File 'x'\nValueError: 3\n",
            False,
            FAILED,
            "A mistake of the program",
        ),
        ("epoch 1\nStopped.\n", False, STOPPED, "It was stopped."),
        ("epoch 1\n", True, STOPPED, "It was stopped."),
        ("epoch 1\n", False, STOPPED, "without a word"),
    ],
)
def test_how_it_ended_is_told(
    folder: Path, log: str, asked: bool, state: str, sentence: str
) -> None:
    found = Trainings(folder).state(ended(folder, log, asked=asked))
    assert found.state == state
    assert sentence in found.sentence
    assert not any("File 'x'" in line for line in found.log)


def test_a_finished_run_is_told_with_its_alarms(run_copy: Path) -> None:
    record = dict(run_folder.read(run_copy).record)
    alarms = [{"kind": "collapse", "message": "All are one.", "remedy": "Look."}]
    write_json(run_copy / run_folder.RECORD, {**record, "alarms": alarms})
    training = ended(run_copy.parent, "Warning: told earlier\n", run="copy")
    state = Trainings(run_copy.parent).state(training)
    assert state.state == FINISHED
    assert state.alarms == ["All are one. Look."]
    assert not state.resumable
    half(run_copy)
    assert Trainings(run_copy.parent).state(training).alarms == ["told earlier"]


def test_figures_that_are_no_numbers_are_left_out(client: TestClient, run_copy: Path) -> None:
    (run_copy / run_folder.HISTORY).write_text(
        "epoch,phase,loss,val_loss\n1,head,nan,inf\n2,head,1,2\n"
    )
    folder = run_copy.parent
    ended(folder, "", run="copy")
    app = create(Library(folder), [])
    rows = TestClient(app, base_url=LOCAL).get("/train/abc/state").json()["rows"]
    assert [row["loss"] for row in rows] == [None, 1.0]
    assert TestClient(app, base_url=LOCAL).get("/train/abc").status_code == 200


def test_a_killed_run_is_resumed(
    run_copy: Path, tiny_registry: Registry, stands_in: Callable[[str], None]
) -> None:
    stands_in(WAITS)
    folder = run_copy.parent
    client = TestClient(create(Library(folder, registry=tiny_registry)), base_url=LOCAL)
    refused = client.post("/train/resume", data={"name": "copy"})
    assert refused.status_code == 400
    assert "is finished" in refused.json()["error"]
    half(run_copy)
    answer = client.post("/train/resume", data={"name": "copy"}, follow_redirects=False)
    assert answer.status_code == 303
    (training,) = Trainings(folder).alive()
    assert training.arguments == ("train", "--resume", str(run_copy), "--runs", str(folder))
    assert training.run == "copy"
    page = client.get("/runs-of-this-folder").text
    assert f'href="/train/{training.id}"' in page  # watched, not resumed twice
    assert 'action="/train/resume"' not in page


def test_while_one_is_trained_no_other_is_offered_to_be_resumed(
    run_copy: Path, tiny_registry: Registry, stands_in: Callable[[str], None]
) -> None:
    stands_in(WAITS)
    folder = run_copy.parent
    half(run_copy)
    stopped = ended(folder, "Stopped.", run="copy")
    client = TestClient(create(Library(folder, registry=tiny_registry)), base_url=LOCAL)
    offers = ("/train", "/runs-of-this-folder", "/train/run/copy", f"/train/{stopped.id}")
    for page in offers[:2]:
        assert 'action="/train/resume"' in client.get(page).text
    known = Trainings(folder)
    known.start("other", ["train", "scratch"])
    for page in offers[:2]:
        text = client.get(page).text
        assert 'action="/train/resume"' not in text
        assert "when the training that runs now has ended" in text
    for page in offers[2:]:
        told = client.get(f"{page}/state").json()
        assert not told["resumable"]
        assert told["sentence"].endswith(LATER)
    refused = client.post("/train/resume", data={"name": "copy"})
    assert refused.status_code == 400
    assert "only one training runs" in refused.text


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("architecture", "scrach", "Did you mean"),
        ("architecture", "../../etc", "There is no architecture"),
        ("source", "0", "There is no data set"),
        ("source", "/etc", "There is no data set"),
        ("epochs", "0", "expected at least 1"),
        ("epochs", "many", "expected a whole number"),
        ("seed", "-1", "expected at least 0"),
        ("size", "5", "cannot be used"),
        ("size", "--data=/etc", "cannot be used"),
    ],
)
def test_wrong_settings_are_told_and_what_was_typed_is_kept(
    client: TestClient, folder: Path, field: str, value: str, sentence: str
) -> None:
    page = client.post("/train", data={**FORM, field: value})
    assert page.status_code == 400
    assert sentence in page.text
    assert not list(folder.glob(f"{trainings.FOLDER}/*"))
    if field == "size":
        assert f'value="{value}"' in page.text


@pytest.mark.parametrize("name", ["../copy", "..", "/etc", "", ".trainings", "x" * 150])
def test_only_runs_of_the_folder_are_resumed(client: TestClient, name: str) -> None:
    answer = client.post("/train/resume", data={"name": name})
    assert answer.status_code == 404
    assert 'role="alert"' in answer.text


@pytest.mark.parametrize("key", ["..%2fabc", "%2e%2e", "abc.json", "x", "x" * 3000, "%00"])
def test_only_trainings_of_the_folder_are_shown(client: TestClient, folder: Path, key: str) -> None:
    ended(folder, "a secret")
    shutil.copy(folder / trainings.FOLDER / "abc.json", folder.parent / "abc.json")
    for method, path in (("get", ""), ("get", "/state"), ("post", "/stop")):
        answer = client.request(method, f"/train/{key}{path}")
        assert answer.status_code in (404, 405)
        assert "a secret" not in answer.text


def test_another_site_cannot_start_or_stop(client: TestClient, folder: Path) -> None:
    ended(folder, "")
    headers = {"origin": "http://evil.example"}
    for path in ("/train", "/train/resume", "/train/abc/stop"):
        assert client.post(path, data=FORM, headers=headers).status_code == 403
    assert client.get("/train/abc/stop").status_code in (404, 405)


def test_what_was_not_written_here_is_left_out(folder: Path) -> None:
    training = ended(folder, "")
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", '{"id": "c"}')):
        (folder / trainings.FOLDER / name).write_text(text)
    assert Trainings(folder).all() == [training]


def test_the_command_line_runs_as_a_module() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "zoo.cli", "--version"], capture_output=True, text=True, check=True
    )
    assert told.stdout.startswith("xray-zoo")
