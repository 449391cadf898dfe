from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from zoo.report.drawing import Drawing
from zoo.report.figures.learning import learning_figure
from zoo.report.pages.learning import learning_page

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&"


@pytest.fixture
def result() -> dict[str, Any]:
    sizes = np.geomspace(167, 6696, 20)
    error = 0.012 + 1.2 * sizes**-0.45
    return {
        "schema": 1,
        "architecture": "efficientnet",
        "data": {"source": "xrays", "images": 5232, "patients": 3669},
        "class_names": ["NORMAL", "PNEUMONIA"],
        "positive": "PNEUMONIA",
        "metric": "roc_auc",
        "points": [
            {
                "share": share,
                "patients": int(2343 * share),
                "images": int(3348 * share),
                "train": [0.991, 0.993],
                "validation": [0.93 + 0.02 * share, 0.94 + 0.02 * share],
                "test": [0.92 + 0.02 * share, 0.93 + 0.02 * share],
            }
            for share in (0.05, 0.25, 1.0)
        ],
        "extrapolation": {
            "images": 3348,
            "now": {"value": 0.043, "low": 0.038, "high": 0.05},
            "then": {"value": 0.035, "low": 0.029, "high": 0.043},
            "gain": {"value": 0.008, "low": 0.002, "high": 0.015},
            "exponent": {"value": 0.45, "low": 0.3, "high": 0.6},
            "limit": {"value": 0.012, "low": 0.003, "high": 0.03},
            "curve": {
                "images": sizes.tolist(),
                "error": error.tolist(),
                "low": (0.9 * error).tolist(),
                "high": (1.1 * error).tolist(),
            },
        },
        "sentence": "Twice as many would add about 0.008.",
        "notes": [],
        "command": ["zoo", "learning-curve", "efficientnet"],
        "synthetic": True,
    }


def decoded(drawing: Drawing | None) -> np.ndarray:
    assert drawing is not None
    image = Image.open(io.BytesIO(drawing.png()))
    assert image.format == "PNG"
    return np.asarray(image.convert("RGB"))


def test_points_and_extrapolation_are_told_as_scores(result: dict[str, Any], shown: Shown) -> None:
    text = learning_page(result)
    words = shown(text)
    for expected in (
        "Would more images help efficientnet?",
        "5,232 images of 3,669 patients from xrays. PNEUMONIA is the class looked for.",
        "Twice as many would add about 0.008.",
        "5 % 167 117 0.992 0.991-0.993 0.936 0.931-0.941 0.926 0.921-0.931",
        "100 % 3,348 2,343",
        "ROC-AUC with 3,348 images, as now 0.957 (0.950-0.962)",
        "ROC-AUC with 6,696 images 0.965 (0.957-0.971)",
        "Gain 0.008 (0.002-0.015)",
        "Highest ROC-AUC, with endless data 0.988 (0.970-0.997)",
        "zoo learning-curve efficientnet",
        "synthetic data",
    ):
        assert expected in words, expected
    assert text.count("<svg ") == 1


def test_three_classes_are_said_to_be_averaged(result: dict[str, Any], shown: Shown) -> None:
    words = shown(learning_page(result | {"class_names": ["A", "B", "PNEUMONIA"]}))
    assert "means over the classes, each against the rest" in words
    assert "the class looked for" not in words


def test_without_a_fit_or_a_score(result: dict[str, Any], shown: Shown) -> None:
    bare = result | {"extrapolation": None, "command": [], "sentence": "", "synthetic": False}
    bare["points"] = [bare["points"][0] | {"train": [], "validation": [None], "test": [0.9, None]}]
    words = shown(learning_page(bare))
    assert "5 % 167 117 - - 0.900" in words
    assert "If the curve goes on" not in words
    unscored = [point | {"train": [], "validation": [], "test": []} for point in bare["points"]]
    assert learning_figure(bare | {"points": unscored}) is None
    assert "<svg " not in learning_page(bare | {"points": unscored})


def test_an_interval_that_is_not_known_is_left_out(result: dict[str, Any], shown: Shown) -> None:
    alone = result["extrapolation"]
    alone = alone | {name: alone[name] | {"low": None, "high": None} for name in ("now", "gain")}
    unknown = [None] * len(alone["curve"]["images"])
    alone["curve"] = alone["curve"] | {"low": unknown, "high": unknown}
    text = learning_page(result | {"extrapolation": alone})
    assert "as now 0.957 ROC-AUC with 6,696" in shown(text)
    assert decoded(learning_figure(result | {"extrapolation": alone})).size


def test_figure_reaches_to_twice_the_images(result: dict[str, Any]) -> None:
    picture = decoded(learning_figure(result))
    assert picture.shape[1] == 1040
    assert (decoded(learning_figure(result | {"extrapolation": None})) != picture).any()
    band = (np.abs(picture.astype(int) - (231, 233, 235)).max(axis=-1) < 6).any(axis=0)
    assert band[900:].any(), "the fitted band goes on beyond what was measured"


def test_names_are_escaped(result: dict[str, Any], shown: Shown) -> None:
    evil = {"architecture": EVIL, "positive": EVIL, "sentence": EVIL, "notes": [EVIL]}
    evil |= {"command": [EVIL], "data": result["data"] | {"source": EVIL}, "metric": EVIL}
    shown(learning_page(result | evil, information={EVIL: EVIL}))


def test_nobody_is_kept_out(result: dict[str, Any], accessible: Callable[[str], None]) -> None:
    accessible(learning_page(result))
