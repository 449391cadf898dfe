from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from zoo import BadInput, Dataset, Sample
from zoo.checks.findings import Finding
from zoo.report.figures.exposure import exposure_figure
from zoo.report.pages import check_pictures
from zoo.report.pages.check import check_page, verdict, write_check

Shown = Callable[[str], str]
EVIL = "<script>alert(1)</script>\"'&"


def area(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.02}


def dataset(read: Any = None) -> Dataset:
    def noise(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        assert size is None, "it is shown in its own proportions"
        if "broken" in sample.name:
            raise BadInput("cut short")
        generator = np.random.default_rng(sum(map(ord, sample.name)))
        return generator.integers(0, 256, (160, 160, 3), np.uint8)

    samples = tuple(
        Sample(f"{('NORMAL', 'PNEUMONIA')[label]}/{i}.png", label, f"p{i}", "train")
        for label in (0, 1)
        for i in range(20)
    )
    samples += (Sample("NORMAL/broken.png", 0, "x", "train"), Sample(EVIL, 1, "y", "test"))
    return Dataset(
        source="data/xrays?patients=none",
        class_names=("NORMAL", "PNEUMONIA"),
        samples=samples,
        read=read or noise,
        digest=lambda sample: sample.name,
    )


def checked(**changes: Any) -> Any:
    findings = (
        Finding("note", "sizes", "The images have 12 sizes.", "Nothing to do."),
        Finding(
            "warning",
            "duplicates",
            "Two groups of identical images.",
            "Remove the copies.",
            groups=(("NORMAL/0.png", "NORMAL/1.png"), ("PNEUMONIA/2.png", "NORMAL/broken.png")),
        ),
        Finding("error", "leak", "A patient is twice.", "Move it.", ("elsewhere: a.png", EVIL)),
        Finding("note", "labels", "Eight.", "Look.", tuple(f"NORMAL/{i}.png" for i in range(8))),
    )
    result = {
        "schema": 1,
        "source": "data/xrays?patients=none",
        "images": 5232,
        "patients": 3669,
        "patient_rule": "kermany",
        "class_names": ["NORMAL", "PNEUMONIA"],
        "positive": "PNEUMONIA",
        "notes": ["The reader says this."],
        "counts": {
            "train": {"NORMAL": 1341, "PNEUMONIA": 3875},
            "": {"NORMAL": 8, "PNEUMONIA": 8},
        },
        "broken": 1,
        "sizes": [{"width": 1040, "height": 713, "images": 12}],
        "distinct_sizes": 3112,
        "modes": {"L": 5000, "RGB": 232},
        "exposure": {
            name: {"low": 80, "quartile1": 110, "median": 122, "quartile3": 131, "high": 160}
            for name in ("NORMAL", "PNEUMONIA")
        },
        "baselines": [{"name": "file", "title": "file: width", "roc_auc": area(0.86), "images": 9}],
        "shift": [
            {
                "between": ["train", "test"],
                "roc_auc": area(0.71),
                "names": [],
                "prior": {
                    "train": {"NORMAL": 0.257, "PNEUMONIA": 0.743},
                    "test": {"NORMAL": 0.375, "PNEUMONIA": 0.625},
                },
                "prior_p": 1e-9,
            }
        ],
        "duplicates": {"exact_groups": 2, "surplus": 3, "near_pairs": 34},
        "suspected": [
            {
                "name": "NORMAL/7.png",
                "label": "NORMAL",
                "predicted": "PNEUMONIA",
                "probability": 0.97,
            }
        ],
        "findings": [],
        "seconds": 63.2,
    }
    parts = {"findings": findings, "result": result, "dataset": dataset()}
    return SimpleNamespace(**(parts | changes))


def test_verdict_comes_first_and_errors_before_notes(shown: Shown) -> None:
    words = shown(check_page(checked()))
    start = words[words.rindex("Check of xrays") :]
    assert start.startswith("Check of xrays 1 error, 1 warning, 2 notes: mend the errors")
    order = [words.index(text) for text in ("A patient is twice", "Two groups", "have 12 sizes")]
    assert order == sorted(order)


def test_data_are_told_in_numbers(shown: Shown) -> None:
    words = shown(check_page(checked()))
    for expected in (
        "5,232 images of 3,669 patients (patient rule: kermany)",
        "train 1,341 3,875 5,216",
        "undivided 8 8 16",
        "train and test 0.710 (0.690-0.730) NORMAL 25.7 % and 37.5 %; PNEUMONIA 74.3 % and 62.5 %",
        "(p &lt; 0.001)",
        "3,112 different sizes",
        "1040 713 12",
        "Pairs of nearly identical images 34",
        "L (5,000), RGB (232)",
        "labelled NORMAL, looks PNEUMONIA (97 %)",
        "All 8 names",
        "All 2 groups by name NORMAL/0.png, NORMAL/1.png PNEUMONIA/2.png, NORMAL/broken.png",
        "The reader says this.",
    ):
        assert expected in words, expected


def test_pictures_of_groups_and_of_each_class() -> None:
    text = check_page(checked())
    cards = re.findall(r'(?s)<article class="finding.*?</article>', text)
    leak, duplicates, sizes, labels = cards
    assert duplicates.count('class="group"') == 2, "side by side"
    assert duplicates.count("<img ") == 3, "an image that cannot be read is left out"
    assert leak.count("<img ") == 1, "a name of other data has no picture"
    assert "<img " not in sizes
    assert "<img " not in labels, "they have a section of their own"
    classes = text.partition("<h2>NORMAL</h2>")[2].partition('<section class="drawings"')[0]
    normal, _, pneumonia = classes.partition("<h2>PNEUMONIA</h2>")
    assert normal.count("<img ") in (11, 12)
    assert pneumonia.count("<img ") == 12
    assert check_page(checked()) == text, "the same images each time"


def test_page_stays_small(monkeypatch: pytest.MonkeyPatch, shown: Shown) -> None:
    whole = check_page(checked())
    monkeypatch.setattr(check_pictures, "BUDGET", 30_000)
    small = check_page(checked())
    figures = sum(len(match) for match in re.findall(r"<svg .*?</svg>", small))
    assert len(small) - figures < 100_000 < len(whole) - figures
    shown(small)


def test_what_is_missing_is_left_out(shown: Shown) -> None:
    full = checked()
    needed = ("source", "images", "patients", "patient_rule", "class_names", "positive", "counts")
    bare = {name: full.result[name] for name in needed}
    words = shown(check_page(checked(findings=(), result=bare)))
    assert "Nothing was found that speaks against training." in words
    for heading in ("Findings", "Labels to look at again", "Exposure", "Sizes"):
        assert heading not in words


def test_write_leaves_page_and_data(tmp_path: Path, shown: Shown) -> None:
    found = checked()
    page = write_check(found, tmp_path / "check")
    assert page == tmp_path / "check" / "check.html"
    shown(page.read_text("utf-8"))
    assert json.loads((page.parent / "check.json").read_text("utf-8")) == found.result


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([], "Nothing was found that speaks against training."),
        (["note"], "1 note: nothing speaks against training."),
        (["warning", "warning"], "2 warnings: read the warnings before trusting a score."),
        (["note", "error"], "1 error, 1 note: mend the errors before training."),
    ],
)
def test_verdict(levels: list[str], expected: str) -> None:
    assert verdict(levels) == expected


def test_exposure_needs_all_five_values() -> None:
    five = {"low": 1, "quartile1": 2, "median": 3, "quartile3": 4, "high": 5}
    both = exposure_figure({"a": five, "$b$": five})
    one = exposure_figure({"a": five})
    without = exposure_figure({"a": five, "b": five | {"median": None}})
    assert both is not None
    assert one is not None
    assert without is not None
    assert both.png() != one.png() == without.png()
    assert exposure_figure({}) is None


def test_nobody_is_kept_out(accessible: Callable[[str], None]) -> None:
    accessible(check_page(checked()))
