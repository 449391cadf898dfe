"""Does an explanation method keep what is promised, on a network whose answers are known?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from zoo.base import interruption
from zoo.base.explanations import Attribution, Explainer, Explanation, Reference
from zoo.base.number_text import percent
from zoo.base.registry import Registry, load_registry
from zoo.base.types import Images
from zoo.interpret.interpreter import options_of
from zoo.interpret.methods import explained
from zoo.interpret.trust.randomisation import cheaper, randomisation_test
from zoo.network.classifier import TrainedClassifier
from zoo.testing.verdicts import MisfitError, Verdict, tried

SIDE, CLASSES = 64, ("A", "B", "C")
CASES = 9
TOLERANCE = 1e-3
"""Largest difference of equal maps, as a share of the largest value."""


def check_explainer(name: str, *, registry: Registry | None = None) -> list[Verdict]:
    """Try everything that is promised of the method `name`, on a small network of three classes.

    Raises:
        ZooError: there is no such method.
    """
    explainer = (registry or load_registry()).explainer(name)
    return _Trial(explainer).verdicts()


class _Trial:
    """One trial: the method, a network, and pictures that it is asked about."""

    def __init__(self, explainer: Explainer) -> None:
        self.explainer = explainer
        self.options = cheaper(options_of([explainer], {})[explainer.name])
        self.network = TrainedClassifier(_network(), CLASSES, positive=1)
        self.images = _images(3)
        self.cases = _cases(self.network)

    def verdicts(self) -> list[Verdict]:
        steps: Mapping[str, tuple[Callable[[], str], str]] = {
            "documented": (self._documented, "Give a summary, a reference and a help an option."),
            "explanations": (self._given, "docs/plugins.md says what a method returns."),
            "repeatable": (self._repeats, "Draw with a generator of a fixed seed."),
            "alone": (self._alone, "An image must have the same map in any batch."),
            "class": (self._by_class, "Explain the class in `targets`, not the predicted one."),
            "weights": (self._by_weights, "A map that ignores the weights explains no network."),
            "ends": (self._ends, "Let what classifier.logits and the like raise pass through."),
        }
        told = []
        for name, (step, remedy) in steps.items():
            told.append(tried(name, step, remedy))
            if name == "explanations" and not told[-1].fits:
                break
        return told

    def _ask(self, images: Images, targets: list[int]) -> list[Explanation]:
        # A copy: what an earlier pass computed of the same array is not what is tried here.
        fresh = _of(images.pixels.copy(), images)
        return explained(
            self.explainer, self.network, fresh, targets, self.cases, dict(self.options)
        )

    def _documented(self) -> str:
        lacking = [name for name in ("summary", "reference") if not getattr(self.explainer, name)]
        lacking += [f"help of {n}" for n, o in self.explainer.options.items() if not o.help]
        if lacking:
            raise MisfitError(f"it has no {', '.join(lacking)}")
        return f"{len(self.explainer.options)} options"

    def _given(self) -> str:
        given = self._ask(self.images, [0, 1, 2])
        kind = "map" if isinstance(given[0], Attribution) else "cases"
        return f"a {kind} an image, of the class asked for"

    def _repeats(self) -> str:
        first, second = (self._maps(self.images, [0, 1, 2]) for _ in range(2))
        if _off(first, second) > TOLERANCE:
            raise MisfitError(f"asked twice its maps differ by {percent(_off(first, second), 0)}")
        return "asked twice it says the same"

    def _alone(self) -> str:
        together = self._maps(self.images, [0, 1, 2])
        for place in range(len(together)):
            rows = slice(place, place + 1)
            one = _of(self.images.pixels[rows], self.images, rows)
            off = _off(together[rows], self._maps(one, [place]))
            if off > TOLERANCE:
                raise MisfitError(f"an image alone has a map that differs by {percent(off, 0)}")
        return "an image alone has the map that it has in a batch"

    def _by_class(self) -> str:
        first, second = (self._maps(self.images, [target] * 3) for target in (0, 1))
        if len(first) and _off(first, second) <= TOLERANCE:
            raise MisfitError("maps of two classes are the same")
        return "maps of two classes differ"

    def _by_weights(self) -> str:
        method, options = self.explainer, {self.explainer.name: self.options}
        test = randomisation_test(
            [method], options, self.network, self.images, [0, 1, 2], self.cases
        )[method.name]
        if test is None:
            return "no maps: not tried"
        if not test.depends:
            raise MisfitError(
                f"maps of networks with random weights are like its own (rank correlation "
                f"{test.rank[-1]:.2f})"
            )
        return f"maps of networks with random weights differ (rank correlation {test.rank[-1]:.2f})"

    def _ends(self) -> str:
        class EnoughError(Exception):
            pass

        def enough() -> None:
            raise EnoughError

        try:
            with interruption.asking(enough):
                self.explainer.explain(
                    self.network, _images(1), [0], self.cases, **dict(self.options)
                )
        except EnoughError:
            return "it ends when nobody waits for it"
        raise MisfitError("it goes on when nobody waits for it")

    def _maps(self, images: Images, targets: list[int]) -> np.ndarray:
        given = self._ask(images, targets)
        return np.array([one.values for one in given if isinstance(one, Attribution)])


def _network() -> Any:
    """Build a network that sees all of its picture: three convolutions and a dense layer."""
    import keras
    from keras import layers

    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    for place, filters in enumerate((8, 16, 24)):
        start = keras.initializers.HeNormal(seed=place)
        x = layers.Conv2D(
            filters, 3, strides=2, padding="same", activation="relu", kernel_initializer=start
        )(x)
    x = layers.GlobalAveragePooling2D()(x)
    start = keras.initializers.GlorotNormal(seed=9)
    return keras.Model(pixels, layers.Dense(len(CLASSES), kernel_initializer=start)(x))


def _images(count: int, seed: int = 0) -> Images:
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (count, 8, 8, 3)).repeat(8, axis=1).repeat(8, axis=2)
    pixels = np.clip(coarse + random.normal(0, 12, coarse.shape), 0, 255).astype(np.uint8)
    numbers = range(count)
    return Images(
        pixels,
        tuple(f"image-{i}.png" for i in numbers),
        (None,) * count,
        tuple(f"{seed:08x}{i:08x}" for i in numbers),
    )


def _of(pixels: np.ndarray, images: Images, rows: slice = slice(None)) -> Images:
    return Images(pixels, images.names[rows], images.patients[rows], images.digests[rows])


def _cases(network: TrainedClassifier) -> Reference:
    known = _images(CASES, seed=1)
    return Reference(
        embeddings=network.embeddings(known.pixels),
        labels=np.arange(CASES) % len(CLASSES),
        names=known.names,
        patients=tuple(f"patient-{i}" for i in range(CASES)),
        digests=known.digests,
    )


def _off(ours: np.ndarray, theirs: np.ndarray) -> float:
    if not len(ours):
        return 0.0
    largest = max(float(np.abs(ours).max()), 1e-12)
    return float(np.abs(ours - theirs).max()) / largest
