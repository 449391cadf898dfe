"""The table of presets says what the installed architectures do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zoo.base.recipe import PRESETS
from zoo.base.registry import load_registry
from zoo.network.ensemble import SHIFT
from zoo.training.recipe import input_shape_of, settings

PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text("utf-8")
ROWS = {
    (name, preset): cells
    for name, preset, *cells in re.findall(
        r"^\| `(\w+)` \| `(\w+)` \| (\d+) x (\d+) \| (\d+) \| (.+?) \|$", PAGE, re.MULTILINE
    )
}
OWN = ("alexnet", "efficientnet", "mnist", "scratch")


def test_every_preset_of_every_own_architecture_has_a_row() -> None:
    assert set(ROWS) == {(name, preset) for name in OWN for preset in PRESETS}


@pytest.mark.parametrize(("name", "preset"), sorted(ROWS))
def test_a_row_says_what_is_trained_how_long_and_on_what(name: str, preset: str) -> None:
    architecture = load_registry().architecture(name)
    recipe, _ = settings(architecture, {}, preset)
    height, width, epochs, trained = ROWS[name, preset]
    assert (int(height), int(width)) == input_shape_of(architecture, preset)[:2]
    assert int(epochs) == recipe.epochs
    frozen = bool(architecture.pretrained) and recipe.backbone == "frozen"
    assert trained.startswith("the classifier" if frozen else "everything")


def test_the_page_names_the_strip_that_a_shift_leaves_out() -> None:
    assert f"without {SHIFT:.0%} of".replace("%", " %") in PAGE
