from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.report.drawing import Drawing
from zoo.report.figures.comparison import model_forest, pair_forest, training_dots
from zoo.report.pages.comparison import (
    comparison_page,
    duration,
    left_out_note,
    statements,
    told_pairs,
)

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&"


def area(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def entry(name: str, value: float, trainings: int = 6) -> dict[str, Any]:
    spread = np.linspace(-0.02, 0.02, trainings)
    return {
        "name": name,
        "parameters": {"total": 3413026, "trainable": 2562},
        "seconds": 70.4,
        "roc_auc": area(value),
        "accuracy": area(0.913),
        "balanced_accuracy": area(0.907),
        "sensitivity": area(0.951),
        "specificity": area(0.863),
        "calibration_error": 0.0213,
        "brier": 0.0654,
        "spread": 0.0061,
        "cells": [
            {"seed": i % 2, "fold": i // 2, "roc_auc": value + d, "accuracy": 0.9, "seconds": 11.7}
            for i, d in enumerate(spread)
        ],
    }


def pair(a: str, b: str, value: float) -> dict[str, Any]:
    return {
        "a": a,
        "b": b,
        "difference": {"value": value, "low": value - 0.01, "high": value + 0.01},
        "p_auc": 0.0002,
        "p_auc_holm": 0.0314,
        "accuracy_difference": 0.008,
        "discordant": [41, 33],
        "p_accuracy": 0.416,
        "p_accuracy_holm": 0.832,
        "sentence": f"{a} ranks images better than {b}.",
    }


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "schema": 1,
        "kind": "folds",
        "data": {"source": "xrays", "images": 5232, "patients": 3669, "folds": 3, "seeds": 2},
        "budget": None,
        "stopped": [],
        "left_out": [],
        "positive": "PNEUMONIA",
        "class_names": ["NORMAL", "PNEUMONIA"],
        "entries": [entry("efficientnet", 0.968), entry("scratch", 0.941)],
        "baselines": [
            {"name": "file", "title": "file: width, height", "roc_auc": area(0.83)},
            {"name": "border", "title": "border: the outer rim", "roc_auc": area(0.75)},
        ],
        "pairs": [pair("efficientnet", "scratch", 0.027)],
        "notes": ["The source's own test part was left alone."],
        "command": ["zoo", "compare", "--data", "my data"],
        "synthetic": False,
    }


def test_leaderboard_pairs_and_command_are_told(result: dict[str, Any], shown: Shown) -> None:
    text = comparison_page(result)
    words = shown(text)
    for expected in (
        "2 architectures, each trained 6 times: 3 folds by patient, 2 random starts.",
        "5,232 images of 3,669 patients from xrays. PNEUMONIA is the class looked for.",
        "1 efficientnet 0.968 0.958-0.978 0.907",
        "0.021 0.065 0.0061 3,413,026 70 s",
        "file baseline 0.830 0.820-0.840",
        "efficientnet - scratch +0.027 +0.017 to +0.037 &lt; 0.001 0.031 +0.008 41 / 33",
        "efficientnet ranks images better than scratch.",
        "(file: width, height) reaches a ROC-AUC of 0.830 (0.820-0.840); efficientnet reaches",
        "The source&#39;s own test part was left alone.",
        "zoo compare --data &#39;my data&#39;",
    ):
        assert expected in words, expected
    assert text.count("<svg ") == 3
    assert "synthetic data" not in words


def test_three_classes_are_said_to_be_averaged(result: dict[str, Any], shown: Shown) -> None:
    words = shown(comparison_page(result | {"class_names": ["A", "B", "PNEUMONIA"]}))
    assert "means over the classes, each against the rest" in words
    assert "the class looked for" not in words


def test_who_was_left_out_is_named_with_the_reason(result: dict[str, Any], shown: Shown) -> None:
    assert "Left out" not in shown(comparison_page(result))
    gone = result | {"left_out": [{"name": "keras:VGG16", "reason": "Its <weights> are missing."}]}
    words = shown(comparison_page(gone))
    assert "their networks cannot be used here. keras:VGG16: Its &lt;weights&gt; are" in words
    assert left_out_note(gone) == ["Left out, since they cannot be used here: keras:VGG16."]


def test_who_was_stopped_early_has_no_rank(result: dict[str, Any], shown: Shown) -> None:
    stopped = {
        "name": "alexnet",
        "reason": "worse",
        "trainings": 1,
        "planned": 6,
        "seconds": 30.0,
        "roc_auc": area(0.8),
        "leader": "efficientnet",
        "difference": {"value": -0.17, "low": -0.2, "high": -0.14},
        "p": 0.001,
        "sentence": "alexnet was stopped after 1 of 6 trainings.",
    }
    missed = stopped | {"name": "mnist", "trainings": 0, "sentence": "mnist was not trained."}
    missed |= {"roc_auc": None, "difference": None, "leader": None, "p": None, "seconds": 0}
    budget = {"seconds": 60.0, "spent": 61.0, "trainings": 4}
    words = shown(comparison_page(result | {"stopped": [stopped, missed], "budget": budget}))
    for expected in (
        "2 architectures, each trained 4 of 6 times: 3 folds by patient, 2 random starts.",
        "No more fitted into the budget.",
        "alexnet 1 of 6 0.800 0.790-0.810 -0.170 -0.200 to -0.140 30 s",
        "mnist 0 of 6 - - 0 s",
        "alexnet was stopped after 1 of 6 trainings.",
    ):
        assert expected in words, expected
    assert "1 efficientnet" in words
    assert "3 alexnet" not in words


def test_of_many_pairs_those_of_the_first_are_told(result: dict[str, Any], shown: Shown) -> None:
    names = "abcdef"
    result["entries"] = [entry(name, 0.9 - 0.01 * i) for i, name in enumerate(names)]
    result["pairs"] = [pair(a, b, 0.01) for i, a in enumerate(names) for b in names[i + 1 :]]
    assert [(p["a"], p["b"]) for p in told_pairs(result)] == [("a", b) for b in "bcdef"]
    words = shown(comparison_page(result))
    assert "a ranks images better than f." in words
    assert "b ranks images better than f." not in words
    assert "e - f +0.010" in words


NO_INTERVAL = {"value": 0.5, "low": None, "high": None}


@pytest.mark.parametrize(
    ("first", "baseline", "words"),
    [
        (NO_INTERVAL, 0.629, "Highest: scratch with a ROC-AUC of 0.500, which is not shown to"),
        (NO_INTERVAL, 0.4, "be better than chance: none is the best."),
        (area(0.505), 0.4, "(0.495-0.515), which is not shown to be better than chance: none is"),
        (area(0.7), 0.75, "not shown to be better than the baseline border: none is the best."),
        (area(0.7), 0.685, "not shown to be better than the baseline border: none is the best."),
        (area(0.7), 0.6, "Best: scratch with a ROC-AUC of 0.700 (0.690-0.710)."),
    ],
)
def test_only_what_is_above_chance_and_its_baselines_is_the_best(
    result: dict[str, Any], first: dict[str, Any], baseline: float, words: str
) -> None:
    lungs = {"name": "lungs", "title": "lungs", "roc_auc": area(0.99)}
    border = {"name": "border", "title": "border", "roc_auc": area(baseline)}
    alone = entry("scratch", 0.5) | {"roc_auc": first}
    found = result | {"entries": [alone], "pairs": [], "baselines": [border, lungs]}
    told = " ".join(f"{heading}: {sentence}" for heading, sentence in statements(found))
    assert words in told
    assert told.count("Best:") == words.count("Best:")


def test_what_is_not_above_chance_has_no_rank(result: dict[str, Any], shown: Shown) -> None:
    entries = [entry("a", 0.9), entry("b", 0.6), entry("c", 0.5) | {"roc_auc": NO_INTERVAL}]
    entries[1]["roc_auc"] = area(0.6, 0.2)
    words = shown(comparison_page(result | {"entries": entries, "pairs": []}))
    board = words[words.index("Leaderboard") :]
    assert "1 a 0.900" in board
    assert not re.search(r"\d b 0\.600|\d c 0\.500", board)
    assert board.index("a 0.900") < board.index("b 0.600") < board.index("c 0.500")


def test_order_of_the_entries_is_kept(result: dict[str, Any], shown: Shown) -> None:
    words = shown(comparison_page(result))
    board = words[words.index("Leaderboard") :]
    assert board.index("efficientnet") < board.index("scratch") < board.index("file baseline")


def test_runs_have_no_folds_and_may_lack_figures(result: dict[str, Any], shown: Shown) -> None:
    lone = entry("a-run", 0.9, trainings=1) | {"parameters": None, "seconds": None, "spread": None}
    nothing = {"value": None, "low": None, "high": None}
    undefined = lone | {"name": "b-run", "roc_auc": nothing}
    bare = result | {
        "kind": "runs",
        "entries": [lone, undefined],
        "baselines": [],
        "pairs": [],
        "command": [],
        "notes": [],
        "synthetic": True,
    }
    text = comparison_page(bare)
    words = shown(text)
    assert "2 finished runs on the same images." in words
    assert "Pair by pair" not in words
    assert "The command" not in words
    assert "synthetic data" in words
    assert "1 a-run" in words
    assert "b-run -" in words
    assert text.count("<svg ") == 1, "one dot a model says no more than the forest plot"


def test_names_are_escaped(result: dict[str, Any], shown: Shown) -> None:
    evil = result | {
        "entries": [entry(EVIL, 0.9), entry("b", 0.8)],
        "pairs": [pair(EVIL, "b", 0.1)],
        "baselines": [{"name": EVIL, "title": EVIL, "roc_auc": area(0.7)}],
        "notes": [EVIL],
        "command": [EVIL, EVIL],
        "positive": EVIL,
        "data": result["data"] | {"source": EVIL},
    }
    shown(comparison_page(evil, title=EVIL, information={EVIL: EVIL}))


def test_figures_grow_with_their_rows(result: dict[str, Any]) -> None:
    def height(drawing: Drawing | None) -> int:
        assert drawing is not None
        image = Image.open(io.BytesIO(drawing.png()))
        assert image.format == "PNG"
        assert image.width == 1040, "5.2 inches: large text on a phone"
        return image.height

    more = result | {"entries": [*result["entries"], entry("third", 0.9)]}
    assert height(model_forest(more)) > height(model_forest(result))
    assert height(training_dots(more["entries"])) > height(training_dots(result["entries"]))
    assert height(pair_forest([pair("a", "b", 0.1)])) < height(pair_forest(result["pairs"] * 4))
    assert pair_forest([]) is None
    assert training_dots([entry("once", 0.9, trainings=1)]) is None


def test_many_seeds_are_drawn_without_a_legend() -> None:
    few = entry("few", 0.9)
    many = few | {"cells": [cell | {"seed": i} for i, cell in enumerate(few["cells"] * 2)]}
    without, having = training_dots([many]), training_dots([few])
    assert without is not None
    assert having is not None
    assert "seed 0" in having.svg("dots")
    assert "seed 0" not in without.svg("dots")


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (8.4, "8 s"), (960.5, "16.0 min"), (12000.0, "3.3 h")]
)
def test_durations(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text


def test_nobody_is_kept_out(result: dict[str, Any], accessible: Callable[[str], None]) -> None:
    accessible(comparison_page(result))
