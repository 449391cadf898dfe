"""Each promise that the page of plugins says is checked has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zoo.workflows.new_plugin import KINDS, new_plugin

ROOT = Path(__file__).parents[2]
CODE, RECORDS, READERS, METHODS, FORMATS = (
    "base/test_strangers.py",
    "plugins/test_lying_records.py",
    "plugins/test_lying_readers.py",
    "interpret/test_methods.py",
    "base/test_formats.py",
)
PROVEN = {
    "the module can be imported": (CODE, "test_a_plugin_that_hangs_is_named_and_ended"),
    "it prints nothing": (CODE, "test_what_a_plugin_prints_keeps_out_of_the_results"),
    "its hooks are": ("base/test_registry.py", "test_hook_with_unknown_arguments_is_broken"),
    "a name that it gives": (RECORDS, "test_a_name_of_the_project_stays_its_own"),
    "the record of an architecture": (
        RECORDS,
        "test_a_record_that_lies_is_broken_and_the_next_one_is_used",
    ),
    "a network is flat": (
        "plugins/test_strangers.py",
        "test_what_cannot_be_opened_is_refused_before_anything_is_trained",
    ),
    "`parameters` is": (
        "plugins/test_architectures.py",
        "test_it_builds_a_flat_model_with_the_declared_parameters",
    ),
    "a reader raises nothing": (READERS, "test_one_that_fails_is_passed_over_and_named"),
    "a data set has": (READERS, "test_an_index_that_lies_is_refused"),
    "`read`, `mask`": (READERS, "test_what_its_functions_give_is_refused_when_they_give_it"),
    "a method gives one": (METHODS, "test_what_it_gives"),
    "it leaves pixels": (METHODS, "test_pixels_cannot_be_written_to_and_are_put_back"),
    "it leaves the weights": (METHODS, "test_weights_are_put_back"),
    "its maps depend": ("interpret/trust/test_randomisation.py", "test_an_edge_detector_does_not"),
    "an image format has": (FORMATS, "test_a_broken_format_is_listed_and_breaks_nothing_else"),
    "`header` and `read`": (FORMATS, "test_a_format_that_gives_something_else_is_named"),
}
UNCHECKED = ("digests change",)


def promises() -> list[str]:
    page = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    table = page.partition("### Who checks what")[2].partition("\n## ")[0]
    return re.findall(r"^\| (?!promise |---)([^|]+) \|", table, re.MULTILINE)


def test_the_page_and_the_tests_know_the_same_promises() -> None:
    known = [*PROVEN, *UNCHECKED]
    for promise in promises():
        assert len([one for one in known if promise.startswith(one)]) == 1, promise
    assert len(promises()) == len(known)


@pytest.mark.parametrize(("file", "test"), PROVEN.values())
def test_it_has_a_test(file: str, test: str) -> None:
    assert f"def {test}(" in (ROOT / "tests" / file).read_text("utf-8")


WRITTEN = {"explainer": "gradient-times-pixel", "image-format": "plain", "reader": "study-list"}
SCREEN = 60
"""Lines."""


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_shown_whole_on_one_screen(kind: str, tmp_path: Path) -> None:
    if kind in WRITTEN:
        folder = new_plugin(WRITTEN[kind], kind, tmp_path / "package")
        module = folder / f"{WRITTEN[kind].replace('-', '_')}.py"
    else:
        module = ROOT / "docs" / "examples" / "stranger" / "stranger.py"
    code = module.read_text("utf-8")
    assert len(code.splitlines()) < SCREEN
    shown = (ROOT / "docs" / "plugins.md").read_text("utf-8")
    assert f"```python\n{code}```" in shown, f"docs/plugins.md shows another {kind}"
