from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from zoo import Dataset, Sample
from zoo.checks import held_out, shift
from zoo.checks.findings import NOTE, WARNING
from zoo.checks.shift import Side, shift_between, shifts
from zoo.checks.source_images import SourceImages

NAMES = ("NORMAL", "PNEUMONIA")


def side(
    title: str, normal: int, ill: int, seed: int, moved: float = 0.0, names: tuple = NAMES
) -> Side:
    """Images whose features tell their class, and are `moved` from those of other sides."""
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], [normal, ill])
    features = random.normal(size=(len(labels), 30)).astype(np.float32)
    features[:, 0] += 4 * labels
    features[:, 1] += moved
    who = np.array([f"{title}{n}" for n in range(len(labels))], np.str_)
    return Side(title, features, labels, who, np.char.add("image of ", who), names)


def test_one_source_in_two_parts_is_not_told_apart() -> None:
    entry, findings = shift_between(side("train", 150, 150, 0), side("test", 60, 60, 1))
    assert entry["between"] == ["train", "test"]
    assert entry["roc_auc"]["low"] < 0.5 < entry["roc_auc"]["high"] + 0.05
    assert findings == []


def test_a_planted_shift_is_found_with_the_images_that_give_it_away() -> None:
    test = side("test", 60, 60, 1, moved=2.0)
    test.features[[3, 70], 1] += 8
    entry, findings = shift_between(side("train", 150, 150, 0), test)
    (finding,) = findings
    assert (finding.level, finding.kind) == (WARNING, "shift")
    assert entry["roc_auc"]["low"] > 0.8
    assert len(entry["names"]) == 12
    assert set(entry["names"][:2]) == {"image of test3", "image of test70"}
    assert finding.names == tuple(entry["names"])


def test_other_class_shares_alone_are_not_taken_for_other_images() -> None:
    entry, findings = shift_between(side("train", 60, 340, 0), side("test", 100, 40, 1))
    assert entry["roc_auc"]["value"] == pytest.approx(0.5, abs=0.12)
    (finding,) = findings
    assert (finding.level, finding.kind) == (NOTE, "class shares")
    assert "NORMAL is 15 % of train and 71 % of test" in finding.message


def test_the_p_of_class_shares_counts_patients() -> None:
    a, b = side("train", 60, 90, 0), side("test", 50, 30, 1)
    entry, _ = shift_between(a, b)
    expected = chi2_contingency([[60, 90], [50, 30]]).pvalue
    assert entry["prior_p"] == pytest.approx(expected)
    assert entry["prior"]["train"] == {"NORMAL": 0.4, "PNEUMONIA": 0.6}
    few = Side("test", b.features, b.labels, np.array(["p", "q"] * 40), b.names, NAMES)
    assert shift_between(a, few)[0]["prior_p"] > 0.5


def test_other_classes_are_compared_as_they_are() -> None:
    a, b = side("train", 60, 60, 0), side("abroad", 30, 30, 1, names=("cat", "dog"))
    entry, findings = shift_between(a, b)
    assert entry["prior_p"] is None
    assert entry["prior"]["abroad"] == {"cat": 0.5, "dog": 0.5}
    assert [f for f in findings if f.kind == "class shares"] == []


def test_one_patient_on_a_side_is_said_and_stops_nothing() -> None:
    b = side("test", 4, 4, 1)
    one = Side("test", b.features, b.labels, np.array(["p"] * 8), b.names, NAMES)
    entry, findings = shift_between(side("train", 30, 30, 0), one)
    assert entry["roc_auc"] == {"value": None, "low": None, "high": None}
    assert "could not be measured" in findings[-1].message


def material(parts: dict[str, int], source: str = "") -> SourceImages:
    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        raise AssertionError("features are given")

    samples = tuple(
        Sample(f"{part}{n}", n % 2, f"{part}{n}", part)
        for part, number in parts.items()
        for n in range(number)
    )
    dataset = Dataset(
        source="here", class_names=NAMES, samples=samples, read=read, digest=lambda sample: ""
    )
    nothing = np.empty((len(samples), 0))
    return SourceImages(dataset, ("",) * len(samples), nothing, None, source)


def compared(own: dict[str, int], other: dict[str, int] | None = None) -> list[list[str]]:
    here = material(own)
    there = None if other is None else material(other, "abroad")
    random = np.random.default_rng(0)
    features = random.normal(size=(len(here.samples), 5))
    elsewhere = random.normal(size=(len(there.samples) if there else 0, 5))
    return [entry["between"] for entry in shifts(here, features, there, elsewhere)[0]]


def test_which_parts_are_compared() -> None:
    assert compared({"": 60}) == []
    assert compared({"train": 60, "validation": 16, "test": 30}) == [["train", "test"]]
    assert compared({"train": 60, "validation": 40, "test": 30}) == [
        ["train", "validation"],
        ["train", "test"],
    ]
    assert compared({"": 60}, {"": 30}) == [["these data", "abroad"]]
    assert compared({"train": 60, "test": 8}, {"": 30}) == [["train", "abroad"]]


def test_names_of_another_source_say_which() -> None:
    here, there = material({"": 40}), material({"": 30}, "abroad")
    random = np.random.default_rng(1)
    features, elsewhere = random.normal(size=(40, 5)), random.normal(size=(30, 5)) + 9
    (entry,), _ = shifts(here, features, there, elsewhere)
    assert all(name.startswith("abroad: ") for name in entry["names"])
    assert entry["roc_auc"]["value"] == 1


