from __future__ import annotations

import numpy as np

from zoo.checks.findings import NOTE
from zoo.checks.held_out import probabilities
from zoo.checks.labels import SHOWN, contradicted, suspected
from zoo.data.baselines import fold_numbers
from zoo.stats.delong import roc_auc
from zoo.stats.intervals import stands_out

NAMES = ("NORMAL", "PNEUMONIA")


def cohort(count: int = 400, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that tell the class of a patient, two images of each."""
    random = np.random.default_rng(seed)
    labels = np.repeat(random.permutation(np.arange(count // 2) % 2), 2)
    features = random.normal(size=(count, 50)).astype(np.float32)
    features[:, :10] += 2 * labels[:, None]
    return features, labels, np.repeat(np.arange(count // 2), 2).astype(str)


def test_the_confident_joint_by_hand() -> None:
    # Means of the own class: 0.8 of label 0 (0.9, 0.9, 0.6), 0.7 of label 1 (0.9, 0.9, 0.3).
    chances = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.1, 0.9], [0.1, 0.9], [0.7, 0.3]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    assert contradicted(chances, labels).tolist() == labels.tolist()  # 0.7 does not reach 0.8
    chances[5] = [0.85, 0.15]
    assert contradicted(chances, labels).tolist() == [0, 0, 0, 1, 1, 0]


def test_of_several_classes_the_most_probable_that_is_reached_counts() -> None:
    # Of class 0 the mean is 0.95, so 0.5 does not reach it; of 1 it is 0.3 and of 2 0.2.
    chances = np.array([[0.95, 0.03, 0.02], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    assert contradicted(chances, np.array([0, 1, 2])).tolist() == [0, 1, 1]


def test_nine_tenths_are_enough_where_the_others_are_nearly_certain() -> None:
    chances = np.array([[0.99, 0.01]] * 9 + [[0.05, 0.95]] + [[0.01, 0.99]] * 10)
    assert contradicted(chances, np.repeat([0, 1], 10)).tolist() == [0] * 9 + [1] * 11


def test_an_absent_class_is_never_named() -> None:
    chances = np.array([[0.4, 0.3, 0.3], [0.3, 0.4, 0.3]])
    assert contradicted(chances, np.array([0, 1])).tolist() == [0, 1]


def test_planted_label_errors_come_first() -> None:
    features, labels, patients = cohort()
    planted = [3, 50, 120, 299]
    labels[planted] = 1 - labels[planted]
    names = [f"i{n}" for n in range(len(labels))]
    entries, findings = suspected(features, labels, fold_numbers(labels, patients), names, NAMES)
    found = [entry["name"] for entry in entries]
    assert set(found[:6]) >= {f"i{n}" for n in planted}
    first = entries[0]
    assert first["predicted"] != first["label"] == NAMES[labels[int(found[0][1:])]]
    assert first["probability"] > 0.9
    (finding,) = findings
    assert finding.level == NOTE
    assert finding.names[: len(found)] == tuple(found)
    own = [1 - entry["probability"] for entry in entries]
    assert own == sorted(own)


def test_at_most_24_are_listed_and_all_are_named() -> None:
    features, labels, patients = cohort()
    wrong = np.random.default_rng(1).permutation(len(labels))[:60]
    labels[wrong] = 1 - labels[wrong]
    folds = fold_numbers(labels, patients)
    entries, (finding,) = suspected(features, labels, folds, [str(n) for n in range(400)], NAMES)
    assert len(entries) == SHOWN < len(finding.names)


def test_labels_that_fit_are_not_suspected() -> None:
    random = np.random.default_rng(2)
    labels = np.arange(100) % 2
    features = random.normal(size=(100, 5)) * 0.1 + 10 * labels[:, None]
    people = np.arange(100).astype(str)
    folds = fold_numbers(labels, people)
    entries, _ = suspected(features, labels, folds, people.tolist(), NAMES)
    assert len(entries) <= 1  # one may reach the mean of the other class by a hair


def test_probabilities_are_out_of_fold_and_by_patient() -> None:
    random = np.random.default_rng(3)
    who = np.repeat(np.arange(60), 4)
    labels = random.permutation(np.arange(60) % 2)[who]
    features = random.normal(size=(60, 200))[who] + random.normal(size=(240, 200)) * 0.05
    apart = probabilities(features, labels, fold_numbers(labels, who))
    np.testing.assert_allclose(apart.sum(axis=1), 1)
    assert roc_auc(labels == 1, apart[:, 1], who.astype(str))["value"] < 0.65
    leaking = probabilities(features, labels, fold_numbers(labels, np.arange(240)))
    assert roc_auc(labels == 1, leaking[:, 1], who.astype(str))["value"] > 0.9


def test_probabilities_of_several_classes() -> None:
    random = np.random.default_rng(4)
    labels = np.arange(150) % 3
    features = random.normal(size=(150, 8)) + 4 * np.eye(3, 8)[labels]
    found = probabilities(features, labels, fold_numbers(labels, np.arange(150)))
    assert found.shape == (150, 3)
    assert (found.argmax(axis=1) == labels).mean() > 0.9


def test_an_area_stands_out_above_the_limit_and_beyond_chance() -> None:
    assert stands_out({"value": 0.7, "low": 0.55, "high": 0.8}, 0.6)
    assert not stands_out({"value": 0.7, "low": 0.45, "high": 0.9}, 0.6)
    assert not stands_out({"value": 0.58, "low": 0.55, "high": 0.6}, 0.6)
    assert not stands_out({"value": None, "low": None, "high": None}, 0.6)
    nothing = roc_auc(np.ones(4, bool), np.arange(4.0), np.arange(4).astype(str))
    assert nothing == {"value": None, "low": None, "high": None}
