"""A group that is worse is found, equal ones are not, and a patient in two groups counts once."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from zoo.stats import delong
from zoo.stats.delong import Statistic
from zoo.stats.groups import COMPARED, by_group, gap_sentence
from zoo.stats.metrics import classification_metrics, statistics
from zoo.stats.probabilities import decide

NAMES = ("NORMAL", "PNEUMONIA")


def score(
    seed: int = 0, images: int = 600, strength: dict[str, float] | None = None, each: int = 2
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Labels, probabilities, patients and groups; a group's classes lie `strength` apart."""
    strength = strength or {"AP": 2.0, "PA": 2.0}
    rng = np.random.default_rng(seed)
    labels = np.arange(images) // each % 2
    groups = np.array(list(strength))[rng.integers(len(strength), size=images)]
    apart = np.array([strength[name] for name in groups])
    chance = expit((labels - 0.5) * apart + rng.normal(size=images))
    patients = np.array([f"p{place // each}" for place in range(images)])
    return labels, np.stack([1 - chance, chance], axis=1), patients, groups


def compared(
    scored: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], **more: Any
) -> dict[str, Any]:
    labels, probabilities, patients, groups = scored
    order = sorted(set(groups.tolist()) - {""})
    asked = {"column": "view", "order": order, "threshold": 0.5} | more
    return by_group(labels, probabilities, patients, groups.tolist(), NAMES, 1, **asked)


def test_a_group_that_was_made_worse_is_found() -> None:
    found = compared(score(strength={"AP": 0.3, "LL": 3.0, "PA": 3.0}))
    behind = {(row["metric"], row["group"]) for row in found["behind"]}
    assert behind == {(key, "AP") for key in ("roc_auc", "sensitivity", "specificity")}
    gap = found["gaps"]["roc_auc"]
    assert (gap["worst"], gap["pairs"]) == ("AP", 3)
    assert gap["best"] in ("LL", "PA")
    assert 0.1 < gap["low"] < gap["value"] < gap["high"] < 0.6
    assert "AP falls behind" in found["behind"][0]["sentence"]
    assert json.loads(json.dumps(found)) == found


def test_groups_of_equal_scores_are_hardly_ever_told_apart() -> None:
    names = dict.fromkeys("abcd", 1.5)
    told = [compared(score(seed, 400, names)) for seed in range(25)]
    assert sum(bool(found["behind"]) for found in told) <= 2
    gaps = [found["gaps"][key] for found in told for key in COMPARED]
    assert np.mean([gap["low"] > 0 for gap in gaps]) < 0.15  # one of four pairs, not widened: 0.3
    assert "not shown to be more than chance" in gap_sentence("view", "roc_auc", gaps[0])


