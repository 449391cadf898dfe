"""Classify image files with a finished run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.displayed import Drawn, Tabled
from zoo.base.listeners import listener
from zoo.base.progress import SILENT, Progress
from zoo.data import queries
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.data.pixels import FileReader
from zoo.data.queries import Skipped
from zoo.network.engines.engine import AUTO
from zoo.network.frame import Box, box_of
from zoo.runs import engine_choice, run_folder
from zoo.runs.answering import Answerer, Answers
from zoo.runs.run_folder import Run


@dataclass(frozen=True, repr=False)
class Prediction(Tabled, Drawn):
    """What a run says of one image; `probabilities` are by class name, 0 to 1.

    `label` is the class that is named, or what is answered instead; `refused` is then 'uncertain'
    or 'unknown' (else empty), `reason` says why and `leaning` is the class that would have been
    named. `distance` is that to the nearest training cases. `box` is what the network saw of the
    image (top, left, bottom, right as shares of it), None when it saw all of it.
    """

    name: str
    label: str
    leaning: str
    refused: str
    reason: str
    distance: float
    probabilities: dict[str, float]
    box: Box | None = None

    def row(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def predict(
    paths: Sequence[str | Path],
    run: Run,
    *,
    sensitivity: float | None = None,
    prevalence: float | None = None,
    engine: str = AUTO,
    progress: Progress | None = None,
) -> Iterator[Prediction | Skipped]:
    """Yield a prediction for each image of the files and folders, in order, batch by batch.

    `sensitivity` chooses another threshold on the run's validation part; `prevalence` is how
    frequent the class looked for is where the images come from: it corrects the probabilities.
    `engine` is what computes the answers: 'keras', 'onnx', 'openvino', 'litert', or the fastest
    that was found to agree with Keras on this machine ('auto').

    Raises:
        ZooError: a path does not exist, nothing can be read, or the run cannot be used.

    Example:
        >>> for prediction in zoo.predict(["pictures"], run):
        ...     print(prediction.name, list(prediction.probabilities))
        pictures/NORMAL-1.png ['NORMAL', 'PNEUMONIA']
        pictures/PNEUMONIA-1.png ['NORMAL', 'PNEUMONIA']
    """
    progress = listener(progress)
    engine_choice.check(engine)
    files = queries.find_images(paths, progress)
    answerer = Answerer(
        run,
        engine_choice.classifier_of(run, engine, len(files), progress=progress),
        run_folder.load_reference(run),
        sensitivity=sensitivity,
        prevalence=prevalence,
    )
    progress.start("predicting", len(files))
    try:
        yield from _answered(answerer, run, files, progress)
    finally:
        progress.stop()


def answering(
    run: Run,
    *,
    sensitivity: float | None = None,
    prevalence: float | None = None,
    engine: str = AUTO,
) -> Callable[[Sequence[Path]], Iterator[Prediction | Skipped]]:
    """Make a run ready to answer to one list of files after the other, with settings of `predict`.

    What cannot be read is skipped, whatever else there is.

    Raises:
        ZooError: the run cannot be used.
    """
    engine_choice.check(engine)
    answerer = Answerer(
        run,
        engine_choice.classifier_of(run, engine),
        run_folder.load_reference(run),
        sensitivity=sensitivity,
        prevalence=prevalence,
    )
    height, width, _ = answerer.classifier.input_shape
    reader = FileReader((height, width), run.bits)
    return functools.partial(_answered, answerer, run, strict=False, reader=reader)


def _answered(
    answerer: Answerer,
    run: Run,
    files: Sequence[Path],
    progress: Progress = SILENT,
    *,
    strict: bool = True,
    reader: FileReader | None = None,
) -> Iterator[Prediction | Skipped]:
    """Read files batch by batch and answer; `strict` where one must be readable."""
    rule, shape = run.record["data"]["patient_rule"], answerer.classifier.input_shape
    for images, skipped in queries.read_images(
        files, shape, rule, PREDICTION_BATCH, bits=run.bits, strict=strict, reader=reader
    ):
        yield from skipped
        if images is not None:
            yield from predictions(run, images.names, answerer.answer(images.pixels))
        progress.advance(len(skipped) + (0 if images is None else len(images.names)))


def predictions(run: Run, names: Sequence[str], answers: Answers) -> Iterator[Prediction]:
    """Yield what a run answered, as predictions with the images' names."""
    for name, verdict, distance, row, box in zip(
        names,
        answers.verdicts,
        answers.distances,
        answers.probabilities,
        answers.boxes,
        strict=True,
    ):
        yield Prediction(
            name,
            verdict.label,
            run.class_names[verdict.predicted],
            verdict.refused,
            verdict.reason,
            float(distance),
            dict(zip(run.class_names, map(float, row), strict=True)),
            box_of(box),
        )
