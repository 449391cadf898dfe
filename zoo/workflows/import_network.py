"""Make a run of a network that was trained elsewhere: measured, and then used like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.digests import digest_bytes, digest_file
from zoo.base.environment import peak_memory, versions
from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.recipe import Recipe
from zoo.base.registry import Registry, load_registry
from zoo.base.sources import absolute
from zoo.base.types import SPLITS, TRAIN, VALIDATION, Sample
from zoo.checks.findings import refuse_errors, tell
from zoo.checks.quick import quick
from zoo.data.splits import Split, split
from zoo.data.verify import Verified, labels_of, positive_index, verify
from zoo.network import conformance, foreign, graph
from zoo.network.classifier import TrainedClassifier
from zoo.network.foreign import Foreign
from zoo.network.probabilities import LEAST
from zoo.runs import model_file
from zoo.runs.outputs import outputs_of
from zoo.runs.record import IMPORTED
from zoo.runs.reference import choose_cases
from zoo.runs.run_folder import Run
from zoo.runs.selection import numbered_as
from zoo.stats.alarms import Alarm, Conditions, constant_features
from zoo.stats.probabilities import softmax
from zoo.training import described
from zoo.training.framing import Framing
from zoo.training.trained import Alarms, Trained
from zoo.workflows.finished_run import finished_run

AUTO = "auto"
TRIED = 200
"""Validation images that each range is tried on."""
UNPROVEN = Alarm(
    "not held out",
    "This network was trained elsewhere: whether it has seen the images that it is scored on here "
    "is not known.",
    "Believe the scores on data that it cannot have seen: zoo evaluate --data. Where you know that "
    "none of these were in its training, import it with --unseen.",
)
WITHOUT_FEATURES = (
    "The network does not end in a linear layer: its answers stand for its features, by which "
    "similar cases are found and unknown images are refused."
)


@dataclass(frozen=True)
class Tried:
    """How well a network answers when it is fed a range: the log loss of its probabilities."""

    name: str
    log_loss: float


def import_network(
    path: str | Path,
    source: str,
    *,
    classes: Sequence[str],
    input_range: str = AUTO,
    input_shape: tuple[int, int, int] | None = None,
    positive: str | None = None,
    unseen: bool = False,
    trust: bool = False,
    skip_broken: bool = False,
    allow_findings: bool = False,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Make a finished run of a network from elsewhere, calibrated and measured on `source`.

    `path` is a .keras file, an .onnx file, or the folder of a SavedModel: loading one can read and
    write files, and is refused unless you `trust` it. A network of the last two has no gradients.
    `classes` names its outputs in order; a single output says how much more the second of two it
    is. `input_range` is what it was fed: '0-255', '0-1', '-1-1', 'imagenet' or 'caffe'; 'auto'
    takes the one under which its own probabilities fit the validation part best. A softmax or
    sigmoid at its end is taken away. Nothing is trained. The data are divided by patient as for a
    training: known cases are of its training part, calibration, threshold and limits of refusal of
    its validation part. Unless it is known that the network has `unseen` them all, the run says
    that its scores are not proven.

    Raises:
        BadInput: the file or the data cannot be read, or the data have other classes.
        InvalidSetting: the network cannot be loaded safely, or could not be used.

    Example:
        >>> file, data = run.path / "model.keras", "phantom?images=60&size=64"
        >>> names = run.class_names
        >>> again = zoo.import_network(file, data, classes=names, input_range="0-255")
        >>> again.record["options"]["file"]
        'model.keras'
    """
    progress = listener(progress)
    names, file = tuple(classes), Path(path)
    _check(names, input_range)
    network = foreign.opened(file, len(names), input_shape, trust=trust)
    if network.embedding == foreign.ANSWERS:
        progress.note(WITHOUT_FEATURES)
    verified, division, findings = _data(
        registry or load_registry(), source, names, skip_broken, progress
    )
    if not allow_findings:
        refuse_errors(findings)
    index = positive_index(names, positive)
    parts = {part: division.part(part) for part in SPLITS}
    tried = _tried(network, input_range, names, index, verified, parts[VALIDATION], progress)
    best = tried[0]
    classifier = TrainedClassifier(network.fed(best.name), names, index)
    conformance.refuse_misfits(conformance.tried(classifier.model, elsewhere=False), file.name)
    known = {
        part: outputs_of(classifier, verified.dataset, samples, progress, title=f"measuring {part}")
        for part, samples in parts.items()
    }
    recipe = Recipe()
    alarms = Alarms(progress)
    alarms.extend(constant_features(known[TRAIN].embeddings, best.name))
    alarms.extend([] if unseen else [UNPROVEN])
    trained = Trained(
        classifier,
        Framing(),
        verified,
        parts,
        recipe,
        Conditions(asdict(recipe), {"input_range": best.name}, ()),
        alarms,
        progress,
        known,
    )
    record = {
        **_record(trained, absolute(source), skip_broken, division.notes),
        "options": {
            "file": file.resolve().name,
            "digest": _digest(file),
            "ending": network.ending,
            "embedding": network.embedding,
            "input_range": best.name,
            "log_loss": {one.name: one.log_loss for one in tried},
            "unseen": unseen,
        },
        "findings": [asdict(finding) for finding in findings],
        "command": list(command),
    }
    return finished_run(trained, record, folder, IMPORTED)


