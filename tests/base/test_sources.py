from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import InvalidSetting, UnknownName, ZooError, check_options
from zoo.base.registry import load_registry
from zoo.base.sources import absolute, parse, source_slug, split_named


def test_a_plain_location_has_no_options() -> None:
    assert parse("data/chest_xray") == ("data/chest_xray", {})


def test_options_are_read() -> None:
    assert parse("phantom?images=40&seed=1") == ("phantom", {"images": "40", "seed": "1"})


def test_an_empty_value_is_kept() -> None:
    assert parse("a.csv?root=") == ("a.csv", {"root": ""})


def test_an_existing_path_with_a_question_mark_is_a_path(tmp_path: Path) -> None:
    folder = tmp_path / "really?a=b"
    folder.mkdir()
    assert parse(str(folder)) == (str(folder), {})


@pytest.mark.parametrize("source", ["phantom?images", "phantom?images=1&&seed=2", "x?a=1&a=2"])
def test_bad_options_are_refused(source: str) -> None:
    with pytest.raises(InvalidSetting):
        parse(source)


def test_an_overlong_location_is_not_an_accident() -> None:
    assert parse("x" * 10_000 + "?a=1") == ("x" * 10_000, {"a": "1"})
    assert absolute("x" * 10_000) == "x" * 10_000


def test_unknown_options_are_refused_with_the_closest() -> None:
    check_options("csv", {"root": "."}, ("root", "label"))
    with pytest.raises(UnknownName, match=r"csv reader 'rot'\. Did you mean 'root'"):
        check_options("csv", {"rot": "."}, ("root", "label"))


@pytest.mark.parametrize(
    ("text", "split"),
    [("Val", "validation"), (" valid ", "validation"), ("TRAIN", "train"), ("test", "test")],
)
def test_split_names(text: str, split: str) -> None:
    assert split_named(text) == split


@given(st.text())
def test_any_text_is_no_split_or_one_of_three(text: str) -> None:
    assert split_named(text) in (None, "train", "validation", "test")


@given(st.text())
def test_any_text_is_parsed_or_refused_in_words(source: str) -> None:
    try:
        location, _ = parse(source)
    except ZooError:
        return
    assert source.startswith(location)


@given(st.dictionaries(st.text(min_size=1), st.text(), min_size=1))
def test_what_is_written_is_read_back(options: dict[str, str]) -> None:
    assert parse("no such place?" + urlencode(options)) == ("no such place", options)


def test_a_folder_that_is_called_phantom_does_not_hide_the_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "phantom").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_registry().dataset("phantom?images=10&size=64").synthetic


def test_a_regular_expression_may_stand_in_an_option(tmp_path: Path) -> None:
    source = rf"{tmp_path}?patients=(?:id)?(\d+)/&class=[ab]+/(\w+)&subject=a+b"
    location, options = parse(source)
    assert location == str(tmp_path)
    assert options == {"patients": r"(?:id)?(\d+)/", "class": r"[ab]+/(\w+)", "subject": "a b"}


@pytest.mark.parametrize(
    "text",
    ["test_images", "Test Set", "Testing-data", "TEST", "TestData", "testset", "02. Test", "test1",
     "test_224", "X_test", "imagesTs", "test."],
)  # fmt: skip
def test_a_split_may_say_that_it_holds_images(text: str) -> None:
    assert split_named(text) == "test"
    assert split_named(f"no {text}") is None


@pytest.mark.parametrize("text", ["trainval", "Train_Val", "train+val images", "imagesTr"])
def test_images_to_train_and_to_validate_are_divided_anew(text: str) -> None:
    assert split_named(text) == "train"


@pytest.mark.parametrize("text", ["", "images", "set 1", "train_test", "tr", "TS", "test negative"])
def test_what_is_no_split(text: str) -> None:
    assert split_named(text) is None


def test_a_source_with_many_options_has_a_short_name_of_its_own() -> None:
    classes = ",".join(f"Lung_Opacity_{number}:PNEUMONIA" for number in range(60))
    names = {source_slug(f"labels.csv?path=file&classes={classes}{more}") for more in ("", ",a:b")}
    assert len(names) == 2, "what differs far behind counts"
    assert all(name.startswith("labels.csv-path-file-classes-Lung_") for name in names)
    assert max(len(name) for name in names) < 75
    assert len(source_slug(f"{'胸' * 80}.csv?path=file").encode()) < 75
    assert source_slug("phantom?images=40&size=64") == "phantom-images-40-size-64"
