"""What people would use instead, side by side in one run: training, prediction, a heat map, memory.

    python benchmarks/peers.py --data chest_xray/ [--aucmedi PYTHON] [--images 2000] [--epochs 20]
                               [--ways keras,example,fast] [--figure peers.png]

The ways, each in a process of its own, on the same division by patient:

- `keras`: what a notebook does. EfficientNet-Lite0 with ImageNet weights, frozen and run whole in
  each epoch on an augmenting tf.data pipeline, a dense head on top.
- `example`: the network and pipeline of keras.io's example of this data set (Amy MiHyun Jang,
  *Pneumonia Classification on TPU*, 2020): separable convolutions from scratch at 180 pixels.
- `aucmedi`: AUCMEDI in the environment of the interpreter that `--aucmedi` names (`pip install
  aucmedi`), its EfficientNetB0 with random weights, which costs what trained ones do.
- `fast`, `default`: the whole command `zoo train efficientnet`, with empty caches, and `fast` once
  more with filled ones.

Two epochs are trained of the others; `--epochs` of them take as long as the first, and all later
ones as long as the second. `--train-whole` trains all of those of `keras`, so that scores can be
compared. A heat map is one more image, after a first one. Prints a table, with versions, or
`--json`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path.remove(str(HERE))  # its explain.py is not the package

ZOO = str(Path(sys.executable).with_name("zoo"))
WAYS = ("keras", "example", "aucmedi", "fast", "default")
SEED = 0
PREDICTED = 256


def job_of(source: str, images: int | None, epochs: int, folder: Path) -> dict[str, Any]:
    """Divide the data by patient as `zoo train` does, and write what every way is given."""
    from zoo.base.progress import SILENT
    from zoo.base.registry import load_registry
    from zoo.data.splits import split
    from zoo.data.verify import verify

    dataset = load_registry().dataset(source)
    if dataset.path is None:
        sys.exit(f"--data {source} holds no files of its own; name a folder of classes")
    verified = verify(dataset, skip_broken=True, progress=SILENT)
    parts = split(verified.dataset, verified.digests, SEED)
    rows = {
        part: [[str(dataset.path(s)), s.label] for s in parts.part(part)][:images]
        for part in ("train", "validation")
    }
    job = {"classes": list(dataset.class_names), "epochs": epochs, "predicted": PREDICTED, **rows}
    (folder / "job.json").write_text(json.dumps(job), "utf-8")
    return job


def run(command: Sequence[str], **environment: str) -> tuple[str, float]:
    """Run a command to its end; return what it printed and the seconds that it took."""
    begun = time.perf_counter()
    done = subprocess.run(
        command,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}")
    return done.stdout, time.perf_counter() - begun


def told(command: Sequence[str], **environment: str) -> dict[str, Any]:
    """Return the JSON of the last line that a way prints."""
    return json.loads(run(command, **environment)[0].splitlines()[-1])


def of_zoo(source: str, preset: str, job: Path, folder: Path) -> dict[str, Any]:
    """Measure `zoo train`, cold and for `fast` warm as well, and what its run can do."""
    train = [ZOO, "train", "efficientnet", "--data", source]
    kept = {"ZOO_CACHE": str(folder / f"cache-{preset}"), "ZOO_RUNS": str(folder / preset)}
    train += ["--preset", preset, "--seed", str(SEED), "--skip-broken", "--allow-findings"]
    seconds = {"cold": run(train, **kept)[1]}
    if preset == "fast":
        seconds["warm"] = run(train, **kept)[1]
    newest = max(Path(kept["ZOO_RUNS"]).glob("*/run.json"), key=lambda p: p.stat().st_mtime).parent
    metrics = json.loads((newest / "metrics.json").read_text("utf-8"))
    record = json.loads((newest / "run.json").read_text("utf-8"))
    used = told([sys.executable, str(HERE / "peers_zoo.py"), str(job), str(newest)], **kept)
    return {
        **used,
        "training_s": seconds["cold"],
        "warm_training_s": seconds.get("warm"),
        "validation_roc_auc": metrics["validation"]["metrics"]["roc_auc"]["value"],
        "training_memory_mb": record["training"]["peak_memory_mb"],
    }


def start_up(aucmedi: str | None) -> dict[str, float]:
    """Measure processes that do next to nothing, in seconds: the best of three."""
    commands = {
        "python -c 'import tensorflow'": [sys.executable, "-c", "import tensorflow"],
        "zoo list": [ZOO, "list"],
        "python -c 'import zoo'": [sys.executable, "-c", "import zoo"],
    }
    if aucmedi:
        commands["python -c 'import aucmedi'"] = [aucmedi, "-c", "import aucmedi"]
    return {name: min(run(command)[1] for _ in range(3)) for name, command in commands.items()}


def extrapolated(result: dict[str, Any], epochs: int) -> dict[str, Any]:
    """Add what a whole training takes, where only its first epochs were measured."""
    if "training_s" in result:
        return result
    first, *rest = result["epoch_s"]
    later = sum(rest) / len(rest) if rest else first
    return {**result, "training_s": result["ready_s"] + first + (epochs - 1) * later}


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Lay the results out, one way a row."""
    head = ("way", "training s", "again s", "ROC-AUC", "images/s", "heat map s", "memory MB")
    keys = (
        ("training_s", ".0f"),
        ("warm_training_s", ".1f"),
        ("validation_roc_auc", ".3f"),
        ("images_s", ".1f"),
        ("heat_map_s", ".3f"),
        ("training_memory_mb", ",.0f"),
    )
    rows = [head]
    for name, result in results.items():
        cells = (
            "-" if result.get(key) is None else format(result[key], kind) for key, kind in keys
        )
        rows.append((name, *cells))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )


