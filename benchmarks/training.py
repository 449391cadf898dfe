"""Training and predicting from files, beside Keras's own loop on arrays that are in memory.

    python benchmarks/training.py [--images 512] [--size 180] [--epochs 4] [--architecture scratch]

The files are drawn for the occasion: gray JPEG phantoms of 224 x 224 and of 1600 x 1300. Each epoch
is one pass over the training part and one over a validation part of a quarter of it. Compared are

- `model.fit` and `model.predict` on float32 arrays in memory;
- the same where tf.data augments the batches, since what is computed for a view counts for both;
- the trainer's stream from files, with and without augmentation, first epoch and later ones.

The loops take turns, epoch by epoch, so that other work on the machine counts
for all of them alike. Seconds are of the clock and of the processor. Predictions are those of
`zoo.predict`, cold (nothing is kept) and warm, beside `model.predict` on arrays of the same images.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from zoo.base.types import Sample
    from zoo.data.verify import Verified

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

DRAWN = 40
SHAPES = {"224 px": (224, 224), "1600 x 1300": (1300, 1600)}
BATCH = 32
Seconds = tuple[float, float]


def make(folder: Path, images: int, shape: tuple[int, int]) -> None:
    """Write gray JPEG files of two classes; more than DRAWN are made by moving rows."""
    from zoo import load_registry, resize

    dataset = load_registry().dataset(f"phantom?images={DRAWN}&size={min(1024, max(shape))}")
    drawn = [resize(dataset.read(one, None), shape)[..., 0] for one in dataset.samples]
    for number in range(images):
        label = dataset.samples[number % DRAWN].label
        path = folder / dataset.class_names[label] / f"p{number:05d}-1.jpeg"
        path.parent.mkdir(parents=True, exist_ok=True)
        moved = np.roll(drawn[number % DRAWN], number // DRAWN, axis=0)
        Image.fromarray(moved).save(path, quality=90)


@contextmanager
def timed(taken: list[Seconds]) -> Iterator[None]:
    """Add the seconds of the clock and of the processor that the block takes."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    taken.append((time.perf_counter() - wall, time.process_time() - processor))


class Loop:
    """One way to train: `epoch()` trains for one and looks at the validation part."""

    def __init__(self, name: str, epoch: Callable[[int], Any]) -> None:
        self.name, self._epoch, self.taken = name, epoch, list[Seconds]()

    def __call__(self, number: int) -> None:
        """Go through one epoch."""
        with timed(self.taken):
            self._epoch(number)