def _check(names: Sequence[str], input_range: str) -> None:
    if len(set(names)) < len(names) or len(names) < 2:
        raise InvalidSetting(
            f"The classes {', '.join(names) or '(none)'} cannot be used. Name each output once, in "
            "order, as NORMAL,PNEUMONIA."
        )
    if input_range not in (AUTO, *foreign.RANGES):
        raise InvalidSetting(
            f"'{input_range}' is no range of inputs; expected {AUTO} or one of: "
            f"{', '.join(foreign.RANGES)}."
        )


def _digest(path: Path) -> str:
    """Identify a file, or all that is in a folder."""
    if not path.is_dir():
        return digest_file(path)
    files = sorted(one for one in path.rglob("*") if one.is_file())
    named = [f"{one.relative_to(path).as_posix()} {digest_file(one)}" for one in files]
    return digest_bytes("\n".join(named).encode())


def _data(
    registry: Registry,
    source: str,
    names: tuple[str, ...],
    skip_broken: bool,
    progress: Progress,
) -> tuple[Verified, Split, Sequence[Any]]:
    """Read the data as a training does, with the classes numbered as the network's outputs."""
    dataset = registry.dataset(absolute(source))
    if set(dataset.class_names) != set(names):
        raise BadInput(
            f"The data have the classes {', '.join(dataset.class_names)}; the network's were named "
            f"{', '.join(names)}. Name the same ones, in the order of its outputs."
        )
    verified = verify(numbered_as(names, dataset), skip_broken=skip_broken, progress=progress)
    findings = quick(verified)
    tell(findings, progress)
    division = split(verified.dataset, verified.digests, Recipe().split_seed)
    for note in (*dataset.notes, *division.notes):
        progress.note(note)
    return verified, division, findings


def _tried(
    network: Foreign,
    input_range: str,
    names: tuple[str, ...],
    positive: int,
    verified: Verified,
    validation: Sequence[Sample],
    progress: Progress,
) -> list[Tried]:
    """Try the ranges that may be meant on validation images; the best comes first."""
    chosen = choose_cases(validation, TRIED, 0)
    samples = [validation[i] for i in chosen]
    labels = labels_of(samples)
    asked = network.ranges() if input_range == AUTO else [input_range]
    tried = []
    for name in asked:
        classifier = TrainedClassifier(network.fed(name), names, positive)
        given = outputs_of(
            classifier, verified.dataset, samples, progress, title=f"trying {name} as its input"
        )
        right = softmax(given.logits)[np.arange(len(labels)), labels]
        loss = float(-np.log(np.maximum(right, LEAST)).mean())
        tried.append(Tried(name, loss))
    tried.sort(key=lambda one: one.log_loss)  # of equal ones the first in the table stays first
    if len(tried) > 1:
        others = ", ".join(f"{one.name} {one.log_loss:.3f}" for one in tried[1:])
        progress.note(
            f"Fed {tried[0].name} its probabilities fit best (log loss {tried[0].log_loss:.3f}; "
            f"{others}). Name another with --input-range."
        )
        if tried[0].log_loss >= (guessed := guessing_loss(labels)):
            progress.note(
                f"None fits better than always answering with the classes' shares ({guessed:.3f}), "
                "so this tells little: name what it was fed with --input-range."
            )
    return tried


def guessing_loss(labels: np.ndarray) -> float:
    """Return the log loss of answering to every image with the shares of the classes."""
    shares = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(shares * np.log(shares)).sum())


def _record(
    trained: Trained, source: str, skip_broken: bool, notes: Sequence[str]
) -> Mapping[str, Any]:
    classifier, recipe = trained.classifier, trained.recipe
    return {
        "architecture": IMPORTED,
        "pretrained": "",
        "recipe": asdict(recipe),
        "seed": recipe.seed,
        "class_names": list(classifier.class_names),
        "positive": classifier.positive,
        "input_shape": list(classifier.input_shape),
        "sees": list(classifier.input_shape),
        "frame": trained.framing.name,
        "parameters": {"total": graph.parameters(classifier.model), "trainable": 0},
        "data": described.data(trained.verified, source, notes, skip_broken=skip_broken),
        "splits": described.splits(trained.verified, trained.parts),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "plugin": "xray-zoo",
        model_file.BUILT_BY: [],
        "versions": versions(),
        "training": {
            "epochs": 0,
            "best_epoch": 0,
            "unused_phases": [],
            "seconds": 0.0,
            "peak_memory_mb": peak_memory(),
        },
    }
