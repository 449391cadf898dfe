"""Trials of a tuning, fold by fold, as many side by side as there are workers."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.base.errors import ZooError
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training.cells import Cell, CellResult
from zoo.training.trial_states import COMPLETE, FAILED, PRUNED
from zoo.workflows.experiments import Opened
from zoo.workflows.optuna_study import Asked, OptunaStudy


@dataclass(frozen=True, eq=False)
class Round:
    """Where trials are trained: on which folds, and with which settings besides their own."""

    opened: Opened
    name: str
    changes: Mapping[str, Any]
    folds: int

    @property
    def place(self) -> Path:
        """The folder of the experiment."""
        return self.opened.place(self.folds)

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

    def train(self, cells: Sequence[Cell], **how: Any) -> None:
        """Train cells; `how` is as in `train_all`."""
        self.opened.train(cells, self.place, **how)

    def is_done(self, cell: Cell) -> bool:
        """Tell whether a cell was trained to its end."""
        return self.opened.is_done(cell, self.place)

    def read(self, cell: Cell) -> CellResult:
        """Read what a finished cell left."""
        return self.opened.read(cell, self.place)

    def area(self, outcome: CellResult) -> float:
        """Return the ROC-AUC on the fold that was tested."""
        answers = outcome.test
        probabilities = softmax(answers.logits / outcome.summary["temperature"])
        return training_metrics(answers.labels, probabilities, self.opened.positive)["roc_auc"]


def run_trials(study: OptunaStudy, asked: Round, trials: int, until: float = math.inf) -> None:
    """Ask for trials until that many are over, or it is `until`, in seconds since the epoch.

    Those that are cut short by time, or by the end of this process, are gone on with next time.
    """
    while (missing := trials - len(study.records())) > 0:
        over = len(study.records())
        batch = [study.ask() for _ in range(min(asked.width, missing))]
        _run_batch(study, asked, batch, until, tried_before=over > 0)
        progress = asked.opened.setup.progress
        records = study.records()
        for record in records[over:]:
            told = f"Trial {record.number + 1} of {trials}: {record.state}"
            progress.note(f"{told}, {record.scores[-1]:.4f}." if record.scores else f"{told}.")
        if time.time() >= until or any(one.first and one.state == FAILED for one in records):
            return


def _run_batch(
    study: OptunaStudy,
    asked: Round,
    batch: Sequence[Asked],
    until: float,
    *,
    tried_before: bool,
) -> None:
    """Train trials side by side, one fold after the other; those that fall behind are given up."""
    plans: dict[Asked, list[Cell]] = {}
    for trial in batch:
        try:
            (plans[trial],) = asked.cells([trial.changes])
        except ZooError as error:  # such as weights that these settings need and nobody has
            study.end(trial, FAILED, str(error))
    for fold in range(asked.folds):
        if not plans:
            return
        failed: dict[str, str] = {}
        asked.train(
            [plan[fold] for plan in plans.values()],
            until=until,
            failed=failed,
            tried_before=tried_before or fold > 0,
        )
        for trial, plan in list(plans.items()):
            cell = plan[fold]
            if reason := failed.get(cell.name):
                study.end(trial, FAILED, reason)
            elif not asked.is_done(cell):
                del plans[trial]  # the time was up: it stays begun
                continue
            else:
                outcome = asked.read(cell)
                area = asked.area(outcome)
                behind = study.report(trial, area, outcome.summary["seconds"])
                if not math.isfinite(area):
                    study.end(trial, FAILED, "Its ROC-AUC is undefined.")
                elif fold == asked.folds - 1:
                    study.end(trial, COMPLETE)
                    continue
                elif behind:
                    study.end(trial, PRUNED)
                else:
                    continue
            del plans[trial]
