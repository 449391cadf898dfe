"""Write a run's network for use without this package, and compare it with the original."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import DISCLAIMER
from zoo.base import environment
from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.files import write_json
from zoo.base.folders import replacing_folder
from zoo.base.listeners import listener
from zoo.base.progress import Progress
from zoo.base.registry import Registry, load_registry
from zoo.data.verify import at_depth
from zoo.network import export_formats
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import export_copy
from zoo.network.export_comparison import TOLERANCE, compare_logits, largest, sample_pictures
from zoo.network.export_formats import INPUT, LOGITS, OUTPUTS, PROBABILITIES, ExportFormat
from zoo.runs import model_file, run_folder
from zoo.runs.run_folder import Run

FOLDER, CARD = "export", "card.json"
WITHOUT_REFUSALS = (
    "The refusals of xray-zoo are not in this file: it gives probabilities for any picture, also "
    "for one that is no X-ray or unlike the training images, and never answers 'uncertain'."
)


@dataclass(frozen=True)
class Exported:
    """What was written, and how far its answers are from the original's.

    `path` is the folder with the model and its card, `bytes` the size of the model.
    `largest_difference` is that of a probability, 0 to 1, `largest_logit_difference` that of a
    logit, over `images` images; `compared_on` says which. `in_bfloat16` is how far the run's own
    probabilities, computed in bfloat16, are from those in float32; None for other runs.
    """

    path: Path
    kind: str
    bytes: int
    outputs: tuple[str, ...]
    largest_difference: float
    largest_logit_difference: float
    images: int
    compared_on: str
    in_bfloat16: float | None = None


def export(
    run: Run,
    kind: str,
    path: str | Path | None = None,
    *,
    source: str | None = None,
    images: int = 8,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Exported:
    """Write a run's network as 'savedmodel', 'onnx' or 'tflite' into a folder, with a card.

    The network takes float32 `pixels` `(batch, height, width, channels)`, 0-255, and gives
    `logits` and calibrated `probabilities` `(batch, classes)`. `path` is the folder (default:
    `export/KIND` in the run). Original and export are compared on `images` images of the data set
    `source`, or of the run's reference cases; an export that is off by more than 1e-4 is not kept.

    Raises:
        ZooError: the format or a package of it is unknown or missing, the folder holds something
            else, the network cannot be written in that format, or the answers differ.

    Example:
        >>> exported = zoo.export(run, "savedmodel")
        >>> exported.largest_difference < 1e-4
        True
    """
    progress = listener(progress)
    form = export_formats.named(kind)
    form.check_packages()
    if images < 1:
        raise InvalidSetting(f"To be compared on {images} images was asked; expected at least 1.")
    path = run.path / FOLDER / kind if path is None else Path(path)
    _check_free(path)
    dataset = None if source is None else (registry or load_registry()).dataset(source)
    if dataset is not None:
        dataset = at_depth(dataset, run.record["data"].get("bits"))
    original = model_file.load_classifier(run)
    if not original.differentiable:
        raise BadInput(
            f"The network of '{run.name}' came as an ONNX file and is not written again: use that "
            "file. What it is fed, and what its answers mean, is in the run's record (options)."
        )
    pixels, compared_on = sample_pictures(
        dataset, run_folder.load_reference(run), original.input_shape, images
    )
    single, in_bfloat16 = original, None
    network = export_copy(original.model)
    if any(layer.compute_dtype != "float32" for layer in original.model.layers):
        single = TrainedClassifier(
            network, original.class_names, original.positive, original.temperature
        )
        in_bfloat16 = largest(single.probabilities(pixels), original.probabilities(pixels))
        progress.warn(
            "The run computes in bfloat16, the export in float32: "
            f"probabilities differ by up to {in_bfloat16:.1e} for that."
        )
    progress.note(f"Writing {kind}.")
    with replacing_folder(path) as temporary:
        file = temporary / form.file
        _write(form, with_probabilities(network, original.temperature), file)
        progress.note(f"Comparing with the original on {len(pixels)} images: {compared_on}.")
        off, logits_off = compare_logits(single, form.open(file), pixels, kind)
        done = Exported(
            path, kind, _size(file), OUTPUTS, off, logits_off, len(pixels), compared_on, in_bfloat16
        )
        write_json(temporary / CARD, card(run, form, done))
    return done


def with_probabilities(model: Any, temperature: float) -> Any:
    """Return the network with the outputs `logits` and `probabilities`, softmax(logits / T)."""
    import keras

    logits = keras.ops.cast(model.output, "float32")
    probabilities = keras.ops.softmax(logits / temperature)
    return keras.Model(model.input, {LOGITS: logits, PROBABILITIES: probabilities})


def card(run: Run, form: ExportFormat, done: Exported) -> dict[str, Any]:
    """Return what whoever uses the file has to know, as plain data for JSON."""
    height, width, channels = run.record["input_shape"]
    rule = (
        f"At or above the threshold the probability of '{run.class_names[run.record['positive']]}' "
        "calls it."
        if run.threshold is not None
        else "The most probable class is named."
    )
    return {
        "disclaimer": DISCLAIMER,
        "refusals": WITHOUT_REFUSALS,
        "run": run.name,
        "architecture": run.record["architecture"],
        "synthetic": run.record["data"]["synthetic"],
        "format": form.name,
        "file": form.file,
        "bytes": done.bytes,
        "class_names": list(run.class_names),
        "positive": run.class_names[run.record["positive"]],
        "input": {
            "name": INPUT,
            "dtype": "float32",
            "shape": [None, height, width, channels],
            "axes": "batch (any number), height, width, channels",
            "range": [0, 255],
            "channels": "RGB (gray repeated)" if channels == 3 else "gray (ITU-R 601 luminance)",
            "size": f"squashed, not cropped or padded, to {height} x {width} (height x width), "
            "bilinear with antialiasing, after the camera's orientation is applied",
            "scaling": "none: the network scales by itself; deep gray is brought to 0-255 by the "
            "depth it was stored with",
        },
        "outputs": {
            LOGITS: "(batch, classes) float32, as the network gives them",
            PROBABILITIES: "(batch, classes) float32, softmax(logits / temperature)",
        },
        "temperature": run.temperature,
        "threshold": run.threshold,
        "rule": rule,
        "comparison": {
            "images": done.images,
            "source": done.compared_on,
            "largest_probability_difference": done.largest_difference,
            "largest_logit_difference": done.largest_logit_difference,
            "tolerance": TOLERANCE,
            "run_in_bfloat16_differs_by": done.in_bfloat16,
        },
        "versions": {**environment.versions(), **form.versions()},
    }


def _write(form: ExportFormat, network: Any, file: Path) -> None:
    try:
        form.write(network, file)
    except Exception as error:  # each converter raises its own kinds
        told = (str(error).splitlines() or [""])[0]
        raise BadInput(
            f"The network cannot be written as '{form.name}' ({type(error).__name__}: {told}). "
            f"Choose another format: {', '.join(export_formats.FORMATS)}."
        ) from error


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _check_free(path: Path) -> None:
    """Refuse to replace anything but an earlier export."""
    if path.is_dir() and not (path / CARD).is_file() and any(path.iterdir()):
        raise BadInput(f"The folder '{path}' holds something else than an export. Name another.")
    if path.exists() and not path.is_dir():
        raise BadInput(f"'{path}' is a file; expected a folder to be made for the export.")
