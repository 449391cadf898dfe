"""Trials of settings that Optuna proposes, prunes and remembers in a file.

A trial that was begun and not ended, since its process was killed, is asked for again with the same
settings. The first trial has the settings as they are, and is never pruned: the others are compared
with it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.base.errors import DamagedRun, InvalidSetting, NotWritten, in_a_line
from zoo.training.search_space import Choice, Range, Space, rounded
from zoo.training.trial_states import COMPLETE, FAILED, PRUNED

FIRST = "first"
AGAIN = "again"
"""The trial that another one repeats."""
STARTUP = 10
"""Trials with random settings, before any are proposed by what others showed."""
UNPRUNED = 5
"""Whole trials before any is pruned."""


@dataclass(frozen=True)
class TrialRecord:
    """A trial that is over: its settings, what was measured fold by fold, and how it ended."""

    number: int
    state: str
    changes: Mapping[str, Any]
    scores: Sequence[float]
    """The mean ROC-AUC after each fold."""
    seconds: float
    reason: str
    first: bool


@dataclass(eq=False)
class Asked:
    """A trial under way."""

    trial: Any
    changes: Mapping[str, Any]
    first: bool
    areas: list[float] = field(default_factory=list)
    seconds: float = 0.0


class OptunaStudy:
    """What was tried so far of a search space, kept in the file `path`.

    `values` are the settings as they are, which the first trial has.

    Raises:
        InvalidSetting: Optuna is not installed.
        DamagedRun: the file is not one of Optuna's.
        NotWritten: the system does not let it be written, now or later.
    """

    def __init__(self, path: Path, space: Space, values: Mapping[str, Any], seed: int) -> None:
        optuna = _optuna()
        from sqlalchemy.exc import OperationalError
        from sqlalchemy.pool import NullPool

        self._path, self._failure = path, optuna.exceptions.StorageInternalError
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.space, self._states = space, optuna.trial.TrialState
        self._distributions = {name: _distribution(optuna, part) for name, part in space.items()}
        try:
            # The address is not the file's: one with a question mark in it could not be written.
            storage = optuna.storages.RDBStorage(
                "sqlite:///study",
                engine_kwargs={"creator": lambda: _connection(path), "poolclass": NullPool},
            )
            self._study = optuna.create_study(
                storage=storage,
                study_name="tuning",
                direction="maximize",
                load_if_exists=True,
                pruner=optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED),
            )
            begun = len(self._study.get_trials(deepcopy=False))
        except OperationalError as error:
            raise _not_written(path, error) from error
        except Exception as error:  # a damaged file fails in many ways
            raise DamagedRun(
                f"'{path}' cannot be used as a study of Optuna ({type(error).__name__}). Delete "
                "it and give the command again: what was trained is found."
            ) from error
        # Going on must not draw again what was drawn at the beginning.
        self._study.sampler = optuna.samplers.TPESampler(
            seed=seed + begun, n_startup_trials=STARTUP
        )
        self._take_up({name: _within(part, values[name]) for name, part in space.items()})

    def ask(self) -> Asked:
        """Return the next trial."""
        with self._writing():
            trial = self._study.ask(self._distributions)
        first = bool(trial.user_attrs.get(FIRST))
        return Asked(trial, {} if first else self._changes(trial.params), first)

    def report(self, asked: Asked, area: float, seconds: float) -> bool:
        """Note the ROC-AUC of the next fold; tell whether the trial is to be given up."""
        asked.areas.append(area)
        asked.seconds += seconds
        mean = sum(asked.areas) / len(asked.areas)
        with self._writing():
            asked.trial.report(mean, len(asked.areas))
            return not asked.first and asked.trial.should_prune()

    def end(self, asked: Asked, state: str, reason: str = "") -> None:
        """Note how a trial ended."""
        mean = sum(asked.areas) / len(asked.areas) if asked.areas else math.nan
        value = mean if state == COMPLETE and math.isfinite(mean) else None
        ended = self._states.PRUNED if state == PRUNED else self._states.FAIL
        with self._writing():
            asked.trial.set_user_attr("seconds", asked.seconds)
            asked.trial.set_user_attr("reason", reason)
            self._study.tell(asked.trial, value, state=ended if value is None else None)

    def records(self) -> list[TrialRecord]:
        """Return the trials that are over, in the order in which they were begun."""
        states = {
            self._states.COMPLETE: COMPLETE,
            self._states.PRUNED: PRUNED,
            self._states.FAIL: FAILED,
        }
        trials = self._study.get_trials(deepcopy=False)
        repeated = {one.user_attrs[AGAIN] for one in trials if AGAIN in one.user_attrs}
        over = [one for one in trials if one.state in states and one.number not in repeated]
        return [
            TrialRecord(
                number=number,
                state=states[one.state],
                changes={} if one.user_attrs.get(FIRST) else self._changes(one.params),
                scores=[value for _, value in sorted(one.intermediate_values.items())],
                seconds=one.user_attrs.get("seconds", 0.0),
                reason=one.user_attrs.get("reason", ""),
                first=bool(one.user_attrs.get(FIRST)),
            )
            for number, one in enumerate(over)
        ]

    def _take_up(self, values: Mapping[str, Any]) -> None:
        """Ask for the first trial, and again for those that were begun and never ended."""
        trials = self._study.get_trials(deepcopy=False)
        if not trials:
            self._study.enqueue_trial(dict(values), user_attrs={FIRST: True})
            return
        repeated = {one.user_attrs[AGAIN] for one in trials if AGAIN in one.user_attrs}
        for one in trials:
            first = bool(one.user_attrs.get(FIRST))
            left = one.state == self._states.RUNNING
            if one.number in repeated and not left:
                continue
            if left or (first and one.state == self._states.FAIL):
                if one.number not in repeated:
                    attributes = {AGAIN: one.number, **({FIRST: True} if first else {})}
                    self._study.enqueue_trial(one.params, user_attrs=attributes)
                if left:
                    self._study.tell(one.number, state=self._states.FAIL)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except self._failure as error:
            raise _not_written(self._path, error) from error

    def _changes(self, values: Mapping[str, Any]) -> dict[str, Any]:
        changes = {}
        for name, value in values.items():
            part = self.space[name]
            changes[name] = rounded(value, part) if isinstance(part, Range) else value
        return changes


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise InvalidSetting(
            "zoo tune needs Optuna, which is not part of the plain installation: "
            "pip install 'xray-zoo[tune]'"
        ) from error
    return optuna


def _not_written(path: Path, error: Exception) -> NotWritten:
    return NotWritten(
        f"The study '{path}' cannot be written ({in_a_line(error)}). Make room, or let it be "
        "written, and give the command again: it goes on from there."
    )


def _connection(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=60, check_same_thread=False)


def _within(part: Range | Choice, value: Any) -> Any:
    """Return a value, or the nearest that is searched: Optuna learns from the first trial, too."""
    if isinstance(part, Choice):
        return value if value in part.values else part.values[0]
    return min(max(value, part.low), part.high)


def _distribution(optuna: Any, part: Range | Choice) -> Any:
    kinds = optuna.distributions
    if isinstance(part, Choice):
        return kinds.CategoricalDistribution(part.values)
    kind = kinds.IntDistribution if part.whole else kinds.FloatDistribution
    return kind(part.low, part.high, log=part.logarithmic)
