"""How a training stands, read from its process, its run folder and what it wrote."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zoo.base.locks import is_held
from zoo.runs import run_folder
from zoo.runs.history import read_history
from zoo.runs.run_folder import Run

RUNNING, STOPPING, FINISHED, STOPPED, FAILED = (
    "running",
    "stopping",
    "finished",
    "stopped",
    "failed",
)
ALIVE = frozenset({RUNNING, STOPPING})
ERROR, WARNING, TRACE, HALTED = (
    "Error: ",
    "Warning: ",
    "Traceback (most recent call last):",
    "Stopped.",
)
LOG_LINES = 40
ELSEWHERE = (
    "It was not started here, so it can be stopped only where it was started, such as a terminal."
)
LATER = "One training at a time: it can be resumed when the one that runs now has ended."


@dataclass(frozen=True, kw_only=True)
class State:
    """How a training stands: a word, a sentence, its epochs so far, and what it wrote.

    `architecture` is that of its run; empty as long as there is none.
    """

    state: str
    sentence: str
    run: str
    architecture: str
    synthetic: bool
    resumable: bool
    epoch: int
    epochs: int
    rows: list[dict[str, Any]]
    alarms: list[str]
    log: list[str]

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.state in ALIVE


def state_of(
    word: str, sentence: str, run: Run | None, log: Sequence[str], *, resumable: bool
) -> State:
    """Return a state with the epochs of a run so far."""
    rows = _rows(run)
    recipe = run.record["recipe"] if run else {}
    return State(
        state=word,
        sentence=sentence,
        run=run.name if run else "",
        architecture=run.record["architecture"] if run else "",
        synthetic=bool(run and run.record["data"].get("synthetic")),
        resumable=resumable,
        epoch=len(rows),
        epochs=int(recipe.get("epochs", 0)) + int(recipe.get("fine_tune_epochs", 0)),
        rows=rows,
        alarms=_alarms(run, log),
        log=without_traces(log)[-LOG_LINES:],
    )


def state_of_run(run: Run, *, full: bool) -> State:
    """Look at a run whose training was not started here: from its folder alone.

    `full`: as many are trained here as may be, so it cannot be resumed now.
    """
    held = not run.done and is_held(run.path)
    word, sentence = judged(False, held, run, ())
    if held:
        sentence = ELSEWHERE
    elif full and not run.done:
        sentence = f"{sentence} {LATER}"
    resumable = not (run.done or held or full)
    return state_of(word, sentence, run, (), resumable=resumable)


def judged(asked: bool, alive: bool, run: Run | None, log: Sequence[str]) -> tuple[str, str]:
    """Return the state of a training and a sentence on it."""
    if alive and asked:
        return STOPPING, "It stops after the step it is at. The last whole epoch stays."
    if alive and run is None:
        return RUNNING, "It reads the data and makes ready. The first epoch comes soon."
    if alive:
        return RUNNING, "It goes on when this page, the browser or the application is closed."
    if run is not None and run.done:
        return FINISHED, "It is finished: the best epoch was kept and measured on the test part."
    ends = "Resume goes on after its last whole epoch." if run else "Start it again."
    if asked or HALTED in log[-3:] or "KeyboardInterrupt" in log[-1:]:
        return STOPPED, f"It was stopped. {ends}"
    if error := _error(log):
        return FAILED, error
    if any(line.startswith(TRACE) for line in log):
        return FAILED, f"A mistake of the program ended it; its log has the trace. {ends}"
    return STOPPED, f"It ended without a word, as when it is killed or the machine goes off. {ends}"


def _error(log: Sequence[str]) -> str:
    """Return the last error that a command told, with all its lines; empty without one."""
    starts = [place for place, line in enumerate(log) if line.startswith(ERROR)]
    return "\n".join(log[starts[-1] :]).removeprefix(ERROR).strip() if starts else ""


def without_traces(log: Sequence[str]) -> list[str]:
    """Return the lines of a log without those of a trace, which are not for people."""
    kept: list[str] = []
    inside = False
    for line in log:
        inside = line.startswith(TRACE) or (inside and line.startswith((" ", "\t")))
        if not inside:
            kept.append(line)
    return kept


def _alarms(run: Run | None, log: Sequence[str]) -> list[str]:
    if run is not None and run.done:
        return [str(alarm) for alarm in run.alarms]
    told = [line.removeprefix(WARNING) for line in log if line.startswith(WARNING)]
    return list(dict.fromkeys(told))


def _rows(run: Run | None) -> list[dict[str, Any]]:
    """Return the epochs of a run; what is not a finite number is left empty."""
    if run is None:
        return []
    try:
        rows = read_history(run.path / run_folder.HISTORY)
    except (OSError, ValueError, TypeError):
        return []  # before the first epoch
    return [{name: _finite(value) for name, value in row.items()} for row in rows]


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def state_record(state: State) -> Mapping[str, Any]:
    """Return a state as plain data that JSON takes."""
    return {**asdict(state), "alive": state.alive}
