"""All explanation methods of a run side by side on one image: what a map costs, and its verdict.

    python benchmarks/methods.py RUN [--image IMAGE] [--verdicts] [--picture maps.png]

Without an image it is a phantom with an opacity. Seconds are of the second call; processor seconds
also tell on a machine that has other work. A verdict takes longer the first time, for the maps of
shuffled networks, which are kept in the run's folder: see verdict_speed.py.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from zoo.base.explanations import Attribution
from zoo.base.pictures.images import read_image
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.registry import load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import Interpreter
from zoo.report.cases.overlays import overlay
from zoo.runs import run_folder

COLUMNS = 5


def picture(path: Path | None, shape: tuple[int, int, int]) -> Images:
    """Read the image, or draw a phantom with an opacity."""
    if path is not None:
        pixels, name = read_image(path.read_bytes(), shape[:2]), path.name
    else:
        dataset = load_registry().dataset("phantom?seed=1")
        sample = next(one for one in dataset.samples if one.label == 1)
        pixels, name = dataset.read(sample, shape[:2]), sample.name
    return Images(to_channels(pixels, shape[2])[None], (name,), (None,), ("0" * 16,))


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what the second call gives, and its seconds by the clock and of the processors."""
    call()
    clock, processors = time.perf_counter(), time.process_time()
    given = call()
    return given, time.perf_counter() - clock, time.process_time() - processors


def report(run: Path, image: Path | None, verdicts: bool, gallery: Path | None) -> None:
    """Print a line a method, and write the gallery."""
    opened, drawn = run_folder.open_run(run), {}
    maps = Interpreter(opened, every=True, trust=False)
    images = picture(image, maps.classifier.input_shape)
    target = maps.targets(maps.answer(images))
    print(f"{opened.name}, {images.names[0]}, explained: {maps.run.class_names[target[0]]}\n")
    for explainer in maps.explainers:
        name, settings = explainer.name, maps.options[explainer.name]
        given, clock, processors = timed(
            lambda e=explainer, o=settings: e.explain(  # type: ignore[misc]
                maps.classifier, images, target, maps.reference, **o
            )
        )
        if not isinstance(given[0], Attribution):
            continue
        drawn[name] = overlay(images.pixels[0], given[0])
        print(f"{name:<22}{clock:8.2f} s {processors:8.2f} s of processors", end="", flush=True)
        if verdicts:
            judge = Interpreter(opened, methods=[name])
            (case,), clock, processors = timed(lambda j=judge: j.cases(images))  # type: ignore[misc]
            told = case.trust[name]
            print(f"; with its verdict {clock:6.1f} s, {processors:6.1f} s: {told.level}", end="")
            print(f" ({told.reason})", end="")
        print(flush=True)
    if gallery is not None:
        show(images.pixels[0], drawn, gallery)


def show(pixels: np.ndarray, drawn: dict[str, np.ndarray], path: Path) -> None:
    """Write the image and its maps side by side as a PNG file."""
    import matplotlib.pyplot as plt

    cells = {"the image": pixels, **drawn}
    rows = math.ceil(len(cells) / COLUMNS)
    size, look = (3 * COLUMNS, 3.3 * rows + 0.4), {"squeeze": False, "layout": "constrained"}
    figure, axes = plt.subplots(rows, COLUMNS, figsize=size, **look)
    for axis in axes.flat:
        axis.axis("off")
    for axis, (name, shown) in zip(axes.flat, cells.items(), strict=False):
        axis.imshow(shown, cmap="gray")
        axis.set_title(name)
    figure.suptitle("For research and teaching only. Not a medical device.")
    figure.savefig(path, dpi=80)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a finished run folder")
    parser.add_argument("--image", type=Path, help="an image file")
    parser.add_argument("--verdicts", action="store_true", help="judge each map, too")
    parser.add_argument("--picture", type=Path, help="where the maps are drawn side by side")
    given = parser.parse_args()
    report(given.run, given.image, given.verdicts, given.picture)


if __name__ == "__main__":
    main()
