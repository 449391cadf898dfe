from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from zoo.report.pages.stress import balanced_accuracies, sentence, stress_page, worst_rows
from zoo.runs.causes import robustness

LEVELS = ("mild", "middle", "strong")
EVIL = "<script>alert(1)</script>"


def interval(value: float | None, reach: float = 0.02) -> dict[str, Any]:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": value - reach, "high": value + reach}


def measured(accuracy: float | None) -> dict[str, Any]:
    names = ("sensitivity", "specificity", "balanced_accuracy", "roc_auc")
    return {
        "metrics": {name: interval(accuracy) for name in names},
        "refused": {"unknown": 3, "uncertain": 7},
    }


def result(clean: float | None = 0.9, **accuracies: tuple[float | None, ...]) -> dict[str, Any]:
    def fall(accuracy: float | None) -> float | None:
        return None if accuracy is None or clean is None else clean - accuracy

    return {
        "schema": 1,
        "own": True,
        "synthetic": False,
        "class_names": ["NORMAL", EVIL],
        "positive": 1,
        "threshold": 0.4,
        "images": 200,
        "available": 1000,
        "patients": 150,
        "confidence": 0.95,
        "clean": measured(clean),
        "rows": [
            {
                "stress": name,
                "level": level,
                "strength": 5.0,
                "text": f"{5 + place} px",
                **measured(accuracy),
                "fall": {
                    figure: interval(fall(accuracy)) for figure in measured(accuracy)["metrics"]
                },
            }
            for name, each in accuracies.items()
            for place, (level, accuracy) in enumerate(zip(LEVELS, each, strict=True))
        ],
    }


TESTED = result(blur=(0.89, 0.86, 0.85), noise=(0.88, 0.7, 0.52), crop=(0.9, 0.6, 0.84))


def page(content: dict[str, Any] = TESTED, **more: Any) -> str:
    return stress_page(content, title="a run", cause=robustness({"test": content}), **more)


def test_the_worst_rows_stand_first_in_a_sentence() -> None:
    assert sentence(TESTED) == (
        "Balanced accuracy is 0.900 on the images as they are. Worst: noise (strong, 7 px) 0.520; "
        "crop (middle, 6 px) 0.600; noise (middle, 6 px) 0.700; crop (strong, 7 px) 0.840; blur "
        "(strong, 7 px) 0.850. 3 of the 9 changes cost more than 0.1, beyond chance."
    )
    assert "None of the 3 changes" in sentence(result(blur=(0.9, 0.9, 0.9)))


def test_the_table_begins_with_the_stress_of_the_worst_cell() -> None:
    assert balanced_accuracies(TESTED) == [
        ["noise", "0.880", "0.700", "0.520"],
        ["crop", "0.900", "0.600", "0.840"],
        ["blur", "0.890", "0.860", "0.850"],
    ]


def test_the_page_tells_every_number_without_colour(shown: Callable[[str], str]) -> None:
    words = shown(page())
    assert "noise 0.880 (0.860-0.900) 5 px 0.700 (0.680-0.720) 6 px 0.520 (0.500-0.540)" in words
    assert "200 images of 150 patients" in words
    assert "drawn from 1,000, as evenly of each class" in words
    assert "3 / 7" in words
    assert "0.020 0.000 to 0.040 3 / 7" in words, "the fall under mild noise"
    assert "it has to be chosen on such images" not in words, "the ROC-AUC falls as much"
    assert "belong into the training" in words
    assert EVIL not in page()


def test_the_colour_is_deepest_at_chance_and_never_hides_the_number() -> None:
    lost = [int(depth) for depth in re.findall(r"--lost: (\d+)%", page())]
    assert lost[0] == 13, "the images as they are: a fifth of the way to chance"
    assert max(lost) == lost[3] == 62
    assert max(int(d) for d in re.findall(r"--lost: (\d+)%", page(result(x=(0.1, 0, 0.5))))) == 65


def test_pictures_of_each_strength_are_shown_in_the_order_of_the_table(
    shown: Callable[[str], str],
) -> None:
    changes = [(row["stress"], row["level"]) for row in TESTED["rows"]]
    pictures = np.random.default_rng(0).integers(0, 256, (10, 40, 30, 1), np.uint8)
    text = page(pictures=pictures, changes=changes)
    shown(text)
    alts = re.findall(r'alt="([^"]+)"', text)
    assert alts[0] == "The image as it is"
    assert alts[1:4] == ["noise, mild", "noise, middle", "noise, strong"]
    assert len(alts) == len(set(alts)) == 10
    assert "--reference none" in shown(page())


def test_what_is_undefined_is_a_dash_and_said(shown: Callable[[str], str]) -> None:
    empty = result(None, blur=(None, None, None))
    words = shown(page(empty))
    assert "undefined: all images have the same class" in words
    assert "blur - 5 px - 6 px - 7 px" in words
    assert worst_rows("test", empty)["rows"][0]["text"] == "-"


@pytest.mark.parametrize("synthetic", [False, True])
def test_synthetic_images_are_marked(synthetic: bool, shown: Callable[[str], str]) -> None:
    assert ("synthetic data" in shown(page({**TESTED, "synthetic": synthetic}))) == synthetic


def test_the_card_has_the_images_as_they_are_and_the_worst_five() -> None:
    told = worst_rows("test", TESTED)
    assert [row["title"] for row in told["rows"]][:2] == ["as it is", "noise (strong, 7 px)"]
    assert len(told["rows"]) == 6
    assert "changed in 9 ways" in told["reading"]


def test_nobody_is_kept_out(accessible: Callable[[str], None]) -> None:
    accessible(page().replace("<details>", "<details open>"))
