"""How often a run refuses to answer: to its own test part, to what is no X-ray, to other data.

    python benchmarks/refusals.py RUN --test SOURCE [--other SOURCE ...] [--photographs FOLDER]

Photographs are those that scikit-image, scikit-learn and matplotlib ship, and those of FOLDER;
each is shown whole and in random square crops, in colour and in gray. Noise is drawn at 224 x 224.
Altered X-rays are those of the run's own test part. SOURCE is as in `zoo train --data`.
Needs scikit-image besides xray-zoo: pip install scikit-image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from zoo.base.pictures import images, pixel_arrays
from zoo.base.progress import SILENT
from zoo.base.registry import load_registry
from zoo.base.types import TEST, Dataset, Sample
from zoo.data.pipeline import batches
from zoo.runs import model_file, run_folder
from zoo.runs.answering import Answerer
from zoo.runs.decision import FAR, UNKNOWN
from zoo.runs.selection import open_selection

BATCH = 32
NOISE_SIDE, NOISE_IMAGES, NOISE_SPREAD = 224, 100, 50
SMALLEST_CROP = 0.25
"""Side of a crop, of the photograph's shorter side, at least."""
SHIPPED = {
    "skimage": (
        "data",
        (
            "astronaut.png",
            "brick.png",
            "camera.png",
            "chelsea.png",
            "clock_motion.png",
            "coffee.png",
            "coins.png",
            "grass.png",
            "gravel.png",
            "moon.png",
            "motorcycle_left.png",
            "rocket.jpg",
        ),
    ),
    "sklearn": ("datasets/images", ("china.jpg", "flower.jpg")),
    "matplotlib": ("mpl-data/sample_data", ("grace_hopper.jpg",)),
}

Size = tuple[int, int]


def shipped_photographs() -> list[Path]:
    """Return the photographs that installed packages hold."""
    found: list[Path] = []
    for package, (folder, names) in SHIPPED.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise SystemExit(f"'{package}' is not installed: pip install scikit-image matplotlib")
        found.extend(Path(spec.origin).parent / folder / name for name in names)
    return found


def crops(paths: Iterable[Path], views: int, size: Size, gray: bool) -> Iterator[np.ndarray]:
    """Yield the whole of each photograph and random square parts of it."""
    random = np.random.default_rng(0)
    for path in paths:
        photograph = images.read_image(path)
        if not gray and (photograph.min(axis=-1) == photograph.max(axis=-1)).all():
            continue  # there is no colour version
        height, width = photograph.shape[:2]
        parts = [photograph]
        for _ in range(views - 1):
            side = int(min(height, width) * random.uniform(SMALLEST_CROP, 1))
            top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
            parts.append(photograph[top : top + side, left : left + side])
        for part in parts:
            shown = np.repeat(pixel_arrays.to_channels(part, 1), 3, axis=-1) if gray else part
            yield pixel_arrays.resize(np.ascontiguousarray(shown), size)


def noise(kind: str, size: Size) -> Iterator[np.ndarray]:
    """Yield images of gray noise."""
    random = np.random.default_rng(0)
    shape = (NOISE_SIDE, NOISE_SIDE, 1)
    for _ in range(NOISE_IMAGES):
        drawn = (
            random.integers(0, 256, shape)
            if kind == "uniform"
            else random.normal(127.5, NOISE_SPREAD, shape).clip(0, 255)
        )
        yield pixel_arrays.resize(np.repeat(drawn, 3, axis=-1).astype(np.uint8), size)


def turned(pixels: np.ndarray, quarters: int, size: Size) -> Iterator[np.ndarray]:
    """Yield images turned by quarter turns."""
    for image in pixels:
        yield pixel_arrays.resize(np.ascontiguousarray(np.rot90(image, quarters)), size)


def read(dataset: Dataset, samples: Iterable[Sample], size: Size) -> np.ndarray:
    """Return `(n, *size, 3)` pixels of samples."""
    return np.concatenate([b.numpy() for b in batches(dataset, list(samples), (*size, 3))])


def row(answerer: Answerer, pixels: Iterable[np.ndarray]) -> list[str]:
    """Return the distances in limits of the gate (median, ends of the middle 95 %), and what share
    of the images is called very unlike, is refused by the gate, by the sets alone, and by either.
    """
    channels = answerer.classifier.input_shape[-1]
    distances: list[float] = []
    gate: list[bool] = []
    sets: list[bool] = []
    rest = iter(pixels)
    while part := list(islice(rest, BATCH)):
        answers = answerer.answer(pixel_arrays.to_channels(np.stack(part), channels))
        distances.extend(answers.distances / answerer.gate.limit)
        gate.extend(verdict.refused == UNKNOWN for verdict in answers.verdicts)
        near = np.zeros(len(part))  # as if the gate let everything through
        alone = answerer.decision.decide(answers.probabilities, near)
        sets.extend(verdict.refused != "" for verdict in alone)
    low, middle, high = np.percentile(distances, [2.5, 50, 97.5])
    shares = (np.array(distances) > FAR, gate, sets, np.logical_or(gate, sets))
    return [f"{middle:.2f} ({low:.2f}-{high:.2f})", *(f"{np.mean(share):.1%}" for share in shares)]


def main() -> None:
    """Print the table of one run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a finished run folder")
    parser.add_argument("--test", help="the data the run was trained on, when they were moved")
    parser.add_argument("--other", nargs="*", default=[], help="other data, of any classes")
    parser.add_argument("--photographs", type=Path, help="a folder of further photographs")
    parser.add_argument("--views", type=int, default=10, help="of each photograph (default: 10)")
    arguments = parser.parse_args()

    run, registry = run_folder.open_run(arguments.run), load_registry()
    answerer = Answerer(run, model_file.load_classifier(run), run_folder.load_reference(run))
    size = answerer.classifier.input_shape[:2]
    chosen = open_selection(run, registry, arguments.test, TEST, skip_broken=True, progress=SILENT)
    if not chosen.own:
        raise SystemExit("--test is other data than the run was trained on: name them in --other.")
    own = read(chosen.verified.dataset, chosen.samples, size)
    photographs = shipped_photographs()
    further = sorted(arguments.photographs.iterdir()) if arguments.photographs else []
    sets: dict[str, Sequence[np.ndarray] | np.ndarray] = {"own test part": own}
    for kind, paths in (("photographs", photographs), ("further photographs", further)):
        for gray in (False, True):
            name = f"{kind}, {'gray' if gray else 'colour'}"
            sets[name] = list(crops(paths, arguments.views, size, gray))
    sets |= {
        "noise, uniform": list(noise("uniform", size)),
        "noise, Gaussian": list(noise("Gaussian", size)),
        "inverted": 255 - own,
        "rotated by 90 degrees": list(turned(own, 1, size)),
        "rotated by 180 degrees": list(turned(own, 2, size)),
    }
    for source in arguments.other:
        dataset = registry.dataset(source)
        sets[Path(source).name] = read(dataset, dataset.samples, size)

    print(f"{run.name}: {len(photographs)} shipped and {len(further)} further photographs\n")
    titles = ("distance", "very unlike", "refused by the gate", "by the sets alone", "by either")
    print(f"| images | number | {' | '.join(titles)} |")
    print("|---|---|---|---|---|---|---|")
    for name, pixels in sets.items():
        if len(pixels):
            print(f"| {name} | {len(pixels):,} | {' | '.join(row(answerer, pixels))} |", flush=True)


if __name__ == "__main__":
    main()
