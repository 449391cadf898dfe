"""The baselines that never see the lungs, on the folds that networks are compared on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from zoo.base.progress import Progress
from zoo.data import baseline_inputs, baselines
from zoo.data.splits import folds as folds_of
from zoo.data.verify import Verified, labels_of
from zoo.stats.delong import roc_area
from zoo.stats.leaderboard import mean_over


def baselines_on_folds(
    verified: Verified,
    folds: int,
    parts: Sequence[tuple[int, int]],
    positive: int,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Return `{name, title, roc_auc}` of each baseline, fitted and tested on parts (seed, fold)."""
    dataset = verified.dataset
    place = {s.name: i for i, s in enumerate(dataset.samples)}
    measured = baseline_inputs.baseline_inputs(dataset, dataset.samples, progress=progress)
    patients = np.array([s.patient for s in dataset.samples])
    truth = baselines.asked(labels_of(dataset.samples), positive, len(dataset.class_names))
    divisions = [
        (
            [place[s.name] for s in (*division.train, *division.validation)],
            [place[s.name] for s in division.test],
        )
        for seed in dict.fromkeys(seed for seed, _ in parts)
        for number, division in enumerate(folds_of(dataset, verified.digests, folds, seed))
        if (seed, number) in parts
    ]
    rows = []
    for name, values in measured.items():
        statistics, tested = [], []
        for learn, test in divisions:
            scores = baselines.fit_baseline(values, truth, learn).scores(values[test])
            statistics.append(roc_area(truth[test], scores, patients[test]))
            tested.append(test)
        mean = mean_over(statistics, tested, len(patients))
        rows.append(
            {
                "name": name,
                "title": baseline_inputs.title(name, values),
                "roc_auc": mean.within(patients),
            }
        )
    return rows
