"""Scores and paired tests of networks that answered the same images."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.leaderboard import Trial, leaderboard, pair_sentence


def outputs(strength: float, seed: int, images: int = 600, classes: int = 2) -> LabelledLogits:
    """Logits whose noise depends on `seed` while the labels stay the same."""
    labels = np.arange(images) % classes
    noise = np.random.default_rng(seed).normal(size=(images, classes))
    logits = noise + strength * np.eye(classes)[labels]
    patients = np.array([f"p{i // 2}" for i in range(images)])
    names = np.array([f"i{i:04d}" for i in range(images)])
    return LabelledLogits(logits.astype(np.float32), labels, patients, names)


def trial(own: LabelledLogits, **more) -> Trial:
    return Trial(own, 1.0, 0.5, **more)


def test_a_better_network_comes_first_and_the_test_says_so() -> None:
    found = leaderboard({"weak": [trial(outputs(0.5, 1))], "strong": [trial(outputs(2.5, 2))]}, 1)
    assert [entry["name"] for entry in found["entries"]] == ["strong", "weak"]
    (pair,) = found["pairs"]
    assert (pair["a"], pair["b"]) == ("strong", "weak")
    assert pair["p_auc_holm"] < 0.001 > pair["p_accuracy_holm"]
    assert "strong ranks images better" in pair["sentence"]
    assert "strong decides right more often" in pair["sentence"]


def test_equal_networks_show_no_difference() -> None:
    own = outputs(1.5, 1)
    found = leaderboard({"a": [trial(own)], "b": [trial(own)]}, 1)
    (pair,) = found["pairs"]
    assert pair["difference"]["value"] == 0
    assert pair["p_auc"] == pair["p_accuracy"] == 1
    assert "no difference in ROC-AUC shown at this sample size" in pair["sentence"]
    assert "no difference in accuracy shown" in pair["sentence"]


def test_constant_networks_have_no_interval_and_neither_has_their_difference() -> None:
    own = outputs(1.5, 1)
    same = LabelledLogits(np.zeros_like(own.logits), own.labels, own.patients, own.names)
    found = leaderboard({"a": [trial(same)], "b": [trial(same)]}, 1)
    nothing = {"value": 0.5, "low": None, "high": None}
    assert [entry["roc_auc"] for entry in found["entries"]] == [nothing, nothing]
    (pair,) = found["pairs"]
    assert pair["difference"] == {"value": 0, "low": None, "high": None}
    assert "no difference in ROC-AUC shown at this sample size (+0.000);" in pair["sentence"]


def test_values_are_scikit_learns() -> None:
    from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

    own = outputs(1.0, 3)
    (entry,) = leaderboard({"a": [trial(own)]}, 1)["entries"]
    scores = own.logits[:, 1] - own.logits[:, 0]
    decided = (scores >= 0).astype(int)
    assert entry["roc_auc"]["value"] == pytest.approx(roc_auc_score(own.labels, scores), abs=1e-6)
    assert entry["accuracy"]["value"] == pytest.approx((decided == own.labels).mean())
    assert entry["balanced_accuracy"]["value"] == pytest.approx(
        balanced_accuracy_score(own.labels, decided)
    )
    assert entry["sensitivity"]["value"] == pytest.approx(recall_score(own.labels, decided))
    assert entry["specificity"]["value"] == pytest.approx(
        recall_score(own.labels, decided, pos_label=0)
    )
    assert entry["spread"] is None


def test_folds_and_seeds_are_averaged() -> None:
    whole = outputs(1.0, 4)
    halves = [trial(whole.chosen(np.arange(600) % 4 // 2 == fold), fold=fold) for fold in (0, 1)]
    (entry,) = leaderboard({"a": halves}, 1)["entries"]
    assert entry["roc_auc"]["value"] == pytest.approx(
        np.mean([cell["roc_auc"] for cell in entry["cells"]])
    )
    (single,) = leaderboard({"a": [trial(whole)]}, 1)["entries"]
    width = entry["roc_auc"]["high"] - entry["roc_auc"]["low"]
    assert width == pytest.approx(single["roc_auc"]["high"] - single["roc_auc"]["low"], rel=0.15)


def test_more_than_two_classes_are_averaged_against_the_rest() -> None:
    from sklearn.metrics import roc_auc_score

    from zoo.stats.probabilities import softmax

    own = outputs(1.0, 5, classes=3)
    found = leaderboard({"a": [Trial(own, 1.0, None)]}, 2)
    expected = roc_auc_score(own.labels, softmax(own.logits), multi_class="ovr")
    assert found["entries"][0]["roc_auc"]["value"] == pytest.approx(expected, abs=1e-6)


def test_intervals_by_patient_are_wider_when_images_of_a_patient_agree() -> None:
    own = outputs(1.0, 6, images=200)
    twice = LabelledLogits(
        *(np.concatenate([a, a]) for a in (own.logits, own.labels, own.patients)),
        np.concatenate([own.names, np.char.add(own.names, "b")]),
    )
    once, copied = (
        leaderboard({"a": [trial(o)]}, 1)["entries"][0]["roc_auc"] for o in (own, twice)
    )
    assert copied["high"] - copied["low"] == pytest.approx(once["high"] - once["low"], rel=0.05)


def test_the_sentence_names_the_one_that_is_ahead() -> None:
    pair = {
        "a": "one",
        "b": "two",
        "difference": {"value": -0.02, "low": -0.03, "high": -0.01},
        "p_auc_holm": 0.001,
        "p_accuracy_holm": 0.4,
        "discordant": [5, 7],
    }
    assert pair_sentence(pair).startswith("two ranks images better than one")
