"""The numbers of the tutorial have marks, between which its script puts what it measured."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS.joinpath("tutorial.md").read_text("utf-8")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("tutorial")


def test_page_and_script_name_the_same_numbers(script: ModuleType) -> None:
    assert set(script.MARKED.findall(PAGE)) == script.NAMES
    assert PAGE.count("<!--/-->") == len(script.MARKED.findall(PAGE))


def test_a_mark_never_begins_a_line_of_text() -> None:
    """Markdown would take the whole line as HTML."""
    assert not re.findall(r"^<!--(?!alarm-->$|/-->$).*", PAGE, re.MULTILINE)


def test_what_was_measured_is_filled_in(script: ModuleType) -> None:
    told = {name: f"MEASURED {name}" for name in script.NAMES}
    page = script.filled(PAGE, told)
    assert all(text in page for text in told.values())
    assert script.SOURCE in page
    assert script.ELSEWHERE in page
    assert f"stress(run, images={script.STRESSED})" in page
    assert script.filled(page, told) == page
