"""Which methods hold up on which kind of network: an audit of all of them on each.

    python benchmarks/audits.py FOLDER [--only vit resnet] [--sample 12]

Each network is trained on the phantom, unless FOLDER/NAME has a finished run already, and audited
on other drawings, nearly all of them with a finding, whose place is known. What is done is kept in
FOLDER, so that a benchmark that was stopped goes on. At the end a table of all audits in FOLDER is
printed in Markdown. SHAP has two seconds of evaluations an image instead of ten.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

import zoo
from zoo import Architecture, Registry, Run, hookimpl
from zoo.base.files import write_json
from zoo.interpret.trust.randomisation import ALIKE
from zoo.interpret.trust.ranking import STABLE
from zoo.interpret.trust.verdict import DO_NOT_USE
from zoo.runs import run_folder

CHEAPER = {"budget": 2.0}
AUDIT = "audit.json"


@dataclass(frozen=True)
class Network:
    """How one kind of network is trained: an architecture, and what differs from its defaults."""

    architecture: str
    data: str
    size: int
    changes: Mapping[str, Any] = field(default_factory=dict)


NETWORKS = {
    "efficientnet-lungs": Network(
        "efficientnet", "phantom?images=300&size=160", 160, {"fewest_steps": 40}
    ),
    "efficientnet-whole": Network(
        "efficientnet", "phantom?images=300&size=160", 160, {"fewest_steps": 40, "frame": "whole"}
    ),
    "scratch": Network("scratch", "phantom?images=300&size=112", 112),
    "vit": Network("vit", "phantom?images=600&size=96&difficulty=0.3", 96, {"frame": "whole"}),
    "resnet": Network("resnet", "phantom?images=300&size=96", 96, {"frame": "whole"}),
}


def vit(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """Build a transformer of three blocks on patches of 8 x 8 pixels, whose tokens are averaged."""
    import keras
    from keras import layers, ops

    width, tokens = 48, (input_shape[0] // 8) * (input_shape[1] // 8)
    pixels = keras.Input(input_shape)
    x = layers.Conv2D(width, 8, strides=8)(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    x = layers.Reshape((tokens, width))(x)
    start = keras.initializers.RandomNormal(0.02)
    place = layers.EinsumDense(  # a bias a token and channel: where the token is
        "abc,cd->abd", (tokens, width), bias_axes="bd", bias_initializer=start
    )
    x = place(x)
    for _ in range(3):
        y = layers.LayerNormalization()(x)
        x = x + layers.MultiHeadAttention(4, width // 4)(y, y)
        y = layers.Dense(2 * width, activation="gelu")(layers.LayerNormalization()(x))
        x = x + layers.Dense(width)(y)
    x = ops.mean(layers.LayerNormalization()(x), axis=1)
    return keras.Model(pixels, layers.Dense(num_classes)(x))


def resnet(input_shape: tuple[int, int, int], num_classes: int) -> Any:
    """Build residual blocks, each a model of its own, in a backbone that is called as a layer."""
    import keras
    from keras import layers

    def block(shape: tuple[int, ...], filters: int, strides: int) -> Any:
        inside = keras.Input(shape)
        x, around = inside, layers.Conv2D(filters, 1, strides=strides, use_bias=False)(inside)
        for place in range(2):
            x = layers.Conv2D(
                filters, 3, strides=1 if place else strides, padding="same", use_bias=False
            )(x)
            x = layers.BatchNormalization()(x)
            x = layers.Add()([x, around]) if place else x
            x = layers.ReLU()(x)
        return keras.Model(inside, x)

    inside = keras.Input(input_shape)
    x = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)(inside)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for filters, strides in ((16, 2), (32, 1), (64, 2)):
        x = block(tuple(x.shape[1:]), filters, strides)(x)
    backbone = keras.Model(inside, x, name="backbone")
    pixels = keras.Input(input_shape)
    x = backbone(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(num_classes)(x))


class Others:
    """The two networks that the zoo does not have."""

    __name__ = "others"

    @hookimpl
    def zoo_architectures(self) -> list[Architecture]:
        """Declare them."""
        recipe = {"epochs": 15, "fewest_steps": 20, "warm_up": 0.5, "averaging": 0.5, "patience": 8}
        rates = {vit: 1e-3, resnet: 3e-3}
        return [
            Architecture(
                name=build.__name__,
                summary="",
                build=build,
                parameters=1,
                input_shape=(96, 96, 3),
                recipe={**recipe, "learning_rate": rate},
            )
            for build, rate in rates.items()
        ]


def trained(name: str, folder: Path, registry: Registry) -> Run:
    """Return the finished run of a network in its folder, or train one."""
    for path in sorted((folder / name).glob(f"*/{run_folder.RECORD}")):
        run = run_folder.read(path.parent)
        if run.record["status"] == "done":
            return run_folder.open_run(path.parent)
    one = NETWORKS[name]
    return zoo.train(
        one.architecture,
        one.data,
        changes=one.changes,
        input_shape=(one.size, one.size, 3),
        folder=folder / name,
        registry=registry,
    )


def audited(name: str, folder: Path, sample: int, registry: Registry) -> None:
    """Audit all methods of a network, and keep the numbers with what it took."""
    run = trained(name, folder, registry)
    size = run.record["input_shape"][0]
    source = f"phantom?seed=1&images={2 * sample}&prevalence=0.95&size={size}"
    begun = time.process_time()
    audit = zoo.audit(run, source, sample=sample, changes=CHEAPER, registry=registry)
    record = {**audit.to_record(), "processor_seconds": time.process_time() - begun}
    write_json(folder / name / AUDIT, record)


def table(audits: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a line a method, with what each network's audit says of it."""
    methods = sorted({one["name"] for audit in audits.values() for one in methods_of(audit)})
    rows = [["method", *audits], ["---"] * (1 + len(audits))]
    for method in methods:
        found = [
            next((one for one in audit["standings"] if one["name"] == method), None)
            for audit in audits.values()
        ]
        rows.append([f"`{method}`", *map(cell, found)])
    rows.append(["best control", *(of_controls(one) for one in audits.values())])
    rows.append(
        [
            "hold up, weak, do not use",
            *(
                ", ".join(str(levels.count(level)) for level in ("holds up", "weak", DO_NOT_USE))
                for levels in (
                    [one["level"] for one in methods_of(audit)] for audit in audits.values()
                )
            ),
        ]
    )
    rows.append(
        ["answered right", *(f"{one['right']} of {one['images']}" for one in audits.values())]
    )
    minutes = (f"{one['processor_seconds'] / 60:.1f}" for one in audits.values())
    rows.append(["minutes of a processor", *minutes])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def methods_of(audit: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return what was measured of the methods, without the controls."""
    return [one for one in audit["standings"] if not one["control"]]


def cell(one: Mapping[str, Any] | None) -> str:
    """Say of a method its verdict and why, its lead, and how often it points at the finding."""
    if one is None:
        return "does not serve it"
    said = f"**{one['level']}**" if one["level"] == "holds up" else f"{one['level']}{why(one)}"
    return f"{said}, {one['score']['value']:+.2f}, {points(one):.2f}"


def why(one: Mapping[str, Any]) -> str:
    """Name what a method failed by, in the order of the rules."""
    measured = one["measures"]
    if one["likeness"] is not None and one["likeness"] >= ALIKE:
        return " (weights)"
    for measure, name in (("noise", " (noise)"), ("repeat", " (seed)")):
        if measured[measure]["value"] is not None and measured[measure]["value"] < STABLE:
            return name
    return " (moved)" if one["level"] == DO_NOT_USE else " (middle or edges)"


def points(one: Mapping[str, Any]) -> float:
    """Return the share of images where the highest value of a map lies in the finding."""
    return float(one["located"]["all"]["pointing"]["value"])


def of_controls(audit: Mapping[str, Any]) -> str:
    """Say which map that knows no network points at the finding most often."""
    best = max((one for one in audit["standings"] if one["control"]), key=points)
    return f"{best['name']}, {points(best):.2f}"


def main() -> None:
    """Train, audit and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("folder", type=Path)
    options.add_argument("--only", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    options.add_argument("--sample", type=int, default=12)
    asked = options.parse_args()
    registry = zoo.load_registry(Others())
    for name in asked.only:
        if not (asked.folder / name / AUDIT).is_file():
            audited(name, asked.folder, asked.sample, registry)
    kept = {name: asked.folder / name / AUDIT for name in NETWORKS}
    print(table({n: json.loads(p.read_text("utf-8")) for n, p in kept.items() if p.is_file()}))


if __name__ == "__main__":
    main()
