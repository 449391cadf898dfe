"""`zoo compare` takes backbones of many papers side by side, with weights that need no download."""

from __future__ import annotations

import importlib
import itertools
from pathlib import Path
from types import ModuleType

import pytest

from zoo import load_registry

DOCS = Path(__file__).parents[2] / "docs"
WRITTEN = DOCS.joinpath("backbones.md").read_text("utf-8")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """What writes the table of the documentation."""
    monkeypatch.syspath_prepend(str(DOCS))
    return importlib.import_module("backbones")


def test_they_are_of_eight_papers_at_least(script: ModuleType) -> None:
    registry = load_registry()
    assert len({registry.architecture(name).reference for name in script.NAMES}) >= 6
    assert len(set(script.NAMES)) >= 8


def test_the_page_shows_the_command_and_a_row_for_each(script: ModuleType) -> None:
    block = WRITTEN.partition(script.BEGIN)[2].partition(script.END)[0]
    assert block.startswith(script.shown())
    if "|---|" in block:
        assert all(f"| `{name}` |" in block for name in script.NAMES)


@pytest.mark.slow
def test_the_command_compares_each_with_each(script: ModuleType) -> None:
    found = script.result("--epochs", "1")
    assert {entry["name"] for entry in found["entries"]} == set(script.NAMES)
    pairs = {frozenset((pair["a"], pair["b"])) for pair in found["pairs"]}
    assert pairs == set(map(frozenset, itertools.combinations(script.NAMES, 2)))
    assert found["synthetic"]
    assert found["baselines"]
    assert all(f"| `{name}` |" in script.rows(found) for name in script.NAMES)
