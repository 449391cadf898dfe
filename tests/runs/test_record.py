from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo import DamagedRun
from zoo.runs import run_folder
from zoo.runs.record import NEEDED, RECORD, read_record
from zoo.runs.run_folder import Run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("record")


def changed(record: Any, place: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy with another value at a place; `...` takes it away."""
    record = copy.deepcopy(record)
    inner = record
    for step in place[:-1]:
        inner = inner[step]
    if value is ...:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return record


def read(folder: Path, record: Any) -> Any:
    (folder / RECORD).write_text(json.dumps(record))
    return read_record(folder / RECORD)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("created",), 5, r"'created': input should be a valid string \(it is 5\)"),
        (("status",), "finished", "the status 'finished'"),
        (("class_names",), ["NORMAL"], "'class_names'"),
        (("class_names",), ["A", "A"], "named twice"),
        (("positive",), 2, "the positive class is 2, of 2 classes"),
        (("positive",), True, "'positive'"),
        (("input_shape",), [64, 64], "'input_shape'"),
        (("input_shape",), [64, 0, 3], "'input_shape.1'"),
        (("input_shape", 0), 64.5, "'input_shape.0'"),
        (("calibration", "temperature"), 0, "'calibration.temperature'"),
        (("calibration", "temperature"), "1", "'calibration.temperature'"),
        (("operating_point", "threshold"), 1.5, "'operating_point.threshold'"),
        (("gate", "limit"), -1, "'gate.limit'"),
        (("gate", "neighbours"), ..., "'gate.neighbours'"),
        (("gate", "neighbors"), 5, "'neighbors', which means nothing"),
        (("decision", "limits"), [0.5], "another number of limits"),
        (("decision", "class_names"), ["B", "A"], "other classes"),
        (("decision", "confidenbe"), 0.9, "'confidenbe', which means nothing"),
        (("alarms",), [{"kind": "collapse"}], "'alarms.0.message'"),
        (("splits", "train", "classes"), [1, 1], "not those of its classes"),
        (("splits", "test"), ..., "'splits.test'"),
        (("recipe", "class_weights"), ..., "'recipe.class_weights'"),
        (("files",), {}, "no digest of 'model.keras'"),
        (("files",), ..., "'files'"),
        (("files", "../../etc/passwd"), "00", "'files"),
        (("files", "test.npz"), 5, r"'files.test\.npz'"),
    ],
)
def test_what_is_no_record_is_told(
    trained: Run, folder: Path, place: tuple[str, ...], value: Any, said: str
) -> None:
    with pytest.raises(DamagedRun, match=said):
        read(folder, changed(trained.record, place, value))


@pytest.mark.parametrize("name", NEEDED)
def test_each_file_that_is_needed_has_a_digest(trained: Run, folder: Path, name: str) -> None:
    with pytest.raises(DamagedRun, match=f"no digest of '{name}'"):
        read(folder, changed(trained.record, ("files", name), ...))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(trained: Run, folder: Path, number: str) -> None:
    text = json.dumps(changed(trained.record, ("gate", "limit"), "HERE"))
    (folder / RECORD).write_text(text.replace('"HERE"', number))
    with pytest.raises(DamagedRun):
        read_record(folder / RECORD)


def test_a_record_that_never_ends_is_told(folder: Path) -> None:
    (folder / RECORD).write_text("[" * 100_000)
    with pytest.raises(DamagedRun, match="cannot be read"):
        read_record(folder / RECORD)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@settings(max_examples=200)
@given(data=st.data(), value=VALUES)
def test_whatever_stands_in_a_record_ends_in_a_run_or_in_a_sentence(
    trained: Run, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, value: Any
) -> None:
    record = trained.record
    place: tuple[str, ...] = (data.draw(st.sampled_from(sorted(record))),)
    while isinstance(inner := _at(record, place), dict) and inner and data.draw(st.booleans()):
        place = (*place, data.draw(st.sampled_from(sorted(inner))))
    path = tmp_path_factory.getbasetemp() / "any"
    path.mkdir(exist_ok=True)
    (path / RECORD).write_text(json.dumps(changed(dict(record), place, value)))
    try:
        run = run_folder.read(path)
    except DamagedRun:
        return
    assert run.class_names
    if run.done:
        assert run.temperature > 0
        assert run.threshold is None or 0 <= run.threshold <= 1
        assert list(run.alarms) is not None
    assert isinstance(run.bits, int)
    assert isinstance(run.record.get("created", ""), str)


def _at(record: Any, place: tuple[str, ...]) -> Any:
    for step in place:
        record = record[step]
    return record
