"""What explaining costs, ours and others' ways side by side in one run.

    python benchmarks/explain.py [--run RUN] [--images 500] [--batch 16] [--shap]

RUN is a finished run folder. Without one the network is EfficientNet-Lite0 with ImageNet weights
and an untrained head, and 1,000 images of noise are its reference cases. Images are noise: what is
measured does not depend on what they show. Times are medians after a first call, which compiles.
With --shap the defaults of the package shap are run on one image, which takes minutes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from explain import examples, gradcam, saliency
from zoo.base.environment import peak_memory
from zoo.base.explanations import Reference
from zoo.base.registry import load_registry
from zoo.base.types import Images
from zoo.network.classifier import TrainedClassifier
from zoo.runs import model_file, novelty, run_folder
from zoo.runs.answering import gate_of
from zoo.runs.novelty import Gate
from zoo.stats.probabilities import decide

PART = 16
"""Images a batch where many are explained, as in `zoo explain`."""
CASES = 5_000
FEW, MANY = 50, 500
SLOW = 2
"""Images that the slow ways are tried on."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network made ready to answer and to be explained."""

    classifier: TrainedClassifier
    reference: Reference
    gate: Gate
    threshold: float | None


def subject(run: Path | None) -> Subject:
    """Load a run, or build a network that nobody trained."""
    if run is not None:
        opened = run_folder.open_run(run)
        cases = run_folder.load_reference(opened)
        gate, classifier = gate_of(opened, cases), model_file.load_classifier(opened)
        return Subject(classifier, cases, gate, opened.threshold)
    import keras

    keras.utils.set_random_seed(0)
    architecture = load_registry().architecture("efficientnet")
    model = architecture.build(architecture.input_shape, 2)
    classifier = TrainedClassifier(model, ("NORMAL", "PNEUMONIA"), 1)
    cases = random_cases(1_000, int(classifier.outputs(noise(classifier, 1))[1].shape[1]))
    spaces = novelty.spaces(cases)
    gate = novelty.fit_gate([s[:800] for s in spaces], [s[800:] for s in spaces])
    return Subject(classifier, cases, gate, 0.5)


