"""The best of many candidates, without the luck for which it was chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from zoo.stats import optimism
from zoo.stats.delong import roc_area
from zoo.stats.optimism import FoldAnswers, corrected

FOLDS, IMAGES = 3, 80


def answered(effects: list[float], seed: int) -> list[FoldAnswers]:
    """Scores of candidates that tell the classes apart by so much, beside noise of their own."""
    random = np.random.default_rng(seed)
    folds = []
    for fold in range(FOLDS):
        truth = np.arange(IMAGES) % 2 == 1
        shared = random.normal(size=IMAGES)
        scores = np.stack([e * truth + shared + random.normal(size=IMAGES) for e in effects])
        patients = np.array([f"{fold}-{i}" for i in range(IMAGES)])
        folds.append(FoldAnswers(truth[:, None], patients, scores[:, :, None]))
    return folds


def highest(folds: list[FoldAnswers]) -> float:
    areas = [
        [roc_area(fold.truth[:, 0], own[:, 0], fold.patients).value for own in fold.scores]
        for fold in folds
    ]
    return float(np.mean(areas, axis=0).max())


def test_of_candidates_that_are_all_alike_the_luck_is_taken_away() -> None:
    """The highest of 12 alike is too high; corrected it is what each of them is worth."""
    truth = norm.cdf(1 / 2)
    seen = [answered([1.0] * 12, seed) for seed in range(12)]
    assert np.mean([highest(folds) for folds in seen]) > truth + 0.025
    worth = [corrected(folds, 0, resamples=60) for folds in seen]
    assert np.mean([one.roc_auc for one in worth]) == pytest.approx(truth, abs=0.015)
    assert np.mean([one.gain for one in worth]) == pytest.approx(0, abs=0.015)


def test_a_true_gain_stays() -> None:
    worth = [
        corrected(answered([0.3, *[0.3] * 6, 2.5], seed), 0, resamples=40) for seed in range(5)
    ]
    gained = norm.cdf(2.5 / 2) - norm.cdf(0.3 / 2)
    assert np.mean([one.gain for one in worth]) == pytest.approx(gained, abs=0.04)


def test_of_one_candidate_nothing_is_taken_away() -> None:
    folds = answered([1.0], 3)
    worth = corrected(folds, 0, resamples=300)
    assert worth.roc_auc == pytest.approx(highest(folds), abs=0.005)
    assert worth.gain == 0


def test_copies_of_a_patients_images_change_nothing() -> None:
    """Each image twice under its patient's name: the patients are drawn, not the images."""
    folds = answered([1.0, 0.8], 4)
    twice = [
        FoldAnswers(
            np.repeat(fold.truth, 2, axis=0),
            np.repeat(fold.patients, 2),
            np.repeat(fold.scores, 2, axis=1),
        )
        for fold in folds
    ]
    assert corrected(twice, 0, 50).roc_auc == pytest.approx(corrected(folds, 0, 50).roc_auc)


def test_a_weighted_area_is_scikit_learns() -> None:
    random = np.random.default_rng(5)
    scores = random.integers(0, 6, 60).astype(float)  # many are equal
    truth = random.random(60) < 0.4
    weights = random.integers(0, 4, (3, 60)).astype(float)
    fold = FoldAnswers(truth[:, None], np.arange(60).astype(str), scores[None, :, None])
    (ranked,) = optimism._ranked(fold, 0)
    wanted = [roc_auc_score(truth, scores, sample_weight=own) for own in weights]
    assert optimism._weighted_area(weights, ranked).tolist() == pytest.approx(wanted)
    assert math.isnan(optimism._weighted_area(np.zeros((1, 60)), ranked)[0])


def test_several_classes_are_averaged_and_one_class_alone_is_undefined() -> None:
    (fold, *_) = answered([1.0, 1.0], 6)
    both = FoldAnswers(
        np.concatenate([fold.truth, ~fold.truth], axis=1),
        fold.patients,
        np.concatenate([fold.scores, -fold.scores], axis=2),
    )
    assert corrected([both], 0, 50).roc_auc == pytest.approx(corrected([fold], 0, 50).roc_auc)
    alone = FoldAnswers(np.ones_like(fold.truth), fold.patients, fold.scores)
    assert math.isnan(corrected([alone], 0, 20).roc_auc)
