"""How often a tuning claims a gain that is none, with and without the correction of its choice.

    python benchmarks/tuning_gain.py [STUDIES]

Answers of candidates are made up, 240 images in three folds. The numbers stand in docs/trust.md.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import norm

from zoo.stats import delong
from zoo.stats.optimism import FoldAnswers, corrected

FOLDS, IMAGES, CANDIDATES = 3, 80, 20
SHARED, OWN = 1.0, 0.7
"""Noise that all candidates have alike, as networks on the same pictures do, and their own."""


def study(effects: np.ndarray, random: np.random.Generator) -> tuple[list[FoldAnswers], list]:
    """Return what candidates answered, and for each its mean ROC-AUC with influences."""
    folds = []
    for fold in range(FOLDS):
        truth = np.arange(IMAGES) % 2 == 1
        shared = SHARED * random.normal(size=IMAGES)
        scores = np.stack([e * truth + shared + OWN * random.normal(size=IMAGES) for e in effects])
        patients = np.array([f"{fold}-{i}" for i in range(IMAGES)])
        folds.append(FoldAnswers(truth[:, None], patients, scores[:, :, None]))
    means = [
        delong.average(
            [
                (
                    *delong.influence(fold.truth[:, 0], fold.scores[c, :, 0]),
                    np.arange(number * IMAGES, (number + 1) * IMAGES),
                )
                for number, fold in enumerate(folds)
            ],
            FOLDS * IMAGES,
        )
        for c in range(len(effects))
    ]
    return folds, means


def report(name: str, effects: np.ndarray, studies: int) -> None:
    """Print what is claimed of so many studies."""
    random = np.random.default_rng(0)
    told = []
    for _ in range(studies):
        folds, means = study(effects, random)
        best = int(np.argmax([value for value, _ in means]))
        patients = np.concatenate([fold.patients for fold in folds])
        gap = delong.difference(*means[best], *means[0], patients)
        worth = corrected(folds, 0, resamples=200)
        luck = max(0.0, gap.value - worth.gain)
        true = norm.cdf(effects[best] / np.sqrt(2 * (SHARED**2 + OWN**2)))
        told.append((means[best][0], worth.roc_auc, true, gap.low > 0, gap.low - luck > 0))
    seen, worth, true, plain, moved = np.mean(told, axis=0)
    print(
        f"{name}: the best is said to have {seen:.3f}, corrected {worth:.3f}, has {true:.3f}; "
        f"a gain is claimed in {plain:.0%} of studies, corrected in {moved:.0%}"
    )


if __name__ == "__main__":
    studies = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    report("all alike", np.full(CANDIDATES, 1.0), studies)
    report("different", np.array([1.0, *np.linspace(0.6, 1.6, CANDIDATES - 1)]), studies)