def figure(results: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw the time to a trained network and the images predicted a second, by way."""
    from zoo.report import style

    bars = [(name, result["training_s"]) for name, result in results.items()]
    bars += [
        (f"{name}, again", result["warm_training_s"])
        for name, result in results.items()
        if result.get("warm_training_s")
    ]
    rates = [(name, result["images_s"]) for name, result in results.items()]
    drawn = style.new_figure(0.9 + 0.36 * len(bars), width=8.4)
    left, right = drawn.subplots(1, 2)
    for axes, values, label in (
        (left, bars, "seconds to a trained network (logarithmic)"),
        (right, rates, "images predicted a second, from files"),
    ):
        style.dress(axes, label)
        names = [name for name, _ in values][::-1]
        heights = [value for _, value in values][::-1]
        ours = [name.split(",")[0] in ("fast", "default") for name in names]
        colours = [style.BLUE if own else style.MUTED for own in ours]
        axes.barh(names, heights, color=colours, height=0.62)
        for place, value in enumerate(heights):
            axes.annotate(
                f"{value:,.0f}",
                (value, place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=style.INK,
            )
        axes.margins(x=0.14)
    left.set_xscale("log")
    path.write_bytes(style.to_png(drawn, dpi=110))


def main() -> None:
    """Measure the ways that are asked for, one after the other, and print what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="a folder of classes")
    parser.add_argument("--images", type=int, help="of each part at most, for the others' ways")
    parser.add_argument("--epochs", type=int, default=20, help="of which two are measured")
    parser.add_argument("--train-whole", action="store_true", help="train all epochs of `keras`")
    parser.add_argument("--aucmedi", metavar="PYTHON", help="an interpreter that has AUCMEDI")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    source = str(Path(options.data).resolve())
    ways = [w for w in options.ways.split(",") if w != "aucmedi" or options.aucmedi]
    if unknown := set(ways) - set(WAYS):
        parser.error(f"--ways knows {', '.join(WAYS)}; not {', '.join(sorted(unknown))}")
    results: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        job_of(source, options.images, options.epochs, folder)
        job = folder / "job.json"
        for way in ways:
            print(f"{way} …", file=sys.stderr, flush=True)
            if way in ("fast", "default"):
                result = of_zoo(source, way, job, folder)
            elif way == "aucmedi":
                result = told([options.aucmedi, str(HERE / "peers_aucmedi.py"), str(job)])
            else:
                epochs = options.epochs if options.train_whole and way == "keras" else 2
                given = [sys.executable, str(HERE / "peers_keras.py"), str(job), way, str(epochs)]
                result = told(given)
            results[way] = extrapolated(result, options.epochs)
    told_all = {"ways": results, "start_up_s": start_up(options.aucmedi)}
    if options.figure:
        figure(results, options.figure)
    if options.json:
        print(json.dumps(told_all, indent=2))
        return
    print(table(results))
    for way, result in results.items():
        print(f"{way}: {', '.join(f'{k} {v}' for k, v in result['versions'].items())}")
    for command, seconds in told_all["start_up_s"].items():
        print(f"{command}: {seconds:.2f} s")


if __name__ == "__main__":
    main()
