from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import InvalidSetting
from zoo.base.path_rules import is_path_rule, path_rule

NAME = "train/patient7/study1/view2.png"


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        ("folder:1", "train"),
        ("folder:2", "patient7"),
        ("folder:-1", "study1"),
        ("folder:-3", "train"),
        ("folder:4", None),
        ("folder:-4", None),
        (r"(patient\d+)/", "patient7"),
        (r"patient(\d+)/study(\d+)", "7-1"),
        (r"(none)", None),
        (r"(view)?\.png", None),
    ],
)
def test_rules(rule: str, found: str | None) -> None:
    assert is_path_rule(rule)
    assert path_rule(rule)(NAME) == found
    assert path_rule(rule)(NAME.replace("/", "\\")) == found


@pytest.mark.parametrize("rule", ["folder:0", "folder:", "folder:x", "folder:(1)", "(", "a"])
def test_what_is_no_rule_is_refused(rule: str) -> None:
    with pytest.raises(InvalidSetting, match="no rule for paths"):
        path_rule(rule)


@given(st.lists(st.sampled_from(["a", "b", "c"]), max_size=4), st.integers(1, 5))
def test_a_folder_is_the_same_from_both_ends(folders: list[str], place: int) -> None:
    name = "/".join([*folders, "x.png"])
    from_left = path_rule(f"folder:{place}")(name)
    assert from_left == (folders[place - 1] if place <= len(folders) else None)
    if place <= len(folders):
        assert path_rule(f"folder:{place - len(folders) - 1}")(name) == from_left


@given(st.text(max_size=20))
def test_any_text_is_a_rule_or_refused(text: str) -> None:
    try:
        rule = path_rule(text)
    except InvalidSetting:
        return
    assert rule(NAME) is None or rule(NAME)
