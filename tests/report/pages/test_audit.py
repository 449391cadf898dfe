"""The page of an audit: from plain data to sentences and tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from zoo import DISCLAIMER
from zoo.interpret.trust.randomisation import Randomisation
from zoo.interpret.trust.ranking import (
    LOCATED,
    TESTS,
    Audit,
    Measurements,
    standings,
)
from zoo.report.pages.audit import audit_page, pointing_figure, ranking_figure, said

EVIL = "<script>alert(1)</script>\"'&"
IMAGES = 60
STEADY = ("pointing", "area", "lungs_area")
GOOD = {"test": {"value": 0.9, "low": 0.8, "high": 0.95}}
DEPENDS = Randomisation(("all",), (0.0,), (0.1,), (0.1, 0.0, 0.2), (0.1, 0.0, 0.2), True, 8)


def of(deletion: float, insertion: float, road: float, **others: float) -> dict[str, np.ndarray]:
    """One map's measures with noise of their own around these means."""
    given = {"deletion": deletion, "insertion": insertion, "road": road, **others}
    noise = np.random.default_rng(int(1000 * deletion)).normal(0, 0.02, IMAGES)
    elsewhere = np.random.default_rng(int(1000 * road) + 7).normal(0, 0.02, IMAGES)
    moved = {"deletion moved": 0.58, "insertion moved": 0.42, "road moved": 0.58}
    names = (*TESTS, "noise", "repeat", "lungs", "lungs_area", *LOCATED)
    return {
        name: given[name] + noise * (name not in STEADY)
        if name in given
        else np.full(IMAGES, np.nan)
        for name in names
    } | {name: value + elsewhere for name, value in moved.items()}


CONTROLS = {
    (True, "random"): of(0.60, 0.40, 0.60),
    (True, "blurred random"): of(0.58, 0.42, 0.58),
    (True, "centre"): of(0.50, 0.50, 0.50),
    (True, "edges"): of(0.55, 0.45, 0.55),
}


def measurements(**methods: dict[str, np.ndarray]) -> Measurements:
    right = np.arange(IMAGES) % 3 > 0
    return Measurements(
        values={**CONTROLS, **{(False, name): own for name, own in methods.items()}},
        patients=np.array([f"p{i // 2}" for i in range(IMAGES)]),
        right=right,
        random=dict.fromkeys(methods, DEPENDS),
        seconds=dict.fromkeys(methods, 0.2),
    )


def audit_of(found: Measurements, **changes: object) -> Audit:
    fields: dict = {
        "run": "a-run",
        "network": "0123",
        "source": "phantom",
        "own": True,
        "notes": ("A note.",),
        "images": IMAGES,
        "available": 80,
        "patients": 30,
        "right": int(found.right.sum()),
        "located": {name: int(among.sum()) for name, among in found.groups().items()},
        "lungs": 0,
        "steps": 8,
        "seed": 0,
        "synthetic": True,
        "standings": standings(found, GOOD),
    }
    return Audit(**(fields | changes))


def test_the_ranking_is_by_the_lead_over_the_best_control() -> None:
    ranked = standings(measurements(good=of(0.3, 0.7, 0.3), poor=of(0.52, 0.48, 0.52)), GOOD)
    assert [one.name for one in ranked][:3] == ["good", "centre", "poor"]
    assert all(set(one.best.values()) == {"centre"} for one in ranked)
    first = ranked[0]
    assert first.score["value"] == pytest.approx(0.2, abs=0.02)
    assert first.score["low"] is not None
    assert first.score["low"] < 0.2 < (first.score["high"] or 0)
    assert first.ahead is not None
    assert first.ahead["value"] == pytest.approx(first.score["value"])
    assert ranked[-1].ahead is None


def test_intervals_count_patients_and_not_images() -> None:
    def width(found: Measurements) -> float:
        score = standings(found, GOOD)[0].score
        return float(score["high"] or 0) - float(score["low"] or 0)

    own = measurements(good=of(0.3, 0.7, 0.3))
    doubled = replace(
        own,
        values={
            key: {name: np.tile(values, 4) for name, values in of_key.items()}
            for key, of_key in own.values.items()
        },
        patients=np.tile(own.patients, 4),
        right=np.tile(own.right, 4),
    )
    assert width(doubled) == pytest.approx(width(own), rel=0.15)


@pytest.mark.parametrize(
    ("own", "level", "words"),
    [
        (of(0.3, 0.7, 0.3), "holds up", "on 3 of 3 tests"),
        (of(0.3, 0.7, 0.9), "holds up", "on 2 of 3 tests"),
        (of(0.52, 0.48, 0.52), "weak", "the middle of the image"),
        (of(0.59, 0.41, 0.3), "do not use", "the same maps put elsewhere"),
        (of(0.3, 0.7, 0.3, noise=0.2), "do not use", "Noise"),
        (of(0.3, 0.7, 0.3, noise=0.9, repeat=0.2), "do not use", "explained again"),
        (of(0.3, 0.7, 0.3, inside=0.1, area=0.1), "weak", "where the findings are"),
        (of(0.3, 0.7, 0.3, lungs=0.3, lungs_area=0.4), "weak", "inside the lungs"),
    ],
)
def test_verdicts(own: dict[str, np.ndarray], level: str, words: str) -> None:
    ranked = standings(measurements(method=own), GOOD)
    verdict = next(one for one in ranked if one.name == "method")
    assert verdict.level == level
    assert words in verdict.reason
    assert all(one.level == "" for one in ranked if one.control)