def random_cases(count: int, features: int) -> Reference:
    """Draw reference cases without pictures."""
    random = np.random.default_rng(0)
    return Reference(
        embeddings=random.random((count, features), np.float32),
        labels=random.integers(0, 2, count),
        names=tuple(f"case {i}" for i in range(count)),
        patients=tuple(f"patient {i}" for i in range(count)),
        digests=tuple(f"{i:016x}" for i in range(count)),
        shapes=random.random((count, novelty.SHAPES), np.float32),
        held_embeddings=random.random((count // 5, features), np.float32),
        held_labels=random.integers(0, 2, count // 5),
    )


def noise(classifier: TrainedClassifier, count: int, seed: int = 0) -> np.ndarray:
    """Draw `(count, height, width, channels)` uint8 noise."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *classifier.input_shape), np.uint8)


def images_of(pixels: np.ndarray) -> Images:
    """Give pixels names, and nothing that is known of them."""
    names = tuple(f"image {i}" for i in range(len(pixels)))
    return Images(pixels, names, (None,) * len(pixels), names)


def timed(call: Callable[[], Any], repeats: int = 7) -> tuple[float, float]:
    """Return the seconds of the first call and the median of later ones, if there are any."""
    seconds = []
    for _ in range(repeats + 1):
        begun = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - begun)
    return seconds[0], median(seconds[1:] or seconds)


def together(s: Subject, image: np.ndarray, shared: bool, regions: int = 0) -> None:
    """Answer to one image and explain it: class, gate, Grad-CAM, saliency, neighbours.

    `regions` is for how many neighbours the regions that match are found as well; each is a pass.
    """
    pixels = image[None].copy()
    pixels.flags.writeable = not shared
    s.classifier.prime(pixels, s.threshold, by_pixels=True)
    probabilities = s.classifier.probabilities(pixels)
    s.gate.distances([s.classifier.embeddings(pixels), novelty.shapes(pixels)])
    targets = [int(i) for i in decide(probabilities, s.classifier.positive, s.threshold)]
    for method in (gradcam, saliency):
        method.explain(s.classifier, images_of(pixels), targets, s.reference)
    examples.explain(s.classifier, images_of(pixels), targets, s.reference, regions=regions)


def in_turn(ways: Mapping[str, Callable[[], Any]], rounds: int = 7) -> dict[str, float]:
    """Return the median seconds of each way; they are called in turn, so that all meet the same."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, call in ways.items():
            begun = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - begun)
    return {name: median(found[1:]) for name, found in seconds.items()}


def batches(s: Subject, batch: int) -> Iterator[tuple[str, float, float]]:
    """Yield the ways to Grad-CAM: name, seconds an image, times the plain prediction."""
    classifier, pixels = s.classifier, noise(s.classifier, batch)
    images, targets, kept = images_of(pixels), [1] * batch, library(s.classifier)
    plain = "plain prediction"
    whole = in_turn(
        {
            plain: lambda: classifier.outputs(pixels),
            "ours: prediction and gradient by the features": lambda: classifier.gradients(
                pixels, targets
            ),
            "ours: Grad-CAM": lambda: gradcam.explain(classifier, images, targets),
            "ours: saliency": lambda: saliency.explain(classifier, images, targets),
            "tf-keras-vis: Grad-CAM as its README shows it": lambda: kept(pixels, targets),
        }
    )
    one = pixels[:1]
    single = in_turn(
        {
            "tf-keras-vis: built for each image": lambda: library(classifier)(one, [1]),
            "gradient model built for each image": lambda: rebuilt(classifier, one, 1),
        },
        SLOW,
    )
    each = {name: seconds / batch for name, seconds in whole.items()} | single
    for name, seconds in each.items():
        yield name, seconds, seconds / each[plain]


def library(classifier: TrainedClassifier) -> Callable[[np.ndarray, Sequence[int]], Any]:
    """Build tf-keras-vis's Grad-CAM, with the modifier and the clone of its README."""
    import keras

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Please import `zoom`", DeprecationWarning)
        from tf_keras_vis.gradcam import Gradcam
        from tf_keras_vis.utils.model_modifiers import ReplaceToLinear
        from tf_keras_vis.utils.scores import CategoricalScore

    model = keras.Model(list(classifier.model.inputs), list(classifier.model.outputs))
    visualiser = Gradcam(model, model_modifier=ReplaceToLinear(), clone=True)

    def explain(pixels: np.ndarray, targets: Sequence[int]) -> Any:
        score = CategoricalScore(list(targets))
        return visualiser(score, pixels.astype(np.float32), penultimate_layer=-1)

    return explain


def rebuilt(classifier: TrainedClassifier, pixels: np.ndarray, target: int) -> Any:
    """Build a model of the feature map and the logits for this image, and differentiate it."""
    import keras
    import tensorflow as tf

    model = classifier.model
    both = keras.Model(model.input, [classifier.feature_layer.output, model.output])
    with tf.GradientTape() as tape:
        features, logits = both(pixels.astype(np.float32))
        score = logits[:, target]
    weights = tf.reduce_mean(tape.gradient(score, features), axis=(1, 2), keepdims=True)
    coarse = tf.nn.relu(tf.reduce_sum(features * weights, axis=-1, keepdims=True))
    return tf.image.resize(coarse, classifier.input_shape[:2]).numpy()


def shap_defaults(s: Subject) -> Iterator[tuple[str, float]]:
    """Yield the seconds of shap's two image explainers with their defaults, one image."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

    classifier, pixels = s.classifier, noise(s.classifier, 1).astype(np.float32)
    masker = shap.maskers.Image(np.zeros(classifier.input_shape, np.float32))
    partition = shap.Explainer(classifier.logits, masker)
    yield "shap.Explainer (Partition)", timed(lambda: partition(pixels), 0)[0]
    background = noise(classifier, 20, seed=1).astype(np.float32)
    gradient = shap.GradientExplainer(classifier.model, background)
    yield "shap.GradientExplainer", timed(lambda: gradient.shap_values(pixels), 0)[0]


def neighbours(s: Subject) -> tuple[float, float]:
    """Return the seconds that finding the neighbours of one image takes, first and later."""
    features = s.reference.embeddings.shape[1]
    cases = random_cases(CASES, features)
    pixels = noise(s.classifier, 1)
    pixels.flags.writeable = False
    s.classifier.prime(pixels, s.threshold)
    images = images_of(pixels)
    target = [int(s.classifier.logits(pixels).argmax())]
    return timed(lambda: examples.explain(s.classifier, images, target, cases), 50)


def stream(s: Subject, count: int) -> None:
    """Print what Grad-CAM of many images takes, part by part, and the peak memory."""
    s.classifier.outputs(noise(s.classifier, PART))
    before = peak_memory()
    gradcam.explain(s.classifier, images_of(noise(s.classifier, PART)), [1] * PART)
    begun = time.perf_counter()
    for start in range(0, count, PART):
        pixels = noise(s.classifier, min(PART, count - start), seed=start)
        gradcam.explain(s.classifier, images_of(pixels), [1] * len(pixels))
    seconds = time.perf_counter() - begun
    peak = peak_memory()
    print(
        f"{count:>5} images {count / seconds:6.1f} images/s, peak memory {peak} MB, of which "
        f"{before} MB for loading and predicting {PART} images",
        flush=True,
    )


def report(s: Subject, batch: int, shap: bool) -> None:
    """Print all tables but that of long streams."""
    height, width, _ = s.classifier.input_shape
    print(f"{s.classifier.model.name}, {height} x {width}, batches of {batch}\n")
    for name, seconds, times in batches(s, batch):
        print(f"{name:<48} {1000 * seconds:8.1f} ms/image {times:8.2f} x prediction", flush=True)
    image = noise(s.classifier, 1)[0]
    print("\nOne image: prediction, gate, Grad-CAM, saliency, neighbours")
    ways = (
        ("in one pass", True, 0),
        ("each on its own", False, 0),
        ("in one pass, and regions that match in 3 cases", True, 3),
    )
    for name, *how in ways:
        first, later = timed(lambda how=how: together(s, image, *how))  # type: ignore[misc]
        print(f"{name:<48} {1000 * later:8.1f} ms   (first {1000 * first:.0f} ms)", flush=True)
    first, later = neighbours(s)
    print(f"\nNeighbours among {CASES:,} cases, for one image")
    print(f"{'after the embedding':<48} {1000 * later:8.2f} ms   (first {1000 * first:.0f} ms)")
    if shap:
        print("\nshap's defaults, one image")
        for name, seconds in shap_defaults(s):
            print(f"{name:<48} {seconds:8.1f} s", flush=True)


def main() -> None:
    """Print the tables; long streams are measured in processes of their own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run folder")
    parser.add_argument("--images", type=int, default=MANY, help="images of the longer stream")
    parser.add_argument("--batch", type=int, default=PART)
    parser.add_argument("--shap", action="store_true", help="run shap's defaults, too")
    parser.add_argument("--stream", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stream:
        stream(subject(arguments.run), arguments.stream)
        return
    print("Grad-CAM of many images", flush=True)
    for count in (FEW, arguments.images):  # first: a process starts with the peak of its parent
        command = [sys.executable, __file__, "--stream", str(count)]
        command += ["--run", str(arguments.run)] if arguments.run else []
        subprocess.run(command, check=True)
    print()
    report(subject(arguments.run), arguments.batch, arguments.shap)


if __name__ == "__main__":
    main()
