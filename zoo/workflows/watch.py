"""Watch a folder: answer to the images that come into it, for as long as somebody wants it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from zoo.network.engines.engine import AUTO
from zoo.runs.run_folder import Run
from zoo.workflows.answer_log import AnswerLog
from zoo.workflows.incoming import PAUSE, Answered, answer_incoming
from zoo.workflows.predict import answering


def watch(
    folder: str | Path,
    run: Run,
    *,
    log: str | Path | None = None,
    sensitivity: float | None = None,
    prevalence: float | None = None,
    engine: str = AUTO,
    pause: float = PAUSE,
    ended: threading.Event | None = None,
) -> Iterator[Answered]:
    """Yield the answer of a run to each image that comes into a folder, or below it, until `ended`.

    Those that are there already come first. An image is answered once it is whole, and again when
    it changes; a file that cannot be read is told once, after half a minute without a change. Each
    answer is appended to the file `log`, a table (`.csv`) or JSON lines (any other name), and what
    it holds already is not answered again. `pause` are the seconds between two looks; the other
    settings are those of `predict`.

    Raises:
        ZooError: there is no such folder (one that goes away later is waited for), the log is of
            another run or cannot be written, or the run cannot be used.

    Example:
        >>> for one in zoo.watch("pictures", run, log="answers.csv"):
        ...     print(one.arrival.name, list(one.answer.probabilities))
        ...     if one.arrival.name.startswith("PNEUMONIA"):
        ...         break  # or set the event `ended`; else it waits for more
        NORMAL-1.png ['NORMAL', 'PNEUMONIA']
        PNEUMONIA-1.png ['NORMAL', 'PNEUMONIA']
    """
    kept = None if log is None else AnswerLog(Path(log), run.name, run.class_names)
    answers = answering(run, sensitivity=sensitivity, prevalence=prevalence, engine=engine)
    done = None if kept is None else kept.done
    for one in answer_incoming(Path(folder), answers, done=done, pause=pause, ended=ended):
        if kept is not None:
            kept.append(one)
        yield one
