"""The section of scores by group says who falls behind, and what cannot be told."""

from __future__ import annotations

import string
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from zoo.report.figures.groups import group_forest
from zoo.report.pages.belief import group_statement
from zoo.report.pages.evaluation import evaluation_page
from zoo.report.pages.groups import _file, group_sections
from zoo.report.tables import gap_text, group_table
from zoo.stats.groups import by_group
from zoo.stats.metrics import classification_metrics

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&.jpeg"
NAMES = ("NORMAL", "PNEUMONIA")


def result_of(groups: np.ndarray, order: list[str], column: str = "view") -> dict[str, Any]:
    """Scores that are poor in the group AP."""
    rng = np.random.default_rng(0)
    labels = np.arange(len(groups)) % 2
    chance = expit((labels - 0.5) * np.where(groups == "AP", 0.3, 4) + rng.normal(size=len(groups)))
    asked = (labels, np.stack([1 - chance, chance], axis=1), np.array([str(i) for i in labels]))
    people = np.array([f"p{place}" for place in range(len(groups))])
    found = by_group(*asked[:2], people, groups.tolist(), NAMES, 1, column=column, order=order)
    return {
        **classification_metrics(*asked[:2], people, NAMES, 1, resamples=50),
        "curves": [],
        "groups": [found],
    }


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    groups = np.repeat(["AP", "PA", "LL", ""], [150, 150, 1, 20])
    return result_of(groups, ["AP", "LL", "PA"])


def test_every_column_has_figures_of_its_own() -> None:
    columns = ("device/model", "software/model", "device_model", "view?", "a?b=c&b=d", "view")
    groups = [{"column": column} for column in columns]
    names = {_file(found, "roc_auc") for found in groups}
    assert len(names) == len(columns)
    assert "roc_auc-by-view" in names
    assert all(set(name) <= {*string.ascii_letters, *string.digits, *"_-."} for name in names)


def test_the_page_names_the_group_that_falls_behind(result: dict[str, Any], shown: Shown) -> None:
    text = evaluation_page(result, title="a run")
    words = shown(text)
    believed = words.partition("What to believe")[2].partition("How well it does")[0]
    assert "for &#39;PA&#39;: AP falls behind" in believed
    section = words.partition(" By view ")[2]
    assert "best for &#39;PA&#39;, worst for &#39;AP&#39;" in section
    assert "Widest gap" in section
    assert "LL No image of PNEUMONIA. 1 1 patient 0 %" in section
    assert "unknown Not known which group these belong to" in section
    assert text.count("<svg ") >= 3
    for picture in ("ROC-AUC", "Sensitivity", "Specificity"):
        assert f"{picture} by view" in section


def test_without_groups_there_is_no_section(result: dict[str, Any], shown: Shown) -> None:
    for groups in ([], None):
        assert "By view" not in shown(evaluation_page({**result, "groups": groups}, title="a run"))


def test_names_of_groups_are_escaped(shown: Shown) -> None:
    groups = np.repeat([EVIL, "AP"], 30)
    evil = result_of(groups, ["AP", EVIL], column=EVIL)
    shown(evaluation_page(evil, title="a run"))


def test_a_card_has_the_numbers_without_pictures(result: dict[str, Any]) -> None:
    [section] = group_sections(result["groups"], "PNEUMONIA", where=", test")
    assert section["title"] == "By view, test"
    assert section["figures"] == []
    assert [row["name"] for row in section["rows"]] == ["AP", "LL", "PA", "unknown", "Widest gap"]
    assert all(len(row["cells"]) == len(section["headings"]) for row in section["rows"])


def test_nothing_to_compare_is_said() -> None:
    [found] = result_of(np.repeat(["AP"], 40), ["AP"])["groups"]
    assert group_statement(found) == "There are no two groups that can be compared."
    equal = result_of(np.repeat(["PA", "LL"], 60), ["LL", "PA"])["groups"][0]
    assert "No group is shown to fall behind another." in group_statement(equal)


def test_the_table_of_the_terminal(result: dict[str, Any]) -> None:
    lines = group_table(result["groups"][0]).splitlines()
    assert lines[0].split() == [
        "By", "view", "images", "patients", "ROC-AUC", "Sensitivity", "Specificity",
    ]  # fmt: skip
    assert [line.split()[0] for line in lines[1:6]] == ["AP", "LL", "PA", "unknown", "widest"]
    assert "LL: No image of PNEUMONIA." in lines
    gap = {"value": 0.25, "low": -0.01, "high": 0.5}
    assert gap_text(gap) == ("0.250", "-0.010 to +0.500")
    assert gap_text(gap | {"low": None}) == ("0.250", "")
    assert gap_text(None) == ("-", "")


def test_a_group_that_is_not_compared_is_drawn_in_another_colour(result: dict[str, Any]) -> None:
    found, overall = result["groups"][0], result["metrics"]["roc_auc"]
    drawn = group_forest(found, "roc_auc", overall)
    metric = found["groups"][0]["metrics"]["roc_auc"]
    entry = found["groups"][0]
    quiet = {**entry, "metrics": {**entry["metrics"], "roc_auc": metric | {"compared": False}}}
    other = group_forest({**found, "groups": [quiet, *found["groups"][1:]]}, "roc_auc", overall)
    assert drawn is not None
    assert other is not None
    assert drawn.png() != other.png()
    nothing = {"value": None, "low": None, "high": None}
    undefined = {**entry, "metrics": {"roc_auc": nothing | {"compared": False}}}
    assert group_forest({**found, "groups": [undefined]}, "roc_auc", nothing) is None
