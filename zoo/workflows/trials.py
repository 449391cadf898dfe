"""Trials of a tuning, fold by fold, as many side by side as there are workers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.base.errors import ZooError
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training.cells import Cell, CellResult
from zoo.training.trial_states import COMPLETE, FAILED, PRUNED
from zoo.workflows.experiments import Opened
from zoo.workflows.optuna_study import Asked, OptunaStudy


@dataclass(frozen=True, eq=False)
class Trainings:
    """How trials are trained: on which folds, and with which settings besides their own."""

    opened: Opened
    name: str
    changes: Mapping[str, Any]
    folds: int

    @property
    def width(self) -> int:
        """How many trainings run at a time."""
        cluster = self.opened.cluster
        return self.opened.setup.jobs if cluster is None else cluster.threads

    def cells(self, changes: Sequence[Mapping[str, Any]]) -> list[list[Cell]]:
        """Return for each trial the cells of all folds.

        Raises:
            ZooError: a setting or a network cannot be used.
        """
        planned = self.opened.plan(
            {
                "architecture": self.name,
                "settings": tuple(sorted({**self.changes, **own}.items())),
                "folds": self.folds,
                "fold": fold,
            }
            for own in changes
            for fold in range(self.folds)
        )
        step = self.folds
        return [planned[start : start + step] for start in range(0, len(planned), step)]

    def area(self, outcome: CellResult) -> float:
        """Return the ROC-AUC on the fold that was tested."""
        answers = outcome.test
        probabilities = softmax(answers.logits / outcome.summary["temperature"])
        return training_metrics(answers.labels, probabilities, self.opened.positive)["roc_auc"]


def run_trials(
    study: OptunaStudy, trainings: Trainings, trials: int, until: float = math.inf
) -> None:
    """Ask for trials until that many are over, or it is `until`, in seconds since the epoch.

    Those that are cut short by time, or by the end of this process, are gone on with next time.
    """
    progress = trainings.opened.setup.progress
    if done := len(study.records()):
        progress.note(f"Done before: {min(done, trials)} of {trials} trials.")
    while (missing := trials - len(study.records())) > 0:
        over = len(study.records())
        batch = [study.ask() for _ in range(min(trainings.width, missing))]
        first, last = over + 1, over + len(batch)
        title = f"Trial {first}" if first == last else f"Trials {first} to {last}"
        title += f" of {trials}"
        _run_batch(study, trainings, batch, until, title, tried_before=over > 0)
        records = study.records()
        for record in records[over:]:
            told = f"Trial {record.number + 1} of {trials}: {record.state}"
            progress.note(f"{told}, {record.scores[-1]:.4f}." if record.scores else f"{told}.")
        if time.time() >= until or any(one.first and one.state == FAILED for one in records):
            return


def _run_batch(
    study: OptunaStudy,
    trainings: Trainings,
    batch: Sequence[Asked],
    until: float,
    title: str,
    *,
    tried_before: bool,
) -> None:
    """Train trials side by side, one fold after the other; those that fall behind are given up."""
    plans: dict[Asked, list[Cell]] = {}
    for trial in batch:
        try:
            (plans[trial],) = trainings.cells([trial.changes])
        except ZooError as error:  # such as weights that these settings need and nobody has
            study.end(trial, FAILED, str(error))
    for fold in range(trainings.folds):
        if not plans:
            return
        failed: dict[str, str] = {}
        trainings.opened.setup.progress.note(f"{title}, fold {fold + 1} of {trainings.folds}")
        trainings.opened.train(
            [plan[fold] for plan in plans.values()],
            until=until,
            failed=failed,
            tried_before=tried_before or fold > 0,
        )
        for trial, plan in list(plans.items()):
            last, cell = fold == trainings.folds - 1, plan[fold]
            if not _goes_on(study, trainings, trial, cell, failed.get(cell.name, ""), last=last):
                del plans[trial]


def _goes_on(
    study: OptunaStudy, trainings: Trainings, trial: Asked, cell: Cell, fault: str, *, last: bool
) -> bool:
    """Note what a fold of a trial came to, and tell whether the next one is to be trained."""
    if fault:
        study.end(trial, FAILED, fault)
        return False
    if not trainings.opened.is_done(cell):
        return False  # the time was up: it stays begun
    outcome = trainings.opened.read(cell)
    area = trainings.area(outcome)
    behind = study.report(trial, area, outcome.summary["seconds"])
    if not math.isfinite(area):
        study.end(trial, FAILED, "Its ROC-AUC is undefined.")
    elif last:
        study.end(trial, COMPLETE)
    elif behind:
        study.end(trial, PRUNED)
    else:
        return True
    return False