@settings(max_examples=25)
@given(st.data())
def test_groups_are_scored_as_their_images_alone(data: st.DataObject) -> None:
    images = data.draw(st.integers(1, 40))
    classes = data.draw(st.sampled_from([2, 3]))
    labels = np.array(
        data.draw(st.lists(st.integers(0, classes - 1), min_size=images, max_size=images))
    )
    groups = np.array(
        data.draw(st.lists(st.sampled_from(["", "a", "b"]), min_size=images, max_size=images))
    )
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    probabilities = rng.dirichlet(np.ones(classes), images).round(2)
    patients = np.array([f"p{n}" for n in rng.integers(max(1, images // 2), size=images)])
    names = [f"class {n}" for n in range(classes)]
    order = sorted(set(groups.tolist()) - {""})
    found = by_group(
        labels, probabilities, patients, groups.tolist(), names, 1, column="c", order=order
    )
    assert sum(entry["images"] for entry in found["groups"]) == images
    assert [entry["name"] for entry in found["groups"]] == order + ["unknown"] * ("" in groups)
    for entry in found["groups"]:
        inside = groups == (entry["name"] if entry["known"] else "")
        alone = classification_metrics(
            labels[inside], probabilities[inside], patients[inside], names, 1
        )
        for key, metric in entry["metrics"].items():
            assert metric == alone["metrics"][key] | {"compared": metric["compared"]}
        assert entry["called"] == np.mean(probabilities[inside].argmax(axis=1) == 1)
    total = sum(entry["images"] * entry["positive"] for entry in found["groups"])
    assert total == pytest.approx((labels == 1).sum())
    for gap in filter(None, found["gaps"].values()):
        assert gap["value"] >= 0
        assert gap["low"] is None or gap["low"] <= gap["value"] <= gap["high"]
    json.dumps(found, allow_nan=False)


def two_groups(rng: np.random.Generator, shared: float) -> tuple[Statistic, Statistic, np.ndarray]:
    """Shares of 0.9 and 0.8 in two groups, each patient with an image in both."""
    patients = 80
    common = rng.random(patients)
    draws = [
        np.where(rng.random(patients) < shared, common, rng.random(patients)) for _ in range(2)
    ]
    held = np.concatenate([draws[0] < 0.9, draws[1] < 0.8])
    people = np.tile([f"p{n}" for n in range(patients)], 2)
    first = np.arange(2 * patients) < patients
    return delong.share(held, first, people), delong.share(held, ~first, people), people


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_a_gap_s_interval_holds_for_patients_in_both_groups(shared: float) -> None:
    rng = np.random.default_rng(1)
    gaps = [
        delong.gap(a, b, people) for a, b, people in (two_groups(rng, shared) for _ in range(400))
    ]
    inside = np.mean([gap["low"] <= 0.1 <= gap["high"] for gap in gaps])
    assert 0.92 <= inside <= 0.98


def test_a_gap_is_narrower_where_the_same_patients_are_in_both_groups() -> None:
    def width(shared: float) -> float:
        rng = np.random.default_rng(2)
        gaps = [delong.gap(*two_groups(rng, shared)) for _ in range(20)]
        return float(np.mean([gap["high"] - gap["low"] for gap in gaps]))

    assert width(0.9) < 0.8 * width(0.0)


def test_a_gap_to_a_perfect_group_has_an_interval_and_more_pairs_widen_it() -> None:
    people = np.array([f"p{n}" for n in range(40)])
    first = np.arange(40) < 20
    perfect = delong.share(np.ones(40, bool), first, people)
    other = delong.share(np.arange(40) % 4 > 0, ~first, people)
    gap = delong.gap(perfect, other, people)
    low, _ = delong.interval(1.0, perfect.influence, people, 20)
    assert gap["value"] == 0.25
    assert gap["low"] < 0.25 - (1 - low) + 1e-9, "what the perfect group may really be is in it"
    wider = delong.gap(perfect, other, people, comparisons=6)
    assert wider["low"] < gap["low"] < gap["high"] < wider["high"]
    undefined = Statistic(float("nan"), np.zeros(40))
    assert delong.gap(perfect, undefined, people) == {"value": None, "low": None, "high": None}


def test_an_unknown_group_is_shown_but_not_compared() -> None:
    labels, probabilities, patients, groups = score(strength={"AP": 3.0, "": 0.1, "PA": 3.0})
    found = compared((labels, probabilities, patients, groups))
    unknown = found["groups"][-1]
    assert (unknown["name"], unknown["known"]) == ("unknown", False)
    assert unknown["metrics"]["roc_auc"]["value"] < 0.65
    assert not any(metric["compared"] for metric in unknown["metrics"].values())
    assert "compared with none" in unknown["note"]
    assert found["behind"] == []
    assert found["gaps"]["roc_auc"]["worst"] in ("AP", "PA")


def test_small_groups_and_groups_of_one_class_are_shown_and_said_to_be() -> None:
    labels, probabilities, patients, groups = score(images=400, each=1)
    groups = groups.astype("<U8")
    groups[:6] = "few"
    groups[(labels == 0) & (np.arange(400) > 300)] = "healthy"
    found = compared((labels, probabilities, patients, groups))
    entries = {entry["name"]: entry for entry in found["groups"]}
    assert (
        entries["few"]["note"] == "Too few patients to compare: ROC-AUC, Sensitivity, Specificity."
    )
    assert entries["few"]["metrics"]["roc_auc"]["value"] is not None
    healthy = entries["healthy"]
    assert (healthy["missing"], healthy["note"]) == (["PNEUMONIA"], "No image of PNEUMONIA.")
    assert healthy["metrics"]["roc_auc"]["value"] is None
    assert healthy["metrics"]["specificity"]["compared"]
    assert found["gaps"]["specificity"]["pairs"] == 3
    assert found["gaps"]["roc_auc"]["pairs"] == 1


def test_one_group_alone_has_no_gap() -> None:
    found = compared(score(strength={"AP": 1.0}))
    assert found["gaps"] == dict.fromkeys(COMPARED)
    assert found["within"] is None
    assert found["behind"] == []
    assert gap_sentence("view", "roc_auc", None) == ""


def test_with_more_classes_a_group_without_one_of_them_is_compared_in_accuracy_alone() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    groups = np.where(np.arange(300) < 150, "a", np.where(np.arange(300) < 230, "b", "c"))
    labels[(groups == "c") & (labels == 2)] = 0
    logits = rng.normal(size=(300, 3)) + 2 * np.eye(3)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    patients = np.array([f"p{n}" for n in range(300)])
    found = by_group(
        labels,
        probabilities,
        patients,
        groups.tolist(),
        "xyz",
        1,
        column="c",
        order=("a", "b", "c"),
    )
    assert {key: gap["pairs"] for key, gap in found["gaps"].items()} == {
        "roc_auc": 1, "sensitivity": 1, "specificity": 1, "balanced_accuracy": 1, "accuracy": 3,
    }  # fmt: skip
    assert found["groups"][2]["note"] == "No image of z."
    gap = found["gaps"]["accuracy"]
    right = decide(probabilities, 1, None) == labels
    each = {name: right[groups == name].mean() for name in "abc"}
    assert gap["value"] == pytest.approx(max(each.values()) - min(each.values()))


def test_the_influences_of_a_group_are_those_of_its_images() -> None:
    labels, probabilities, patients, groups = score(seed=8)
    found = compared((labels, probabilities, patients, groups))
    inside = groups == "AP"
    alone = statistics(
        labels[inside],
        probabilities[inside],
        decide(probabilities[inside], 1, 0.5),
        1,
        patients[inside],
    )
    shown = found["groups"][0]["metrics"]["roc_auc"]
    assert alone["roc_auc"].within(patients[inside]) == {
        k: shown[k] for k in ("value", "low", "high")
    }
