import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from zoo.base.files import write_json
from zoo.runs.result_folder import result_folder, source_of
from zoo.runs.run_folder import Run

RUN = cast(Run, SimpleNamespace(record={"data": {"source": "/trained/on"}}))
FILE = "metrics.json"


def kept(folder: Path, source: str | None, **more: Any) -> Path:
    """Write results on a source as a workflow does, and return where."""
    more = {"own": "test", "ending": "-test", **more}
    with result_folder(folder, RUN, source, FILE, **more) as place:
        write_json(place / FILE, {"source": source_of(RUN, source)})
    return place


@pytest.fixture
def one_and_other(tmp_path: Path) -> tuple[str, str]:
    folders = tmp_path / "one" / "images", tmp_path / "other" / "images"
    for folder in folders:
        folder.mkdir(parents=True)
    return str(folders[0]), str(folders[1])


def test_two_sets_of_one_name_have_places_of_their_own(
    tmp_path: Path, one_and_other: tuple[str, str]
) -> None:
    one, other = one_and_other
    first, second = kept(tmp_path / "kept", one), kept(tmp_path / "kept", other)
    assert (first.name, second.name) == ("images-test", "other-images-test")
    assert kept(tmp_path / "kept", one) == first  # the same source, the same place
    assert kept(tmp_path / "kept", other) == second
    (first / FILE).unlink()
    assert kept(tmp_path / "kept", other) == second, "though the plain name is free now"


def test_where_the_folders_above_are_called_alike_a_digest_tells_them_apart(tmp_path: Path) -> None:
    places = []
    for number in range(4):
        data = tmp_path / str(number) / "set" / "images"
        data.mkdir(parents=True)
        places.append(kept(tmp_path / "kept", str(data)))
        assert kept(tmp_path / "kept", str(data)) == places[-1]
    assert [place.name for place in places[:2]] == ["images-test", "set-images-test"]
    assert len(set(places)) == 4
    assert all(re.fullmatch(r"images-[0-9a-f]{8}-test", place.name) for place in places[2:])


def test_a_long_name_above_is_cut(tmp_path: Path) -> None:
    for number in range(2):
        data = tmp_path / (str(number) + "ä" * 100) / "images"
        data.mkdir(parents=True)
        place = kept(tmp_path / "kept", str(data))
    assert len(place.name.encode()) < 120


def test_a_source_is_the_same_from_every_folder(
    tmp_path: Path, one_and_other: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (f"{source}?patients=none" for source in one_and_other)
    first = kept(tmp_path / "kept", one)
    monkeypatch.chdir(tmp_path / "one")
    assert kept(tmp_path / "kept", "images?patients=none") == first
    monkeypatch.chdir(tmp_path / "other")
    assert (
        kept(tmp_path / "kept", "images?patients=none") == kept(tmp_path / "kept", other) != first
    )
    assert kept(tmp_path / "kept", "images") not in (first, kept(tmp_path / "kept", other))


def test_options_that_are_spelt_alike_are_told_apart(tmp_path: Path) -> None:
    assert kept(tmp_path, "phantom?images=40&size=64") != kept(
        tmp_path, "phantom-images?40=size-64"
    )


@pytest.mark.parametrize("before", ['{"own": false}', "[]", "cut sh"])
def test_what_does_not_say_whose_it_is_is_not_overwritten(tmp_path: Path, before: str) -> None:
    old = tmp_path / "phantom-test" / FILE
    old.parent.mkdir()
    old.write_text(before)
    place = kept(tmp_path, "phantom")
    assert place != old.parent
    assert old.read_text() == before
    assert kept(tmp_path, "phantom") == place


def test_other_data_never_take_the_place_of_the_runs_own(tmp_path: Path) -> None:
    audited = {"own": "own", "ending": ""}
    other = kept(tmp_path, "own", **audited)
    assert kept(tmp_path, None, **audited).name == "own" != other.name
    assert kept(tmp_path, "own", **audited) == other


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_text_has_a_place(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(bytes(tmp_path / "data") + b"\xff"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system takes text alone")
    assert kept(tmp_path / "kept", str(folder)) == kept(tmp_path / "kept", str(folder))
