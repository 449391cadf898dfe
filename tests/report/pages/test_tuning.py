from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.report.drawing import Drawing
from zoo.report.figures.tuning import settings_figure, trials_figure
from zoo.report.pages.tuning import tuning_page

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&"


def trial(number: int, state: str, area: float | None, **settings: Any) -> dict[str, Any]:
    return {
        "number": number,
        "state": state,
        "settings": settings,
        "folds": 3 if state == "complete" else 1,
        "roc_auc": area,
        "seconds": 40.0,
        "reason": "The loss became inf." if state == "failed" else "",
    }


@pytest.fixture
def result() -> dict[str, Any]:
    return {
        "schema": 1,
        "architecture": "efficientnet",
        "data": {"source": "xrays", "images": 5232, "patients": 3669, "folds": 3},
        "class_names": ["NORMAL", "PNEUMONIA"],
        "positive": "PNEUMONIA",
        "metric": "roc_auc",
        "seed": 0,
        "preset": "default",
        "settings": {},
        "space": [
            {"name": "learning_rate", "now": 4e-4, "low": 4e-5, "high": 4e-3, "values": None}
            | {"logarithmic": True},
            {"name": "augmentation", "now": "robust", "low": None, "high": None}
            | {"values": ["robust", "chest"], "logarithmic": False},
            {"name": "dropout", "now": 0.2, "low": 0.0, "high": 0.5, "values": None}
            | {"logarithmic": False},
        ],
        "trials": [
            trial(0, "complete", 0.96),
            trial(1, "complete", 0.95, learning_rate=1e-4, augmentation="chest", dropout=0.1),
            trial(2, "pruned", 0.91, learning_rate=3e-3, augmentation="robust", dropout=0.4),
            trial(3, "complete", 0.9712, learning_rate=9e-4, augmentation="chest", dropout=0.3),
            trial(4, "failed", None, learning_rate=4e-3, augmentation="robust", dropout=0.0),
        ],
        "best": {
            "trial": 3,
            "settings": {"learning_rate": 9e-4, "augmentation": "chest", "dropout": 0.3},
            "roc_auc": {"value": 0.9712, "low": 0.965, "high": 0.977},
        },
        "default": {"trial": 0, "roc_auc": {"value": 0.96, "low": 0.95, "high": 0.97}},
        "corrected": {
            "roc_auc": {"value": 0.966, "low": 0.959, "high": 0.972},
            "optimism": 0.005,
            "among": 3,
        },
        "gain": {
            "measured": {"value": 0.011, "low": 0.004, "high": 0.018},
            "corrected": {"value": 0.006, "low": -0.001, "high": 0.013},
        },
        "sentences": ["The best of 5 trials.", "It is not shown."],
        "train": ["zoo", "train", "efficientnet", "--set", "learning_rate=0.0009"],
        "notes": [],
        "command": ["zoo", "tune", "efficientnet"],
        "synthetic": True,
    }


def decoded(drawing: Drawing | None) -> np.ndarray:
    assert drawing is not None
    return np.asarray(Image.open(io.BytesIO(drawing.png())).convert("RGB"))


def test_trials_settings_and_worth_are_told(result: dict[str, Any], shown: Shown) -> None:
    text = tuning_page(result)
    words = shown(text)
    for expected in (
        "5 trials, each on 3 folds by patient: 5,232 images of 3,669 patients from xrays.",
        "Settings as they were 0.960 (0.950-0.970)",
        "Best trial, on the folds it was chosen by 0.971 (0.965-0.977)",
        "Best trial, without the luck of the choice 0.966 (0.959-0.972)",
        "zoo train efficientnet --set learning_rate=0.0009",
        "learning_rate 4e-05 to 0.004 logarithmic 0.0004 0.0009",
        "augmentation robust, chest robust chest",
        "4 the best 0.9712 3 40 s 0.0009 chest 0.3",
        "1 0.9600 3 40 s 0.0004 robust 0.2",
        "3 given up 0.9100 1",
        "5 failed The loss became inf. - 1",
        "It is not shown.",
        "synthetic data",
    ):
        assert expected in words, expected
    assert words.index("0.9712 3") < words.index("0.9600 3") < words.index("given up 0.9100")
    assert text.count("<svg ") == 2


def test_the_figure_of_the_trials_shows_what_was_given_up(result: dict[str, Any]) -> None:
    picture = decoded(trials_figure(result))
    whole = [one for one in result["trials"] if one["state"] == "complete"]
    assert (decoded(trials_figure(result | {"trials": whole})) != picture).any()


def test_without_trials_but_the_first_there_is_nothing_to_draw_over_settings(
    result: dict[str, Any],
) -> None:
    assert settings_figure(result | {"trials": result["trials"][:1]}) is None
    assert trials_figure(result | {"trials": []}) is None
    assert decoded(settings_figure(result)).size


def test_without_an_interval_the_page_stands(result: dict[str, Any], shown: Shown) -> None:
    bare = {"value": 0.9, "low": None, "high": None}
    result["corrected"]["roc_auc"] = result["default"]["roc_auc"] = bare
    words = shown(tuning_page(result | {"command": []}))
    assert "without the luck of the choice 0.900 Train" in words


def test_names_are_escaped(result: dict[str, Any], shown: Shown) -> None:
    evil = {"architecture": EVIL, "positive": EVIL, "sentences": [EVIL], "notes": [EVIL]}
    evil |= {"train": [EVIL], "command": [EVIL], "data": result["data"] | {"source": EVIL}}
    shown(tuning_page(result | evil, information={EVIL: EVIL}))


def test_nobody_is_kept_out(result: dict[str, Any], accessible: Callable[[str], None]) -> None:
    accessible(tuning_page(result))