def loops(folders: list[Path], arguments: argparse.Namespace) -> list[Loop]:
    """Return the ways to train that are compared, each with a network of its own."""
    import keras
    import tensorflow as tf

    from zoo import load_registry
    from zoo.base.progress import SILENT
    from zoo.base.recipe import Recipe
    from zoo.data import augmentation
    from zoo.data.verify import verify
    from zoo.training.inputs import PixelInputs
    from zoo.training.trainer import Phase, compile_model

    registry, side = load_registry(), arguments.size
    size = side, side
    architecture = registry.architecture(arguments.architecture)
    count = 4 * arguments.images // 5
    phase = Phase("network", arguments.epochs, 1e-3)

    def network(recipe: Recipe) -> Any:
        keras.utils.set_random_seed(0)
        model = architecture.build((side, side, 3), 2)
        model.trainable = True
        compile_model(model, recipe, phase, -(-count // BATCH))
        return model

    plain, robust = Recipe(augmentation="none"), Recipe(augmentation="robust")
    mixed = np.random.default_rng(0).permutation(arguments.images)

    def verified(folder: Path) -> tuple[Verified, list[Sample]]:
        data = verify(registry.dataset(str(folder)), skip_broken=False, progress=SILENT, size=size)
        return data, [data.dataset.samples[i] for i in mixed]

    data, samples = verified(folders[0])
    pixels = np.stack([data.dataset.read(sample, size) for sample in samples])
    targets = np.eye(2, dtype=np.float32)[[sample.label for sample in samples[:count]]]
    weights, held = np.ones(count, np.float32), pixels[count:].astype(np.float32)
    digests = [data.digests[sample.name] for sample in samples[:count]]

    def in_memory() -> Callable[[int], None]:
        model, given = network(plain), pixels[:count].astype(np.float32)

        def epoch(_: int) -> None:
            model.fit(given, targets, BATCH, sample_weight=weights, verbose=0)
            model.predict(held, BATCH, verbose=0)

        return epoch

    @tf.function
    def viewed(x: Any, views: Any, y: Any, w: Any) -> Any:
        return augmentation.apply(x, views, size=size, preset="robust"), y, w

    def augmented() -> Callable[[int], None]:
        model = network(robust)

        def epoch(number: int) -> None:
            views = augmentation.draw("robust", 0, number, digests, size)
            rows = tf.data.Dataset.from_tensor_slices((pixels[:count], views, targets, weights))
            model.fit(rows.batch(BATCH).map(viewed, tf.data.AUTOTUNE).prefetch(2), verbose=0)
            model.predict(held, BATCH, verbose=0)

        return epoch

    def trainer(folder: Path, recipe: Recipe) -> Callable[[int], None]:
        found, chosen = verified(folder)
        material = PixelInputs(
            network(recipe),
            found.dataset,
            chosen[:count],
            chosen[count:],
            found.digests,
            None,
            recipe,
        )

        def epoch(number: int) -> None:
            material.model.fit(material.training(number), shuffle=False, verbose=0)
            material.validation()

        return epoch

    return [
        Loop("arrays", in_memory()),
        *(Loop(f"files of {folder.name}", trainer(folder, plain)) for folder in folders),
        Loop("arrays, augmented", augmented()),
        *(
            Loop(f"files of {folder.name}, augmented", trainer(folder, robust))
            for folder in folders
        ),
    ]


def predictions(folder: Path, arguments: argparse.Namespace) -> list[Loop]:
    """Return `zoo.predict` of the files of a folder, and `model.predict` of the same as arrays."""
    import zoo
    from zoo.base.pictures.images import read_image
    from zoo.runs.model_file import load_classifier

    side = arguments.size
    run = zoo.train(
        arguments.architecture,
        str(folder),
        changes={"epochs": 1, "augmentation": "none", "frame": "whole"},
        input_shape=(side, side, 3),
        folder=folder.parent / "runs",
        allow_findings=True,
    )
    model = load_classifier(run).model
    files = sorted(folder.rglob("*.jpeg"))
    pixels = np.stack([read_image(path, (side, side)) for path in files]).astype(np.float32)

    def asked(_: int) -> None:
        list(zoo.predict([folder], run))

    return [
        Loop("model.predict", lambda _: model.predict(pixels, BATCH, verbose=0)),
        Loop(f"zoo.predict, {folder.name}", asked),
    ]


def told(loops: list[Loop], first: str, later: str) -> None:
    """Print what each loop took, and the speed beside the one on arrays before it."""
    bare = loops[0]
    for loop in loops:
        bare = loop if loop.name.startswith(("arrays", "model")) else bare
        wall, processor = (np.median([one[i] for one in loop.taken[1:]]) for i in (0, 1))
        beside = [
            np.median([one[i] for one in bare.taken[1:]]) / now
            for i, now in ((0, wall), (1, processor))
        ]
        print(
            f"{loop.name:<34} {first} {loop.taken[0][0]:7.2f} s; {later} {wall:7.2f} s "
            f"({processor:7.2f} s of the processor), speed {beside[0]:.2f} ({beside[1]:.2f})"
        )


def main() -> None:
    """Draw the files, let the loops take turns, and print what each took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--size", type=int, default=180)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--architecture", default="scratch")
    parser.add_argument("--part", choices=("training", "prediction"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        os.environ["ZOO_CACHE"] = str(Path(place) / "cache")
        folders = [Path(place) / name for name in SHAPES]
        for folder in folders:
            make(folder, arguments.images, SHAPES[folder.name])
        if arguments.part != "prediction":
            compared = loops(folders, arguments)
            for number in range(arguments.epochs):
                for loop in compared:
                    loop(number)
            told(compared, "first epoch", "later")
        if arguments.part != "training":
            for folder in folders:
                compared = predictions(folder, arguments)
                os.environ["ZOO_CACHE"] = str(Path(place) / f"cache of {folder.name}")
                for number in range(arguments.epochs):
                    for loop in compared:
                        loop(number)
                told(compared, "cold", "warm")


if __name__ == "__main__":
    main()
