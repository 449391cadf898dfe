"""Time and peak memory of each long step with 1,000, 10,000 and 100,000 pictures.

    python benchmarks/growth.py [--sizes 1000,10000] [--steps check,train] [--folder FOLDER]

Each step of each size runs in a process of its own. What was measured is kept in `growth.json` of
the folder, and is not measured again: a run that was interrupted goes on, and larger sizes of dear
steps can be left out or be added. The pictures, the cache of features, the runs and the reports are
there too (all of it temporary without `--folder`).

The pictures are drawings of lungs, 96 x 96 gray JPEGs, two of a patient, a fifth of the patients in
a test part; one in a hundred is another one written anew: a near duplicate that has to be found.
Times and memory are those above importing TensorFlow; memory is what the process holds, without the
files that it has mapped, which the system takes back when others need room. `silent` is the longest
time without any sign of progress. A slope is the exponent with which the time grows: 1 is in
proportion.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

SIZES = (1_000, 10_000)
SIDE, DRAWN, PLANTED = 96, 256, 100
"""Of a picture; drawings that pictures are mixed of; every so many there is a near duplicate."""
SHAPE, EPOCHS = (96, 96, 3), 4
RESULTS, PICTURE = "growth.json", "growth.png"
TIME = "processor_seconds"
"""What slopes are taken of: what else a machine does is not in it."""
GIGABYTES = 2
"""Of memory above TensorFlow's own: what no step should need."""


