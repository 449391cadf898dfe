"""Classify image files with a finished run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo import queries, runs
from zoo.pipeline import PREDICTION_BATCH
from zoo.progress import SILENT, Progress
from zoo.queries import Skipped
from zoo.runs import Run


@dataclass(frozen=True)
class Prediction:
    """What a run says of one image; `probabilities` are by class name, 0 to 1."""

    name: str
    label: str
    probabilities: dict[str, float]

    def row(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def predict(
    paths: Sequence[str | Path], run: Run, *, progress: Progress = SILENT
) -> Iterator[Prediction | Skipped]:
    """Yield a prediction for each image of the files and folders, in order, batch by batch.

    Raises:
        ZooError: a path does not exist, nothing can be read, or the run cannot be used.
    """
    files = queries.find(paths)
    classifier = runs.load_classifier(run)
    rule = run.record["data"]["patient_rule"]
    progress.start("predicting", len(files))
    try:
        for images, skipped in queries.read(files, classifier.input_shape, rule, PREDICTION_BATCH):
            yield from skipped
            if images is not None:
                rows = classifier.probabilities(images.pixels)
                for name, row in zip(images.names, rows, strict=True):
                    by_class = dict(zip(classifier.class_names, map(float, row), strict=True))
                    yield Prediction(name, max(by_class, key=by_class.__getitem__), by_class)
            progress.advance(len(skipped) + (0 if images is None else len(images.names)))
    finally:
        progress.stop()
