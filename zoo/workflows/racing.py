"""Networks trained fold by fold within a budget of time, those that lose stopped early."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.base.number_text import interval, number, value_text
from zoo.stats.leaderboard import Trial
from zoo.stats.racing import Standing, fitting, losers, standings
from zoo.training.cells import Cell, CellResult
from zoo.workflows.experiments import Opened

WORSE, TIME = "worse", "time"
"""Why a candidate was stopped."""


@dataclass(frozen=True, eq=False)
class Race:
    """What a race left: the outcomes of those that were not stopped, and who was, and why."""

    outcomes: Mapping[str, Sequence[CellResult]]
    stopped: Sequence[Mapping[str, Any]]
    rounds: int
    """Trainings of each that was not stopped."""
    seconds: float


class Racing:
    """Candidates with their cells, one for each round, and how far they are."""

    def __init__(self, opened: Opened, plan: Mapping[str, Sequence[Cell]], budget: float) -> None:
        self.opened, self.plan, self.budget = opened, plan, budget
        self.rounds = len(next(iter(plan.values())))
        self.outcomes: dict[str, list[CellResult]] = {name: [] for name in plan}
        self.running = list(plan)
        self.stopped: list[dict[str, Any]] = []
        self.began, self.trained = time.monotonic(), 0.0

    @property
    def spent(self) -> float:
        """Return the seconds since it began."""
        return time.monotonic() - self.began

    def train(self, number: int) -> list[str]:
        """Train the cells of a round as far as there is time; return who was reached."""
        cells = [self.plan[name][number] for name in self.running]
        new = [cell.name for cell in cells if not self.opened.is_done(cell)]
        if number and new and self.spent >= self.budget:
            return []
        until = time.time() + self.budget - self.spent
        self.opened.train(cells, until=until, tried_before=True)
        for name, cell in zip(self.running, cells, strict=True):
            if self.opened.is_done(cell):
                outcome = self.opened.read(cell)
                self.outcomes[name].append(outcome)
                self.trained += outcome.summary["seconds"] * (cell.name in new)
        return [name for name in self.running if len(self.outcomes[name]) > number]

    def needed(self, name: str, number: int) -> float:
        """Return the seconds that a candidate would still take after that many rounds.

        They are what its trainings took, at the pace at which all of them went by: several run side
        by side.
        """
        taken = [outcome.summary["seconds"] for outcome in self.outcomes[name]]
        rest = [c for c in self.plan[name][number:] if not self.opened.is_done(c)]
        pace = self.spent / self.trained if self.trained else 1 / self.opened.setup.jobs
        return len(rest) * pace * sum(taken) / len(taken)

    def stop(self, name: str, reason: str, standing: Sequence[Standing] = ()) -> None:
        """Train a candidate no further, and say why."""
        self.running.remove(name)
        own = next((one for one in standing if one.name == name), None)
        told = {
            "name": name,
            "reason": reason,
            "trainings": len(self.outcomes[name]),
            "planned": self.rounds,
            "seconds": sum(outcome.summary["seconds"] for outcome in self.outcomes[name]),
            "roc_auc": None if own is None else own.roc_auc,
            "leader": None if own is None else standing[0].name,
            "difference": None,
            "p": None,
        }
        if own is not None and own.behind is not None:
            gap = own.behind.to_record()
            told |= {"difference": {n: gap[n] for n in ("value", "low", "high")}, "p": own.p}
        told["sentence"] = stop_sentence(told)
        self.stopped.append(told)
        self.opened.setup.progress.note(told["sentence"])


def race(
    opened: Opened,
    plan: Mapping[str, Sequence[Cell]],
    trial: Callable[[CellResult], Trial],
    budget: float,
) -> Race:
    """Train candidates round by round, and stop those that lose or for whom there is no time.

    `plan` has for each the cells of all rounds, of the same seeds and folds; the first round takes
    them in this order, later ones the best first. `budget` are the seconds in which trainings may
    begin. What is trained already costs none of them. Networks must have been tried before.

    Raises:
        ZooError: as `Opened.train`.
    """
    racing = Racing(opened, plan, budget)
    done, standing = 0, list[Standing]()
    while done < racing.rounds and (reached := racing.train(done)):
        for name in [name for name in racing.running if name not in reached]:
            racing.stop(name, TIME, standing)
        done += 1
        if done == racing.rounds or len(racing.running) == 1:
            continue
        trials = {
            name: [trial(outcome) for outcome in racing.outcomes[name]] for name in racing.running
        }
        standing = standings(trials, opened.positive)
        for one in losers(standing, racing.rounds - 1):
            racing.stop(one.name, WORSE, standing)
        racing.running = [one.name for one in standing if one.name in racing.running]
        needed = {name: racing.needed(name, done) for name in racing.running}
        for name in racing.running[len(fitting(racing.running, needed, budget - racing.spent)) :]:
            racing.stop(name, TIME, standing)
    outcomes = {name: racing.outcomes[name] for name in racing.running}
    return Race(outcomes, racing.stopped, done, racing.spent)


def stop_sentence(stopped: Mapping[str, Any]) -> str:
    """Say who was stopped, after what and why."""
    name, done, planned = stopped["name"], stopped["trainings"], stopped["planned"]
    if not done:
        return f"{name} was not trained: the time was up."
    told = f"{name} was stopped after {done} of {planned} trainings"
    if stopped["difference"] is None:
        return f"{told}: the time would not have sufficed for it."
    gap = stopped["difference"]
    reach = number(gap["value"], signed=True)
    if gap["low"] is not None:
        reach += f", {interval(gap['low'], gap['high'], signed=True)}"
    against = f"{stopped['leader']} on the same folds"
    if stopped["reason"] == WORSE:
        return f"{told}: it ranks images worse than {against} (ROC-AUC {reach})."
    return (
        f"{told}, with a ROC-AUC of {value_text(stopped['roc_auc'])}: the time would not have "
        f"sufficed for all, and it was among the worse half ({reach} to {against})."
    )
