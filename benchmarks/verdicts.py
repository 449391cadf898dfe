"""How often verdicts on heat maps are right, where it is known which maps are.

    python benchmarks/verdicts.py RUN [--images 60] [--seed 5] [--methods gradcam saliency]

RUN is a finished run that was trained on the phantom, whose findings have a known place. Of images
with a finding that the run recognises, each method's map counts as right where its highest value
lies within 15 pixels of the finding. As wrong counts the same map drawn on another image, where its
highest value lies farther than that from this one's finding. Only the tests by perturbation judge:
another image's map would fall at once for being another under noise.

Both ways of following an answer are shown side by side: probabilities as they are, and those of an
answer that is softened to 0.9.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).resolve().parent))  # its explain.py is not the package

from zoo.base.registry import load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.trust import perturbation
from zoo.interpret.trust.controls import controls
from zoo.interpret.trust.localisation import localise
from zoo.interpret.trust.panel import CONTROL, maps_by_method
from zoo.interpret.trust.perturbation import Faithfulness
from zoo.interpret.trust.seen import seen_by
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, WEAK, Evidence, judge_map
from zoo.runs import run_folder

LEVELS = (HOLDS_UP, WEAK, DO_NOT_USE)
KNOWN_NETWORK = {"test": {"value": 1.0, "low": 0.9}}
"""Scores of a network that is better than chance, so that the map alone is judged."""
WAYS = {"probability": math.inf, "softened to 0.9": perturbation.SUREST}


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


def level(values: np.ndarray, of_map: Faithfulness, others: Mapping[str, Faithfulness]) -> str:
    """Return the verdict by perturbation alone."""
    evidence = Evidence(
        values=values, scores=KNOWN_NETWORK, faithfulness=of_map, controls=others, place=""
    )
    return judge_map(evidence).level


def told(levels: Iterable[str]) -> str:
    """Write how often each verdict was given."""
    counts = Counter(levels)
    total = sum(counts.values())
    return ", ".join(f"{name} {counts[name]}" for name in LEVELS) + f" of {total}"


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
    explained = maps_by_method(interpreter.explanations(images, targets))
    own = {method: np.stack([one.values for one in maps]) for method, maps in explained.items()}
    maps = {
        **{(method, True): stack for method, stack in own.items()},
        **{(method, False): np.roll(stack, 1, axis=0) for method, stack in own.items()},
    }
    tried = {
        **{(CONTROL + name, True): drawn for name, drawn in controls(seen.pixels).items()},
        **{name: seen.maps(stack) for name, stack in maps.items()},
    }
    for way, surest in WAYS.items():
        perturbation.SUREST = surest
        measured = perturbation.perturbation_test(seen.classifier, seen.pixels, targets, tried)
        print(f"\n{way}, {len(targets)} images")
        of_controls = {
            name.removeprefix(CONTROL): of_images
            for (name, _), of_images in measured.items()
            if name.startswith(CONTROL)
        }
        for (method, is_own), stack in maps.items():
            levels = []
            for i, (values, mask) in enumerate(zip(stack, masks, strict=True)):
                if near(values, mask) == is_own:
                    others = {name: of_images[i] for name, of_images in of_controls.items()}
                    levels.append(level(values, measured[method, is_own][i], others))
            print(f"  {method:12} {'right' if is_own else 'wrong'}: {told(levels)}")


if __name__ == "__main__":
    main()