def make(folder: Path, files: int) -> None:
    """Write `files` pictures of `files / 2` patients, named as in the Kaggle set."""
    import io

    from PIL import Image

    from zoo import load_registry

    drawn = load_registry().dataset(f"phantom?images={DRAWN}&size={SIDE}")
    of_class = [
        np.stack([drawn.read(s, None)[..., 0] for s in drawn.samples if s.label == label])
        for label in (0, 1)
    ]
    for number in range(files):
        patient, copied = number // 2, number % PLANTED == PLANTED - 1
        label, part = int(patient % 4 > 0), "test" if patient % 5 == 0 else "train"
        own = np.random.default_rng(patient)
        one, other = own.choice(len(of_class[label]), 2, replace=False)
        share = own.uniform(0.5, 0.8)
        mixed = share * of_class[label][one] + (1 - share) * of_class[label][other]
        take = np.random.default_rng([patient, 0 if copied else number % 2])
        mixed = np.roll(mixed, take.integers(-4, 5, 2), (0, 1)) * take.uniform(0.8, 1.0)
        mixed += take.normal(0, 8, (SIDE // 4, SIDE // 4)).repeat(4, 0).repeat(4, 1)
        name = f"person{patient}_bacteria_{number}" if label else f"IM-{patient:06d}-{number:06d}"
        place = folder / part / ("PNEUMONIA" if label else "NORMAL")
        place.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        picture = Image.fromarray(np.clip(mixed, 0, 255).astype(np.uint8))
        picture.save(buffer, "JPEG", quality=60 if copied else 90)
        (place / f"{name}.jpeg").write_bytes(buffer.getvalue())


class Watch:
    """Listens to progress: how long each stretch took, and the longest time without a sign."""

    def __init__(self) -> None:
        self.stretches: dict[str, float] = {}
        self.silent, self.before = 0.0, ""
        self._title, self._began = "", time.monotonic()
        self._last = self._began

    def start(self, title: str, _: int) -> None:
        """Begin a stretch; of several with the same title the times are added up."""
        self.stop()
        self._title, self._began = title.rstrip("0123456789/ "), time.monotonic()

    def stop(self) -> None:
        """End a stretch."""
        self._sign()
        if self._title:
            spent = time.monotonic() - self._began + self.stretches.get(self._title, 0.0)
            self.stretches[self._title] = spent
        self._title = ""

    def _sign(self, *_: object) -> None:
        now = time.monotonic()
        if now - self._last > self.silent:
            self.silent, self.before = now - self._last, self._title or self._latest()
        self._last = now

    note = warn = advance = epoch = _sign

    def _latest(self) -> str:
        return f"after {[*self.stretches][-1]}" if self.stretches else "at the start"


def check(pictures: Path, runs: Path, watch: Watch) -> dict[str, Any]:
    """Check with the features of the pretrained network."""
    import zoo
    from zoo.report.pages.check import write_check

    checked = zoo.check(str(pictures), progress=watch)
    write_check(checked, runs / "check")
    return {"near_pairs": checked.result["duplicates"]["near_pairs"]}


def check_alone(pictures: Path, _: Path, watch: Watch) -> dict[str, Any]:
    """Check without any pretrained network: what the rest of a check costs."""
    from dataclasses import replace

    import zoo

    registry = replace(zoo.load_registry(), architectures={})
    checked = zoo.check(str(pictures), registry=registry, progress=watch)
    return {"near_pairs": checked.result["duplicates"]["near_pairs"]}


def train(pictures: Path, runs: Path, watch: Watch) -> dict[str, Any]:
    """Train the head of a frozen network on the lungs, measure it and keep it."""
    import zoo

    changes = {"epochs": EPOCHS, "backbone": "frozen"}
    run = zoo.train(
        "efficientnet",
        str(pictures),
        changes=changes,
        input_shape=SHAPE,
        allow_findings=True,
        folder=runs,
        progress=watch,
    )
    return {"roc_auc": run.metrics()["test"]["metrics"]["roc_auc"]["value"]}


def predict(pictures: Path, runs: Path, watch: Watch) -> dict[str, Any]:
    """Predict all pictures, as `zoo predict --csv` does."""
    from click.testing import CliRunner

    import zoo
    from zoo.cli import predict as command

    command.Console = lambda: watch  # type: ignore[assignment,misc]
    run = zoo.open_run(folder=runs)
    arguments = [str(run.path), str(pictures), "--csv", str(runs / "predictions.csv")]
    result = CliRunner().invoke(command.command, arguments, catch_exceptions=False)
    if result.exit_code:
        raise SystemExit(result.output)
    return {"rows": (runs / "predictions.csv").read_text().count("\n") - 1}


def explain(pictures: Path, runs: Path, watch: Watch) -> dict[str, Any]:
    """Explain all pictures by one method, with a report each and an index."""
    import zoo

    run, output = zoo.open_run(folder=runs), runs / "explanations"
    asked: dict[str, Any] = {"methods": ["gradcam"], "trust": False, "formats": ["html"]}
    made = zoo.explain([pictures], run, output=output, progress=watch, **asked)
    seen = sum(1 for _ in made)
    index = (output / "index.html").stat().st_size
    return {"results": seen, "index_kb": round(index / 1e3)}


def compare(pictures: Path, runs: Path, watch: Watch) -> dict[str, Any]:
    """Compare two architectures on two folds of the same patients."""
    import zoo

    compared = zoo.compare(
        ["efficientnet", "mnist"],
        str(pictures),
        folds=2,
        changes={"epochs": 1, "augmentation": "none", "backbone": "frozen"},
        input_shape=SHAPE,
        folder=runs,
        progress=watch,
    )
    return {"entries": len(compared.result["entries"])}


STEPS: Mapping[str, Callable[[Path, Path, Watch], dict[str, Any]]] = {
    "check without network": check_alone,
    "check": check,
    "train": train,
    "predict": predict,
    "explain": explain,
    "compare": compare,
}
NEEDS_A_RUN = ("predict", "explain")


class Held:
    """Looks five times a second how much memory this process holds that is no mapped file's."""

    def __init__(self) -> None:
        self._process, self._done = psutil.Process(), threading.Event()
        self.before = self.most = self._now()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        """Return the MB by which it grew at most."""
        self._done.set()
        self._thread.join()
        return (self.most - self.before) // 2**20

    def _look(self) -> None:
        while not self._done.wait(0.2):
            self.most = max(self.most, self._now())

    def _now(self) -> int:
        memory = self._process.memory_info()
        return int(memory.rss - getattr(memory, "shared", 0))


def measure(step: str, pictures: Path, runs: Path) -> dict[str, Any]:
    """Do one step in this process; return seconds, memory and the silences."""
    import keras
    import tensorflow as tf

    from zoo.base.environment import peak_memory

    tf.constant(0)
    keras.layers.Dense(1)
    before, watch, held = peak_memory(), Watch(), Held()
    start, spent = time.monotonic(), time.process_time()
    told = STEPS[step](pictures, runs, watch)
    watch.stop()
    return {
        "seconds": round(time.monotonic() - start, 1),
        "processor_seconds": round(time.process_time() - spent, 1),
        "peak_mb": peak_memory() - before,
        "held_mb": held.stop(),
        "before_mb": before,
        "silent": round(watch.silent, 1),
        "silent_in": watch.before,
        "stretches": {title: round(took, 1) for title, took in watch.stretches.items()},
        **told,
    }


def slope(by_size: Mapping[int, Mapping[str, Any]], key: str) -> float | None:
    """Return the exponent of the growth between the sizes; None with one size."""
    if len(by_size) < 2:
        return None
    sizes, values = zip(
        *((size, max(one[key], 1e-3)) for size, one in by_size.items()), strict=True
    )
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def measured(results: Mapping[str, Mapping[str, Any]], step: str) -> dict[int, Mapping[str, Any]]:
    """Return what is known of a step, by the number of pictures."""
    return dict(sorted((int(size), one[step]) for size, one in results.items() if step in one))


def held(one: Mapping[str, Any]) -> int:
    """Return the MB that a step held above TensorFlow's own, those of mapped files not counted."""
    return int(one.get("held_mb", one["peak_mb"]))


def tell(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the results out as a table."""
    head = ("step", "pictures", "cpu-s", "ms each", "slope", "MB held", "silent")
    lines = ["{:<22}{:>9}{:>9}{:>9}{:>7}{:>9}{:>8}  in".format(*head)]
    for step in STEPS:
        by_size = measured(results, step)
        for size, one in by_size.items():
            known = {other: by_size[other] for other in by_size if other <= size}
            grows = slope(known, TIME)
            lines.append(
                f"{step:<22}{size:>9,}{one[TIME]:>9.0f}{1000 * one[TIME] / size:>9.1f}"
                f"{'' if grows is None else format(grows, '.2f'):>7}{held(one):>9,}"
                f"{one['silent']:>7.0f}s  {one['silent_in']}"
            )
    return "\n".join(lines)


def draw(results: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Draw time and memory against the number of pictures."""
    from zoo.report import style

    figure = style.new_figure(3.6, 9.0)
    seconds, memory = figure.subplots(1, 2)
    style.dress(seconds, "pictures", "seconds of a processor (in brackets the slope)")
    style.dress(memory, "pictures", "MB above TensorFlow's own")
    for step, colour in zip(STEPS, style.SERIES, strict=False):
        by_size = measured(results, step)
        if not by_size:
            continue
        grows = slope(by_size, TIME)
        label = step if grows is None else f"{step} ({grows:.2f})"
        line = {"color": colour, "marker": "o", "markersize": 4, "linewidth": 1.6}
        seconds.plot([*by_size], [one[TIME] for one in by_size.values()], label=label, **line)
        memory.plot([*by_size], [held(one) for one in by_size.values()], **line)
    memory.axhline(GIGABYTES * 1000, color=style.MUTED, linewidth=1, linestyle="--")
    for axes in (seconds, memory):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:,.0f}")
    seconds.set_yscale("log")
    seconds.yaxis.set_major_formatter("{x:,.0f}")
    for axis in (seconds.xaxis, seconds.yaxis, memory.xaxis):
        axis.set_tick_params(which="minor", length=0)
    memory.set_ylim(
        0, 1.1 * max([GIGABYTES * 1000, *(y for a in memory.lines for y in a.get_ydata())])
    )
    figure.legend(
        loc="outside upper center",
        ncols=3,
        frameon=False,
        labelcolor=style.INK,
        prop={"family": style.FONT, "size": 9},
    )
    return style.to_png(figure, dpi=110)


def run_all(sizes: Sequence[int], steps: Sequence[str], folder: Path) -> None:
    """Measure what is not known yet, each in a process of its own, and tell all that is."""
    path = folder / RESULTS
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for size in sizes:
        pictures, runs = folder / f"pictures-{size}", folder / f"runs-{size}"
        if not (pictures / "whole").exists():
            start = time.monotonic()
            make(pictures, size)
            (pictures / "whole").touch()
            print(f"{size:,} pictures made in {time.monotonic() - start:.0f} s", flush=True)
        wanted = [step for step in STEPS if step in steps or (step == "train" and _needed(steps))]
        runs.mkdir(exist_ok=True)
        for step in wanted:
            known = results.setdefault(str(size), {})
            if step in known:
                continue
            environment = {**os.environ, "ZOO_CACHE": str(folder / f"cache-{size}")}
            command = [sys.executable, __file__, "--measure", step, str(pictures), str(runs)]
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            known[step] = json.loads(done.stdout.splitlines()[-1])
            path.write_text(json.dumps(results, indent=1) + "\n", "utf-8")
            print(f"{size:>9,} {step}: {known[step]}", flush=True)
    print(tell(results))
    (folder / PICTURE).write_bytes(draw(results))


def _needed(steps: Sequence[str]) -> bool:
    return not set(steps).isdisjoint(NEEDS_A_RUN)


def main() -> None:
    """Read the options, measure and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)))
    parser.add_argument("--steps", default=",".join(STEPS), help=f"Any of: {', '.join(STEPS)}.")
    parser.add_argument("--folder", type=Path, help="Where all is kept; default: nowhere.")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.measure:
        step, pictures, runs = chosen.measure
        print(json.dumps(measure(step, Path(pictures), Path(runs))))
        return
    sizes = [int(size) for size in chosen.sizes.split(",")]
    steps = chosen.steps.split(",")
    if unknown := set(steps) - STEPS.keys():
        parser.error(f"no such step: {', '.join(unknown)}; expected any of: {', '.join(STEPS)}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        run_all(sizes, steps, folder)


if __name__ == "__main__":
    main()
