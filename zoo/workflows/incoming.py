"""The images that come into a folder, each answered once it is whole."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.base.errors import BadInput
from zoo.data.arrivals import Arrival, ArrivingImages, Stamp
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.queries import Skipped
from zoo.workflows.predict import Prediction

PAUSE = 1.0
"""Seconds between two looks."""

Answering = Callable[[Sequence[Path]], Iterable[Prediction | Skipped]]


@dataclass(frozen=True)
class Answered:
    """A file of a watched folder, and what was answered to it or why it cannot be read."""

    arrival: Arrival
    answer: Prediction | Skipped


def answer_incoming(
    folder: Path,
    answering: Answering,
    *,
    done: Mapping[str, Stamp] | None = None,
    pause: float = PAUSE,
    ended: threading.Event | None = None,
    images: ArrivingImages | None = None,
) -> Iterator[Answered]:
    """Yield an answer to each image in a folder or below it once it is whole, until `ended`.

    A file that cannot be read is left in peace for half a minute without a change, in which it may
    be unfinished, and then told once. `done` are names with their bytes and times, as they were
    when they were answered before; `answering` gives one answer a path, in any order.

    Raises:
        BadInput: there is no such folder. One that goes away later is waited for.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 (never raises)
        raise BadInput(f"There is no folder '{folder}' to watch. Make it, or check the path.")
    images = images or ArrivingImages(folder, done)
    ended = ended or threading.Event()
    while not ended.is_set():
        try:
            arrived = images.look()
        except (BadInput, OSError):  # a share that is not there for a moment
            arrived = []
        for start in range(0, len(arrived), PREDICTION_BATCH):
            batch = {str(one.path): one for one in arrived[start : start + PREDICTION_BATCH]}
            for answer in answering([one.path for one in batch.values()]):
                arrival = batch[answer.name]
                if isinstance(answer, Skipped) and not arrival.final:
                    continue
                images.finish(arrival)
                yield Answered(arrival, answer)
            if ended.is_set():
                return
        ended.wait(pause)
