"""All that a training needs to go on after it was killed, in one file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.errors import DamagedRun
from zoo.base.files import replacing


@dataclass
class TrainingState:
    """Where a training stands, early stopping and schedule included."""

    phase: int = 0
    epoch: int = 0
    """Epochs of the phase that are complete."""
    best_epoch: int = 0
    """The row of the history whose weights are kept, from 1; 0: none yet."""
    waited: int = 0
    """Epochs since the best one."""
    rate_factor: float = 1.0
    history: list[dict[str, Any]] = field(default_factory=list)
    stopped: bool = False
    """Whether the phase is over."""
    execution: dict[str, Any] | None = None
    """How the network was computed, as a run's record says it."""
    alarms: list[dict[str, str]] = field(default_factory=list)
    """Those that were raised, as plain data."""

    @property
    def unused_phases(self) -> list[str]:
        """The phases after that of the best epoch: training them changed nothing."""
        if not self.best_epoch:
            return []
        best = self.history[self.best_epoch - 1]["phase"]
        later = dict.fromkeys(row["phase"] for row in self.history[self.best_epoch :])
        return [phase for phase in later if phase != best]


@dataclass(frozen=True)
class Checkpoint:
    """A state with the values of the network's and the optimizer's variables."""

    state: TrainingState
    variables: list[np.ndarray]
    optimizer: list[np.ndarray]
    best: list[np.ndarray]
    """The network's variables after the best epoch."""


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; the one before stays whole until this one is."""
    arrays = {"state": np.array(json.dumps(asdict(checkpoint.state)))}
    for kind in ("variables", "optimizer", "best"):
        for index, value in enumerate(getattr(checkpoint, kind)):
            arrays[f"{kind}/{index}"] = value
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)  # type: ignore[arg-type]


def load(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DamagedRun: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            lists: dict[str, list[np.ndarray]] = {}
            for kind in ("variables", "optimizer", "best"):
                count = sum(name.startswith(f"{kind}/") for name in arrays.files)
                lists[kind] = [arrays[f"{kind}/{index}"] for index in range(count)]
            return Checkpoint(state=TrainingState(**json.loads(str(arrays["state"]))), **lists)
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The checkpoint '{path}' cannot be read ({error}). Train again from the start."
        ) from error


def values(variables: Sequence[Any]) -> list[np.ndarray]:
    """Copy the values of Keras variables."""
    return [np.array(variable.value.numpy()) for variable in variables]  # of several devices, too


def assign(variables: Sequence[Any], saved: Sequence[np.ndarray], path: Path) -> None:
    """Give Keras variables their saved values.

    Raises:
        DamagedRun: they were saved from another network.
    """
    if [tuple(v.shape) for v in variables] != [value.shape for value in saved]:
        raise DamagedRun(
            f"The checkpoint '{path}' is of another network than the architecture now builds. "
            "Install the version of the plugin it was trained with, or train again."
        )
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(value)
