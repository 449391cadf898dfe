"""What a verdict on a heat map takes, the first of a run and later ones, and what a first answer.

    python benchmarks/verdict_speed.py RUN [--image IMAGE] [--methods gradcam saliency ...]

Each method is judged in processes of its own, on a copy of the run that nothing is known of yet.
The first verdict of a run includes trying the method on shuffled networks, which is kept with the
run, and done at the end of a training for the methods that are shown by default. The first of a
process that finds it there includes making the graphs of the network; later ones are of other
pictures. All three include answering and explaining, none loading the run. Then `zoo predict` and
`zoo explain` are started beside a process that imports TensorFlow alone, with what is kept. Seconds
are by the clock, and of the processors: those also tell on a machine that has other work. Without
an image it is a phantom with an opacity.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from zoo.base.pictures.images import read_image
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.registry import load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.preparation import prepare_verdicts
from zoo.runs import run_folder

NAMES = {"default": "those shown by default"}


class Stopwatch:
    """Seconds since it was last asked, by the clock and of the processors."""

    def __init__(self) -> None:
        self._clock, self._processors = time.perf_counter(), time.process_time()

    def lap(self) -> tuple[float, float]:
        """Return both, and begin anew."""
        before = self._clock, self._processors
        self.__init__()  # type: ignore[misc]
        return self._clock - before[0], self._processors - before[1]


def judged(folder: Path, method: str, image: Path) -> dict[str, object]:
    """Judge a method's maps of three pictures: the image, and the same a little darker."""
    interpreter = Interpreter(
        run_folder.open_run(folder), methods=() if method == "default" else [method]
    )
    shape = interpreter.classifier.input_shape
    pixels = to_channels(read_image(image.read_bytes(), shape[:2]), shape[2])
    laps, told, watch = [], [], Stopwatch()
    for darker in range(3):
        shown = np.clip(pixels.astype(int) - 4 * darker, 0, 255).astype(np.uint8)[None]
        (case,) = interpreter.cases(Images(shown, (image.name,), (None,), (str(darker) * 16,)))
        laps.append(watch.lap())
        told.append({name: trust.level for name, trust in case.trust.items()})
    return {"laps": laps, "told": told[0]}


def started(*command: str) -> tuple[float, float]:
    """Return what a process takes, by the clock and of the processors."""

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    clock, processors = time.perf_counter(), used()
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    return time.perf_counter() - clock, used() - processors


def in_a_process(run: Path, method: str, image: Path) -> dict[str, object]:
    """Return what `judged` gives in a process of its own."""
    process = subprocess.run(
        [sys.executable, __file__, str(run), "--image", str(image), "--only", method],
        check=True,
        capture_output=True,
        text=True,
    )
    return dict(json.loads(process.stdout.splitlines()[-1]))


def verdicts(run: Path, methods: Sequence[str], image: Path) -> None:
    """Print a line a method."""
    print(
        f"{'verdict of':<28}{'of a run':>20}{'of a process':>20}{'later':>20}   by the clock (CPU)"
    )
    for method in methods:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / run.name
            shutil.copytree(run, copy, ignore=shutil.ignore_patterns("trust"))
            anew, again = (in_a_process(copy, method, image) for _ in range(2))
        laps = [anew["laps"][0], again["laps"][0], min(again["laps"][1:])]  # type: ignore[index]
        row = "".join(f"{clock:10.1f} ({cpu:5.1f}) s" for clock, cpu in laps)
        print(f"{NAMES.get(method, method):<28}{row}  {again['told']}", flush=True)


def start_up(run: Path, image: Path, times: int) -> None:
    """Print what a first answer takes, and how often the import of TensorFlow that is."""
    prepare_verdicts(run_folder.open_run(run))
    with tempfile.TemporaryDirectory() as folder:
        asked = {
            "import tensorflow": ("-c", "import tensorflow"),
            "zoo predict": ("-m", "zoo.cli", "predict", str(image), "--run", str(run)),
            "zoo explain": ("-m", "zoo.cli", "explain", str(image), "--run", str(run)),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in asked}
        for turn in range(times):  # in turn, so that other work on the machine meets all alike
            for name, command in asked.items():
                more = ("--output", f"{folder}/{turn}") if name == "zoo explain" else ()
                taken[name].append(started(*command, *more))
    alone = min(taken["import tensorflow"])
    for name, laps in taken.items():
        clock, processors = min(laps)
        times_as_long = f"{clock / alone[0]:5.2f} x {processors / alone[1]:7.2f} x"
        print(f"{name:<42}{clock:7.1f} s {processors:7.1f} s{times_as_long}", flush=True)


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="a finished run folder")
    parser.add_argument("--image", type=Path, help="an image file")
    parser.add_argument("--methods", nargs="*", help="default: all, and those shown by default")
    parser.add_argument("--times", type=int, default=2, help="how often processes are started")
    parser.add_argument("--only", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.only:
        print(json.dumps(judged(given.run, given.only, given.image)))
        return
    with tempfile.TemporaryDirectory() as folder:
        image = given.image
        if image is None:
            dataset = load_registry().dataset("phantom?seed=1&size=320")
            sample = next(one for one in dataset.samples if one.label == 1)
            image = Path(folder) / "phantom.png"
            Image.fromarray(dataset.read(sample, (320, 320)).squeeze()).save(image)
        methods = given.methods
        if methods is None:
            every = Interpreter(run_folder.open_run(given.run), every=True, trust=False)
            methods = ["default", *(one.name for one in every.explainers if one.name != "examples")]
        verdicts(given.run, methods, image)
        start_up(given.run, image, given.times)


if __name__ == "__main__":
    main()
