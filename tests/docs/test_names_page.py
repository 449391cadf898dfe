"""The page of names says what the program says now."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from types import ModuleType

import pytest

from zoo.base.registry import load_registry
from zoo.base.strangers import is_own

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "names.md"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    return importlib.import_module("generate_names")


def test_it_is_what_the_program_says(script: ModuleType) -> None:
    assert script.page() == PAGE.read_text("utf-8"), "python docs/generate_names.py writes it again"


def test_every_name_of_the_registry_is_on_it() -> None:
    page, registry = PAGE.read_text("utf-8"), load_registry()
    given = [*registry.architectures, *registry.explainers]
    missing = [n for n in given if is_own(registry.origins[n]) and f"`{n}`" not in page]
    assert not missing


def test_every_variable_that_the_code_reads_is_explained() -> None:
    code = "".join(path.read_text("utf-8") for path in ROOT.joinpath("zoo").rglob("*.py"))
    explained = re.findall(r"^\| `(ZOO_\w+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert set(explained) == set(re.findall(r"\"(ZOO_[A-Z_]+)\"", code))
    assert set(explained) >= set(re.findall(r"\bZOO_[A-Z_]*[A-Z]\b", code))


def test_every_exit_code_of_a_command_is_explained(script: ModuleType) -> None:
    from zoo import cli
    from zoo.cli import check, doctor, plugin

    found = {check.FOUND_ERRORS, doctor.FOUND_BROKEN, plugin.MISFITS}
    codes = {0, *found, cli.USER_ERROR, cli.INTERRUPTED}
    assert {int(code) for code in script.EXIT_CODES} == codes
