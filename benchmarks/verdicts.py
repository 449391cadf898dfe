"""How often verdicts on heat maps are right, where it is known which maps are.

    python benchmarks/verdicts.py RUN [--images 60] [--seed 5] [--methods gradcam saliency]

RUN is a finished run that was trained on the phantom, whose findings have a known place. Of images
with a finding that the run recognises, each method's map counts as right where its highest value
lies within 15 pixels of the finding. As wrong counts the same map drawn on another image, where its
highest value lies farther than that from this one's finding. Only the tests by perturbation judge:
another image's map would fall at once for being another under noise.

Two ways of comparing with chance are shown side by side: with cells that are scattered over the
image, and with the map itself put elsewhere. Then how often two methods agree, by how many of their
maps are right.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from zoo.base.explanations import Attribution
from zoo.base.registry import load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.trust import comparison, perturbation, verdict
from zoo.interpret.trust.agreement import agreements
from zoo.interpret.trust.controls import BLURRED, EDGES, MOVED, RANDOM, controls
from zoo.interpret.trust.localisation import localise
from zoo.interpret.trust.panel import OWN, controls_of, maps_by_method, tried
from zoo.interpret.trust.perturbation import Faithfulness
from zoo.interpret.trust.seen import seen_by
from zoo.interpret.trust.verdict import (
    DO_NOT_USE,
    ENOUGH,
    HOLDS_UP,
    NOT_JUDGED,
    WEAK,
    Evidence,
    judge_map,
)
from zoo.runs import run_folder

LEVELS = (HOLDS_UP, NOT_JUDGED, WEAK, DO_NOT_USE)
KNOWN_NETWORK = {"test": {"value": 1.0, "low": 0.9}}
"""Scores of a network that is better than chance, so that the map alone is judged."""
WAYS = {"scattered cells": (0, 1), "itself elsewhere": (comparison.LUCKY, ENOUGH)}
"""How many controls drawn by chance may do as well, and how many tests are enough."""
SCATTERED, FINE = "scattered", "fine edges"
RIGHT, WRONG = "right", "wrong"


def recognised(
    interpreter: Interpreter, images: int, seed: int
) -> tuple[Images, np.ndarray, list[int]]:
    """Return drawings with a finding that is called, their masks, and the class of each."""
    classifier = interpreter.classifier
    side = classifier.input_shape[0]
    data = load_registry().dataset(f"phantom?images={4 * images}&seed={seed}&size={side}")
    if data.mask is None:
        raise SystemExit("The phantom gives no masks.")
    size = classifier.input_shape[:2]
    found = [sample for sample in data.samples if sample.label == classifier.positive]
    pixels = np.stack([data.read(sample, size) for sample in found])
    called = classifier.logits(pixels).argmax(axis=1) == classifier.positive
    kept = np.flatnonzero(called)[:images]
    masks = np.stack([data.mask(found[i], size) for i in kept])
    names = tuple(found[i].name for i in kept)
    given = Images(pixels[kept], names, (None,) * len(kept), names)
    given.pixels.flags.writeable = False
    return given, masks, [classifier.positive] * len(kept)


def near(values: np.ndarray, mask: np.ndarray) -> bool:
    """Tell whether a map points at a place."""
    found = localise(values, mask)
    return found is not None and found.near


def scattered(pixels: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Return the controls of the first way: noise, and edges as fine as they are."""
    drawn = controls(pixels)
    gray = pixels.astype(np.float64).mean(axis=-1)
    edges = np.hypot(*np.gradient(gray, axis=(1, 2)))
    return {
        (SCATTERED, f"{MOVED} {RANDOM}"): drawn[RANDOM],
        (SCATTERED, f"{MOVED} {BLURRED}"): drawn[BLURRED],
        (SCATTERED, FINE): edges,
    }


def level(way: str, name: str, measured: Mapping, image: int) -> str:
    """Return the verdict by perturbation alone, in one of the ways."""
    comparison.LUCKY, verdict.ENOUGH = WAYS[way]
    owner = SCATTERED if way == "scattered cells" else name
    others: dict[str, Faithfulness] = controls_of(owner, measured, image)
    if owner == SCATTERED:
        del others[EDGES]
    evidence = Evidence(
        values=np.arange(4.0).reshape(2, 2),
        scores=KNOWN_NETWORK,
        faithfulness=measured[name, OWN][image],
        controls=others,
        place="",
    )
    return judge_map(evidence).level


def told(levels: Iterable[str]) -> str:
    """Write how often each verdict was given, with 95 % intervals (Wilson) of the shares."""
    from scipy.stats import binomtest

    counts = Counter(levels)
    total = sum(counts.values())
    if not total:
        return "none"
    parts = []
    for name in LEVELS:
        low, high = binomtest(counts[name], total).proportion_ci(method="wilson")
        parts.append(f"{name} {counts[name]} ({low:.2f}-{high:.2f})")
    return ", ".join(parts) + f" of {total}"


def agreement(
    maps: Mapping[str, np.ndarray], points: Mapping[str, Sequence[bool]]
) -> dict[int, list[bool]]:
    """Tell of each pair of methods and image whether they agree, by how many maps are right.

    Of maps of the image itself only right ones are taken, of those of another only wrong ones.
    """
    found = defaultdict(list)
    for one, other in itertools.combinations(maps, 2):
        if one.split()[0] == other.split()[0]:
            continue
        for i, pair in enumerate(zip(maps[one], maps[other], strict=True)):
            if all(points[name][i] == name.endswith(RIGHT) for name in (one, other)):
                drawn = [Attribution(str(n), 0, values) for n, values in enumerate(pair)]
                right = one.endswith(RIGHT) + other.endswith(RIGHT)
                found[right].append(agreements(drawn)[0].agrees)
    return found


def main() -> None:
    """Judge maps that are right and maps that are wrong, in both ways."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("run", type=Path)
    options.add_argument("--images", type=int, default=60)
    options.add_argument("--seed", type=int, default=5)
    options.add_argument("--methods", nargs="*", default=[])
    asked = options.parse_args()
    interpreter = Interpreter(run_folder.read(asked.run), methods=asked.methods, trust=False)
    images, masks, targets = recognised(interpreter, asked.images, asked.seed)
    seen = seen_by(interpreter.classifier, images.pixels)
    maps: dict[str, np.ndarray] = {}
    for method, drawn in maps_by_method(interpreter.explanations(images, targets)).items():
        maps[f"{method} {RIGHT}"] = np.stack([one.values for one in drawn])
        maps[f"{method} {WRONG}"] = np.roll(maps[f"{method} {RIGHT}"], 1, axis=0)
    points = {
        name: [near(values, mask) for values, mask in zip(stack, masks, strict=True)]
        for name, stack in maps.items()
    }
    shown = {name: seen.maps(stack) for name, stack in maps.items()}
    measured = perturbation.perturbation_test(
        seen.classifier, seen.pixels, targets, tried(seen.pixels, shown) | scattered(seen.pixels)
    )
    for way in WAYS:
        print(f"\ncompared with {way}, {len(targets)} images")
        for name in maps:
            rows = [i for i, pointed in enumerate(points[name]) if pointed == name.endswith(RIGHT)]
            print(f"  {name:22}: {told(level(way, name, measured, i) for i in rows)}")
    print("\nmarks the same places")
    for right, agree in sorted(agreement(shown, points).items(), reverse=True):
        print(f"  {right} of 2 maps right: {sum(agree)} of {len(agree)} pairs")


if __name__ == "__main__":
    main()