def test_what_ignores_the_network_or_has_nothing_to_explain() -> None:
    found = measurements(method=of(0.3, 0.7, 0.3))
    same = replace(found, random={"method": replace(DEPENDS, depends=False)})
    assert standings(same, GOOD)[0].level == "do not use"
    chance = {"test": {"value": 0.6, "low": 0.45, "high": 0.7}}
    assert "better than chance" in standings(found, chance)[0].reason
    assert "better than chance" in standings(found, {})[0].reason
    perfect = {"test": {"value": 1.0, "low": 0.9, "high": 1.0}}
    assert standings(found, perfect)[0].level == "holds up"


def test_findings_are_told_apart_by_right_and_all() -> None:
    own = of(0.3, 0.7, 0.3, inside=0.6, area=0.1, auprc=0.5)
    found = measurements(method=own)
    own["pointing"] = found.right * 1.0
    first = standings(found, GOOD)[0]
    assert first.located["right"]["pointing"]["value"] == 1
    assert 0.8 < (first.located["right"]["pointing"]["low"] or 0) < 1
    assert first.located["all"]["pointing"]["value"] == pytest.approx(2 / 3)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.feed(text)

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_the_page_tells_what_to_believe(accessible: Callable[[str], None]) -> None:
    own = of(
        0.3, 0.7, 0.3, inside=0.6, area=0.1, auprc=0.5, pointing=1.0, lungs=0.8, lungs_area=0.3
    )
    audit = audit_of(
        measurements(good=own, poor=of(0.59, 0.41, 0.59)),
        lungs=60,
    )
    source = audit_page(audit, information={"Data": "chest"})
    accessible(source)
    text = Page(source).text
    for expected in (
        "good, with a lead of +0.",
        "good: holds up",
        "poor: do not use",
        "points into the finding most often: in 100 % of them, within 7.5 pixels of it in",
        "Where the findings are: classified right, 40 images",
        "Inside the lungs",
        "The best rival of good in each test: centre (deletion)",
        "synthetic data",
        "A note.",
        DISCLAIMER,
    ):
        assert expected in text, expected
    assert source.count("<svg ") == 2
    assert ranking_figure(audit) is not None
    assert "ones, 2 % to 8 % of the picture" not in text
    unknown = audit_of(measurements(good=of(0.3, 0.7, 0.3)))
    assert "Where the findings are" not in Page(audit_page(unknown)).text
    assert "For comparison" in text
    assert "For comparison" not in Page(audit_page(unknown)).text


def test_findings_are_told_apart_by_size_where_there_are_several() -> None:
    own = of(0.3, 0.7, 0.3, inside=0.6, auprc=0.5, iou=0.4)
    own["area"] = np.repeat([0.01, 0.05, 0.5], IMAGES // 3)
    own["pointing"] = np.repeat([0.0, 1.0, 1.0], IMAGES // 3)
    audit = audit_of(measurements(good=own))
    assert {size: audit.located[size] for size in ("small", "medium", "large")} == {
        "small": 20,
        "medium": 20,
        "large": 20,
    }
    located = audit.standings[0].located
    assert [located[size]["pointing"]["value"] for size in ("small", "medium", "large")] == [
        0,
        1,
        1,
    ]
    text = Page(audit_page(audit)).text
    for words in ("small ones, 0 % to 2 %", "medium ones, 2 % to 8 %", "large ones, 8 % to 100 %"):
        assert f"Where the findings are: {words} of the picture, 20 images" in text


@pytest.mark.parametrize(
    ("own", "scores", "heading", "words"),
    [
        (of(0.3, 0.7, 0.3), GOOD, "Best", "over the best of its rivals."),
        (of(0.3, 0.7, 0.3), {}, "Highest", "but not to be used"),
        (of(0.501, 0.5, 0.5), GOOD, "Highest", "leaves open whether it is better at all"),
        (of(0.54, 0.46, 0.54), GOOD, "Highest", "which is worse than that rival"),
    ],
)
def test_only_a_method_that_beats_the_controls_is_the_best(
    own: dict[str, np.ndarray], scores: dict, heading: str, words: str
) -> None:
    found = measurements(method=own)
    told = said(replace(audit_of(found), standings=standings(found, scores)))
    assert told[0][0] == heading
    assert words in told[0][1]


def test_without_findings_there_is_no_pointing_game() -> None:
    audit = audit_of(measurements(good=of(0.3, 0.7, 0.3)))
    assert pointing_figure(audit) is None
    assert "pointing game" not in Page(audit_page(audit)).text.lower()


def test_names_from_outside_are_escaped() -> None:
    audit = audit_of(
        measurements(**{EVIL: of(0.3, 0.7, 0.3)}), run=EVIL, notes=(EVIL,), source=EVIL
    )
    page = audit_page(audit)
    assert "<script" not in page
    assert EVIL in Page(page).text