def test_parts_of_twenty_patients_are_compared_and_of_nineteen_not() -> None:
    assert compared({"train": 20, "test": 20}) == [["train", "test"]]
    assert compared({"train": 20, "test": 19}) == []
    assert compared({"train": 19, "test": 20}) == []


def test_what_may_be_trained_on_is_compared_with_another_source() -> None:
    here, there = material({"train": 40, "validation": 40, "test": 40}), material({"": 40}, "x")
    labels = np.repeat([0, 1, 0], 40)  # by part, so that the shares say which were taken
    samples = tuple(replace(s, label=int(n)) for s, n in zip(here.samples, labels, strict=True))
    here = replace(here, dataset=replace(here.dataset, samples=samples))
    random = np.random.default_rng(0)
    entries, _ = shifts(here, random.normal(size=(120, 5)), there, random.normal(size=(40, 5)))
    assert entries[-1]["between"] == ["train", "x"]
    assert entries[-1]["prior"]["train"] == {"NORMAL": 0.5, "PNEUMONIA": 0.5}
    alone = material({"test": 40})
    (entry,), _ = shifts(alone, random.normal(size=(40, 5)), there, random.normal(size=(40, 5)))
    assert entry["between"] == ["these data", "x"], "all there is, where nothing is for training"
    assert entry["roc_auc"]["value"] is not None


def test_a_class_that_one_side_lacks_is_left_out_of_the_comparison() -> None:
    b = side("test", 40, 40, 1)
    b.features[b.labels == 1, 1] += 50  # it would be told at once
    entry, _ = shift_between(side("train", 120, 0, 0), b)
    assert entry["roc_auc"]["low"] < 0.5
    assert all(int(name.removeprefix("image of test")) < 40 for name in entry["names"])
    a, other = side("train", 40, 0, 0), side("test", 0, 40, 1)
    assert shift_between(a, other)[0]["roc_auc"]["value"] > 0.9, "no common class: as they are"


def sides_with_shares(a: tuple[int, int], b: tuple[int, int]) -> list:
    """Compare sides that differ in their class shares alone; the one feature says nothing."""
    sides = [
        replace(one, features=one.features[:, 2:3])
        for one in (side("train", *a, seed=0), side("test", *b, seed=1))
    ]
    return [finding for finding in shift_between(*sides)[1] if finding.kind == "class shares"]


def test_class_shares_differ_by_five_points_and_not_by_chance() -> None:
    assert sides_with_shares((1000, 1000), (1120, 880)), "six points, p < 0.01"
    assert not sides_with_shares((1500, 1500), (1620, 1380)), "four points, p < 0.01"
    assert not sides_with_shares((50, 50), (62, 38)), "twelve points, p 0.1"
    assert not sides_with_shares((500, 500), (530, 470)), "p 0.2"


def test_a_class_of_a_single_patient_counts() -> None:
    entry, _ = shift_between(side("train", 40, 1, 0), side("test", 40, 0, 1))
    assert entry["prior_p"] == pytest.approx(chi2_contingency([[40, 1], [40, 0]]).pvalue)


def test_class_shares_of_one_class_or_one_empty_side_have_no_p() -> None:
    only = shift_between(side("train", 60, 0, 0), side("test", 40, 0, 1))[0]
    assert only["prior_p"] is None
    empty = shift_between(side("train", 60, 60, 0), side("test", 0, 0, 1))
    assert empty[0]["prior_p"] is None
    assert empty[0]["prior"]["test"] == {"NORMAL": 0, "PNEUMONIA": 0}
    assert "could not be measured" in empty[1][-1].message


def test_a_small_shift_is_told_only_above_sixty_percent() -> None:
    """With many images even little is beyond chance."""
    found = {}
    for moved in (0.3, 0.6):
        entry, findings = shift_between(
            side("train", 600, 600, 0), side("test", 500, 500, 1, moved=moved)
        )
        assert entry["roc_auc"]["low"] > 0.5
        found[moved] = (entry["roc_auc"]["value"], [f.kind for f in findings])
    assert found[0.3][0] < 0.6 <= found[0.6][0]
    assert found[0.3][1] == []
    assert found[0.6][1] == ["shift"]


def test_the_shares_of_three_classes_are_counted_by_class() -> None:
    names, sides = (*NAMES, "TUBERCULOSIS"), []
    for title, counts in (("train", (30, 20, 10)), ("test", (12, 12, 36))):
        labels = np.repeat([0, 1, 2], counts)
        one = side(title, 60, 0, len(sides))
        sides.append(replace(one, labels=labels, class_names=names))
    entry, _ = shift_between(*sides)
    expected = chi2_contingency([[30, 20, 10], [12, 12, 36]]).pvalue
    assert entry["prior_p"] == pytest.approx(expected)
    assert entry["prior"]["test"] == pytest.approx(
        {"NORMAL": 0.2, "PNEUMONIA": 0.2, "TUBERCULOSIS": 0.6}
    )


def test_of_large_sides_some_images_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    told = []

    def counted(features: np.ndarray, *rest: Any) -> np.ndarray:
        told.append(len(features))
        return held_out.probabilities(features, *rest)

    monkeypatch.setattr(shift, "probabilities", counted)
    monkeypatch.setattr(shift, "COMPARED", 50)
    a, b = side("train", 150, 150, 0), side("test", 30, 90, 1, moved=3.0)
    entry, _ = shift_between(a, b)
    assert told == [100]
    assert entry["roc_auc"]["low"] > 0.9
    assert entry["prior"]["test"]["NORMAL"] == 0.25, "shares are those of all images"
