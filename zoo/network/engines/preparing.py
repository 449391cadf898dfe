"""An engine made ready for a network: converted, compared with Keras, and timed beside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.base.errors import BadInput, in_a_line
from zoo.network import frame
from zoo.network.classifier import TrainedClassifier
from zoo.network.engines.answering import BOX, EMBEDDING, LOGITS, answering
from zoo.network.engines.engine import Engine
from zoo.network.export_comparison import TOLERANCE, largest
from zoo.network.export_formats import ExportedNetwork
from zoo.stats.probabilities import softmax

ROUNDS = 3


@dataclass(frozen=True)
class Measured:
    """How an engine compares with Keras: `difference` as in `disagreement`, and seconds an image.

    Of several rounds the fastest counts: what else a machine does makes it slower, never faster.
    """

    difference: float
    seconds: float
    keras_seconds: float

    @property
    def faster(self) -> float:
        """How many times as fast as Keras it is."""
        return self.keras_seconds / self.seconds


def convert(engine: Engine, classifier: TrainedClassifier, path: Path) -> ExportedNetwork:
    """Write a network as an engine needs it, and open it.

    Raises:
        BadInput: its format has no such network, or the engine cannot use what was written.
    """
    if not classifier.differentiable:
        raise BadInput(
            "The network came as an ONNX file, which ONNX Runtime answers with already: it is not "
            f"converted for the engine '{engine.name}'. Use --engine keras."
        )
    try:
        engine.form.write(answering(classifier.model), path)
        call = engine.open(path)
        call(np.zeros((1, *classifier.input_shape), np.float32))
    except Exception as error:  # each converter raises its own kinds
        raise BadInput(
            f"The network cannot be converted for the engine '{engine.name}' "
            f"({in_a_line(error)}). Use --engine keras."
        ) from error
    return call


def measure(call: ExportedNetwork, classifier: TrainedClassifier, pixels: np.ndarray) -> Measured:
    """Compare an engine with Keras on `(images, height, width, channels)` uint8, and time both."""
    given, wanted = call(pixels.astype(np.float32)), classifier.answers(pixels)
    one = call(pixels[:1].astype(np.float32))  # any number must do
    together = {name: np.concatenate([one[name], given[name][1:]]) for name in given}
    off = max(
        disagreement(answers, wanted, classifier.temperature) for answers in (given, together)
    )
    seconds = [
        (
            _timed(lambda: call(pixels.astype(np.float32))),
            _timed(lambda: classifier.answers(pixels)),
        )
        for _ in range(ROUNDS)
    ]
    own, keras = (min(column) / len(pixels) for column in zip(*seconds, strict=True))
    return Measured(off, own, keras)


def disagreement(
    given: Mapping[str, np.ndarray],
    wanted: tuple[np.ndarray, np.ndarray, np.ndarray],
    temperature: float,
) -> float:
    """Return the largest difference of an answer, as a share.

    A probability and the edge of a box count as they are, a logit and a value of an embedding as a
    share of the largest (of 1 at least).
    """
    logits, embeddings, boxes = wanted
    found = given.get(BOX, np.tile(frame.WHOLE, (len(boxes), 1)))
    off = (
        largest(softmax(given[LOGITS] / temperature), softmax(logits / temperature)),
        largest(found, boxes),
        largest(given[LOGITS], logits) / max(1.0, float(np.abs(logits).max())),
        largest(given[EMBEDDING], embeddings) / max(1.0, float(np.abs(embeddings).max())),
    )
    return float(np.max(off))  # not-a-number stays what it is


def check(measured: Measured, engine: Engine) -> None:
    """Refuse an engine that answers otherwise.

    Raises:
        BadInput: an answer is off by more than `TOLERANCE`.
    """
    if not measured.difference <= TOLERANCE:  # so that not-a-number is refused, too
        raise BadInput(
            f"The engine '{engine.name}' answers otherwise than Keras: off by "
            f"{measured.difference:.2g}, more than {TOLERANCE:g} allows. Use --engine keras."
        )


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun
