from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import InvalidSetting, UnknownName
from zoo.base.class_names import chosen_classes, fold, merged, renamed


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NORMAL", "normal"),
        ("No_Finding", "no finding"),
        ("COVID-19", "covid 19"),
        ("0", "0.0"),
        ("1", "01"),
        ("1,0", "1"),
        ("café", "cafe\u0301"),
        (" a ", "a"),
    ],
)
def test_names_of_one_class(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    known, note = merged([one, one, other])
    assert known == {one: one, other: one}
    assert note.startswith("Taken as one class: ")


@pytest.mark.parametrize(
    ("one", "other"), [("1", "-1"), ("a+", "a-"), ("1.5", "1"), ("10", "1"), ("", "-"), ("é", "e")]
)
def test_names_of_two_classes(one: str, other: str) -> None:
    assert fold(one) != fold(other)
    assert merged([one, other]) == ({one: one, other: other}, "")


def test_names_that_look_alike_are_spelt_out() -> None:
    _, note = merged(["café", "café", unicodedata.normalize("NFD", "café")])
    assert note == "Taken as one class: 'cafe\\u0301' as 'café'."


@given(st.lists(st.text(max_size=6)))
def test_each_name_is_known_by_one_that_is_there(names: list[str]) -> None:
    known, _ = merged(names)
    assert set(known) == set(names)
    assert all(chosen in known and fold(name) == fold(chosen) for name, chosen in known.items())
    assert len(set(known.values())) == len(set(map(fold, names)))


def test_chosen_classes() -> None:
    assert chosen_classes({}) is None
    assert chosen_classes({"classes": "b, a"}) == {"b": "b", "a": "a"}
    chosen = chosen_classes({"classes": "0:well,1:ill,2:ill"})
    assert chosen == {"0": "well", "1": "ill", "2": "ill"}
    assert renamed(chosen, ["0.0", "1.0", "2", "3"], "label") == {
        "0.0": "well",
        "1.0": "ill",
        "2": "ill",
    }
    with pytest.raises(UnknownName, match="label '2'"):
        renamed(chosen, ["0", "1"], "label")
    with pytest.raises(InvalidSetting, match="at least two, each label once"):
        chosen_classes({"classes": "a"})
