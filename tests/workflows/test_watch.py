"""A watched folder: each image is answered once, over any number of starts, and none is lost."""

from __future__ import annotations

import csv
import json
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from zoo import BadInput, InvalidSetting, Skipped
from zoo.base.errors import NotWritten
from zoo.cli import main
from zoo.data import arrivals
from zoo.runs.run_folder import Run
from zoo.workflows.answer_log import AnswerLog
from zoo.workflows.incoming import Answered, answer_incoming
from zoo.workflows.predict import Prediction, answering
from zoo.workflows.watch import watch

CLASSES = ("NORMAL", "PNEUMONIA, bacterial")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "SETTLED", 0.0)
    monkeypatch.setattr(arrivals, "PATIENCE", 0.0)


def picture(path: Path, shade: int = 0) -> None:
    Image.new("L", (40, 30), shade).save(path)


def answers(paths: Sequence[Path]) -> Iterator[Prediction | Skipped]:
    for path in paths:
        if b"broken" in path.read_bytes():
            yield Skipped(str(path), f"'{path.name}' is broken, \"quite\"")
        else:
            shares = dict(zip(CLASSES, (0.25, 0.75), strict=True))
            yield Prediction(str(path), CLASSES[1], CLASSES[1], "", "", 0.5, shares)


def some(folder: Path, count: int, **given: Any) -> list[Answered]:
    """Watch until so many were answered, and one look longer."""
    ended, found = threading.Event(), []
    for one in answer_incoming(folder, answers, pause=0.01, ended=ended, **given):
        found.append(one)
        if len(found) >= count:
            threading.Timer(0.1, ended.set).start()
    return found


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
def test_a_log_goes_on_where_it_ends(tmp_path: Path, name: str) -> None:
    folder, path = tmp_path / "in", tmp_path / "out" / name
    folder.mkdir()
    picture(folder / "a.png")
    (folder / "b.png").write_bytes(b"broken")
    log = AnswerLog(path, "run-1", CLASSES)
    for one in some(folder, 2):
        log.append(one)
    with path.open("ab") as file:
        file.write(b'{"half": "a li')  # as a power failure leaves it
    picture(folder / "c.png")
    again = AnswerLog(path, "run-1", CLASSES)
    assert set(again.done) == {"a.png", "b.png"}
    (third,) = some(folder, 1, done=again.done)
    again.append(third)
    text = path.read_text()
    if name.endswith(".csv"):
        rows: list[dict[str, Any]] = list(csv.DictReader(text.splitlines()))
        assert [row["PNEUMONIA, bacterial"] for row in rows] == ["0.75", "", "0.75"]
    else:
        rows = [json.loads(line) for line in text.splitlines()]
        assert rows[0]["probabilities"] == {CLASSES[0]: 0.25, CLASSES[1]: 0.75}
    assert [row["image"] for row in rows] == ["a.png", "b.png", "c.png"]
    assert [bool(row["error"]) for row in rows] == [False, True, False]
    with pytest.raises(InvalidSetting, match="another run"):
        AnswerLog(path, "run-2", CLASSES)


@pytest.mark.parametrize("name", ["answers.csv", "answers.jsonl"])
@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x1c", "\r", "\n", '"'], ids=ascii)
def test_a_name_may_hold_what_ends_a_line_elsewhere(tmp_path: Path, name: str, mark: str) -> None:
    arrival = arrivals.Arrival(f"a{mark}b.png", tmp_path / "a.png", (3, 4), final=True)
    answered = Answered(arrival, Skipped("a.png", f"'a{mark}b.png' is broken"))
    AnswerLog(tmp_path / name, "run-1", CLASSES).append(answered)
    assert AnswerLog(tmp_path / name, "run-1", CLASSES).done == {arrival.name: (3, 4)}


def test_a_log_that_is_none_is_left_as_it_is(tmp_path: Path) -> None:
    for name, text in (("a.csv", "path,label\na,b\n"), ("a.txt", "hello\n"), ("b.txt", "[1]\n")):
        (tmp_path / name).write_text(text)
        with pytest.raises(InvalidSetting, match="Name another file"):
            AnswerLog(tmp_path / name, "run", CLASSES)
        assert (tmp_path / name).read_text() == text
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(NotWritten):
        AnswerLog(tmp_path / "folder.csv", "run", CLASSES)
    AnswerLog(tmp_path / "new.csv", "run", CLASSES)
    assert not AnswerLog(tmp_path / "new.csv", "run", CLASSES).done


def test_there_must_be_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="to watch"):
        next(answer_incoming(tmp_path / "none", answers))


def test_a_folder_that_goes_away_is_waited_for(tmp_path: Path) -> None:
    folder, ended = tmp_path / "in", threading.Event()
    folder.mkdir()
    picture(folder / "a.png")
    found = answer_incoming(folder, answers, pause=0.01, ended=ended)
    assert next(found).arrival.name == "a.png"
    (folder / "a.png").unlink()
    folder.rmdir()

    def come_back() -> None:
        folder.mkdir()
        picture(folder / "b.png")

    threading.Timer(0.1, come_back).start()
    assert next(found).arrival.name == "b.png"
    ended.set()
    assert list(found) == []


def test_a_run_answers_to_what_comes(trained: Run, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 90)
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    found = {
        Path(one.name).name: one
        for one in answering(trained, engine="keras")([tmp_path / "a.png", tmp_path / "b.png"])
    }
    assert isinstance(found["b.png"], Skipped)
    (again,) = answering(trained, engine="keras")([tmp_path / "a.png"])
    assert isinstance(again, Prediction)
    assert again == found["a.png"]


def test_from_python_a_log_goes_on_where_it_ends(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zoo.workflows.watch.answering", lambda *_, **__: answers)
    (tmp_path / "in").mkdir()
    picture(tmp_path / "in" / "a.png")

    def first() -> Answered:
        return next(watch(str(tmp_path / "in"), trained, log=tmp_path / "log.csv", pause=0.01))

    assert first().arrival.name == "a.png"
    picture(tmp_path / "in" / "b.png", 1)
    assert first().arrival.name == "b.png"
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text("utf-8").splitlines()))
    assert [row["image"] for row in rows] == ["a.png", "b.png"]


def test_the_command_prints_and_appends(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "a.png")
    log = tmp_path / "log.jsonl"

    def once(folder: Path, _: Any, **given: Any) -> list[Answered]:
        return some(folder, 1, done=given["done"])

    monkeypatch.setattr("zoo.workflows.watch.answer_incoming", once)
    monkeypatch.setattr("zoo.workflows.watch.answering", lambda *_, **__: answers)
    given = ["predict", "--runs", str(trained.path.parent), "--watch", str(tmp_path)]
    told = CliRunner().invoke(main, [*given, "--log", str(log)])
    assert told.exit_code == 0, told.output
    assert told.stdout == "a.png: PNEUMONIA, bacterial (75.0%)\n"
    assert json.loads(log.read_text())["run"] == trained.name
    for wrong in (
        [*given, "--json"],
        [*given, "x", "y"],
        ["predict"],
        ["predict", "x", "--log", "y"],
    ):
        told = CliRunner().invoke(main, wrong)
        assert told.exit_code == 2
        assert "Traceback" not in told.output
