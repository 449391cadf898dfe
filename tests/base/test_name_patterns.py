"""Names as a shell writes them, and what is near when none matches."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo import UnknownName
from zoo.base.name_patterns import is_pattern, matching
from zoo.base.registry import load_registry

KNOWN = ["alexnet", "efficientnet", "keras:DenseNet121", "keras:ResNet50", "keras:VGG16", "scratch"]
LETTERS = st.text("abN:*?[]-", max_size=8)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("keras:*Net*", ["keras:DenseNet121", "keras:ResNet50"]),
        ("keras:", ["keras:DenseNet121", "keras:ResNet50", "keras:VGG16"]),
        ("*net", ["alexnet", "efficientnet"]),
        ("keras:VGG1?", ["keras:VGG16"]),
        ("[as]*", ["alexnet", "scratch"]),
    ],
)
def test_a_pattern_stands_for_all_that_match(pattern: str, found: list[str]) -> None:
    assert is_pattern(pattern)
    assert matching("architecture", pattern, reversed(KNOWN)) == found


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("keras:*net*", "Capitals count: did you mean 'keras:DenseNet121' or 'keras:ResNet50'"),
        ("keras:ResNt*", "Did you mean 'keras:ResNet50'"),
        ("keras:*VGG", "Did you mean 'keras:VGG16'?"),
        ("zzz*", "Known: alexnet, efficientnet, scratch, keras: (3)."),
    ],
)
def test_a_pattern_that_matches_nothing_names_what_is_near(pattern: str, hint: str) -> None:
    with pytest.raises(UnknownName) as told:
        matching("architecture", pattern, KNOWN)
    assert f"No architecture matches '{pattern}'. {hint}" in str(told.value)


@given(LETTERS, st.lists(LETTERS, max_size=5))
def test_any_text_finds_some_of_the_names_or_is_refused(pattern: str, known: list[str]) -> None:
    try:
        found = matching("name", pattern, known)
    except UnknownName:
        return
    assert found
    assert set(found) <= set(known)


def test_a_plain_name_is_no_pattern_and_stands_for_itself() -> None:
    registry = load_registry()
    assert not is_pattern("keras:VGG16")
    matched = registry.matched(["scratch", "keras:VGG*"])
    assert matched == {"scratch": ["scratch"], "keras:VGG*": ["keras:VGG16", "keras:VGG19"]}
    with pytest.raises(UnknownName, match="Did you mean 'scratch'"):
        registry.matched(["scrach"])
