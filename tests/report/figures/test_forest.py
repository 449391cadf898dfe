from __future__ import annotations

import io

import numpy as np
from PIL import Image

from zoo.report.drawing import Drawing
from zoo.report.figures.forest import ForestRow, forest, forest_row
from zoo.report.figures.probabilities import coverage_figure, decision_figure
from zoo.report.style import BLUE, MUTED, VERMILION

CHANCE = {0.5: "chance"}


def decoded(drawing: Drawing | None) -> np.ndarray:
    assert drawing is not None
    image = Image.open(io.BytesIO(drawing.png()))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def near(picture: np.ndarray, colour: str) -> np.ndarray:
    rgb = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return np.abs(picture.astype(int) - rgb).max(axis=-1) < 12


def test_a_higher_value_lies_further_right() -> None:
    rows = [ForestRow("high", 0.9, 0.85, 0.95), ForestRow("low", 0.6, 0.55, 0.65)]
    blue = near(decoded(forest(rows, "ROC-AUC", lines=CHANCE)), BLUE)
    half = blue.shape[0] // 2
    upper, lower = (np.flatnonzero(part.any(axis=0)).mean() for part in (blue[:half], blue[half:]))
    assert upper > lower + 100


def test_quiet_rows_are_gray_and_an_interval_may_be_missing() -> None:
    loud = decoded(forest([ForestRow("a", 0.8)], "x", lines={}))
    quiet = decoded(forest([ForestRow("a", 0.8, quiet=True)], "x", lines={}))
    assert near(loud, BLUE).sum() > 50
    assert not near(quiet, BLUE).any()
    assert near(quiet, MUTED).sum() > 50


def test_undefined_values_are_left_out() -> None:
    assert forest_row("a", {"value": None, "low": None, "high": None}) is None
    assert forest([None], "x", lines=CHANCE) is None
    row = forest_row("a", {"value": 0.7, "low": 0.6, "high": 0.8})
    alone, beside = (decoded(forest(rows, "x", lines=CHANCE)) for rows in ([row], [None, row]))
    assert np.array_equal(alone, beside)


def test_signs_and_strange_names_can_be_drawn() -> None:
    row = ForestRow("$x_1^ 三 " * 20, -0.02, -0.05, 0.01)
    plain, signed = (
        decoded(forest([row], "difference", lines={0.0: ""}, signed=signed))
        for signed in (False, True)
    )
    assert plain.shape == signed.shape
    assert (plain != signed).any(), "the sign is written"


def test_coverage_marks_the_shares_and_survives_a_wrong_surest_answer() -> None:
    curve = {
        "coverage": [0.01, 0.5, 0.8, 1.0],
        "accuracy": [0.0, 0.99, 0.97, 0.93],
        "images": 100,
        "area": 0.03,
        "at": {"0.8": 0.97, "0.9": None, "1.0": 0.93},
    }
    picture = decoded(coverage_figure(curve))
    assert picture.shape[:2] == (845, 1040)
    assert near(picture, VERMILION).sum() > 50
    unmarked = decoded(coverage_figure(curve | {"at": {}}))
    assert not near(unmarked, VERMILION).any()
    assert coverage_figure(curve | {"coverage": [], "accuracy": []}) is None


def test_decision_axis_is_cut_where_calling_all_falls() -> None:
    threshold = np.arange(1, 100) / 100
    odds = threshold / (1 - threshold)
    curve = {
        "threshold": threshold.tolist(),
        "model": (0.3 - 0.01 * odds).tolist(),
        "all": (0.4 - 0.6 * odds).tolist(),
        "prevalence": 0.4,
    }
    picture = decoded(decision_figure(curve, "$PNEUMONIA$"))
    blue = near(picture, BLUE)[150:]
    assert blue.any(axis=0).sum() > 500, "the network's line is not pressed flat at the top"
    assert np.flatnonzero(blue.any(axis=1)).size > 100
    assert decision_figure(curve | {"prevalence": 0.0}) is None
