"""Which concepts the score of a network depends on: ready-made ones, and those of a folder.

A concept carries the score when the network sees it (its vector tells pictures held out), when
the score goes along with it more steadily than with random vectors, and when that is much.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from zoo.base import interruption
from zoo.base.explanations import Classifier
from zoo.base.progress import Progress
from zoo.interpret.overview import concept_vectors as vectors
from zoo.interpret.overview.activations import FEWEST, Activations, Pictures, features_of, score
from zoo.interpret.overview.concept_vectors import Vectors
from zoo.interpret.overview.means import mean_share, mean_shift
from zoo.interpret.overview.ready_concepts import READY, ReadyConcept
from zoo.stats.paired import SIGNIFICANT, holm
from zoo.stats.probabilities import softmax

CHANCE = 0.5
CARRIES = 0.2
"""Standard deviations of the score from which on a concept counts: a small effect in Cohen's
"Statistical Power Analysis for the Behavioral Sciences", 1988."""
UNSEEN, RANDOM, LITTLE, CARRYING = "not seen", "not significant", "little", "carries the score"


@dataclass(frozen=True)
class MeasuredConcept:
    """What is known of one concept.

    `allowed` tells whether a network that reads disease may depend on it; None of a folder's.
    `images` have it, or could be given it. `seen` is {value, low, high} of the share of cases held
    out that its vectors told rightly, chance being a half. `tcav` is the share of pictures whose
    score rises along a vector, the mean of ten, `spread` their standard deviation, `p` that it is
    the mean of random ones, adjusted for the number of concepts. `pull` is {value, low, high} of
    how much the concept adds to the score, in its standard deviations, to first order; `moved` is
    {value, low, high, p} of what it adds to the probability of the positive class, measured, None
    of a folder's.
    """

    name: str
    made: str
    allowed: bool | None
    images: int
    seen: Mapping[str, float | None]
    tcav: float
    spread: float
    p: float
    pull: Mapping[str, float | None]
    moved: Mapping[str, float | None] | None

    @property
    def verdict(self) -> str:
        """Say in a word or two what became of it."""
        if self.seen["low"] is None or self.seen["low"] <= CHANCE:
            return UNSEEN
        if self.p >= SIGNIFICANT:
            return RANDOM
        return CARRYING if abs(self.pull["value"] or 0) >= CARRIES else LITTLE

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "verdict": self.verdict}


@dataclass(frozen=True)
class Concepts:
    """What was found of all concepts; `left_out` says why of those that were not tested.

    `random_tcav` and `random_spread` are mean and standard deviation of the TCAV of random vectors.
    """

    images: int
    tested: tuple[MeasuredConcept, ...]
    random_tcav: float | None
    random_spread: float | None
    left_out: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "images": self.images,
            "random_tcav": self.random_tcav,
            "random_spread": self.random_spread,
            "left_out": self.left_out,
            "tested": [one.to_record() for one in self.tested],
        }


def no_concepts(reason: str) -> Concepts:
    """Return that nothing was tested, and why."""
    return Concepts(0, (), None, None, reason)


class ConceptTest:
    """Tests concepts on the same pictures; `spread` is the score's standard deviation."""

    def __init__(
        self,
        classifier: Classifier,
        pictures: Pictures,
        known: Activations,
        positive: int,
        seed: int = 0,
    ) -> None:
        self.classifier, self.pictures, self.known = classifier, pictures, known
        self.positive, self.seed = positive, seed
        self.spread = float(score(known.logits, positive).std())
        count = len(pictures.pixels)
        self.features = known.features.reshape(count, -1)
        self.slopes = known.slopes.reshape(count, -1)

    def ready(self, concept: ReadyConcept) -> MeasuredConcept | None:
        """Test a ready-made concept; None where too few pictures can be given it."""
        each = zip(self.pictures.pixels, self.pictures.lungs, self.pictures.digests, strict=True)
        changed = [concept.change(*one) for one in each]
        rows = np.array([row for row, one in enumerate(changed) if one is not None], int)
        people = self.pictures.patients[rows]
        if len(np.unique(people)) < FEWEST:
            return None
        pixels = np.stack([one for one in changed if one is not None])
        features, logits = features_of(self.classifier, pixels, self.known.boxes[rows])
        sign = 1 if concept.adds else -1
        differences = sign * (features.reshape(len(rows), -1) - self.features[rows])
        groups = vectors.grouped(people, self.seed)
        found = vectors.paired_vectors(differences, groups, people, float(np.abs(features).max()))
        chances = self._chances(logits), self._chances(self.known.logits[rows])
        having, lacking = chances if concept.adds else chances[::-1]
        moved = mean_shift(having, lacking, np.ones(len(rows), bool), people)
        return self._tested(concept.name, concept.made, concept.allowed, len(rows), found, moved)

    def folder(self, name: str, pixels: np.ndarray) -> MeasuredConcept:
        """Test the concept that pictures of a folder have, and those of the run have not."""
        having, _ = features_of(self.classifier, pixels, self.classifier.boxes(pixels))
        random = np.random.default_rng(self.seed)
        plain = self.features[random.permutation(len(self.features))[: len(having)]]
        groups = tuple(
            vectors.grouped([str(row) for row in range(size)], self.seed)
            for size in (len(having), len(plain))
        )
        flat = having.reshape(len(having), -1)
        found = vectors.unpaired_vectors(flat, plain, (groups[0], groups[1]))
        made = f"{len(pixels):,} images of a folder, against as many of the images looked at"
        return self._tested(name, made, None, len(pixels), found, None)

    @cached_property
    def random(self) -> np.ndarray:
        """The TCAV of random vectors."""
        drawn = vectors.random_vectors(self.features, self.seed)
        return vectors.tcav_scores(vectors.derivatives(self.slopes, drawn))

    def _tested(
        self,
        name: str,
        made: str,
        allowed: bool | None,
        images: int,
        found: Vectors,
        moved: Mapping[str, float | None] | None,
    ) -> MeasuredConcept:
        along = vectors.derivatives(self.slopes, found.each)
        scores = vectors.tcav_scores(along)
        return MeasuredConcept(
            name,
            made,
            allowed,
            images,
            mean_share(found.right, np.ones(len(found.right), bool), found.people),
            float(scores.mean()),
            float(scores.std(ddof=1)),
            vectors.against_random(scores, self.random),
            vectors.mean_of_groups(along.mean(axis=0) / self.spread),
            moved,
        )

    def _chances(self, logits: np.ndarray) -> np.ndarray:
        chances = softmax(logits / self.classifier.temperature)
        return chances[:, self.positive].astype(np.float64)


def all_concepts(
    test: ConceptTest, folders: Mapping[str, np.ndarray], progress: Progress
) -> Concepts:
    """Test every ready-made concept, and those of folders: their pictures by name.

    `progress` is told of each.
    """
    tested: list[MeasuredConcept] = []
    left_out: list[str] = []
    for name, concept in READY.items():
        interruption.check()
        if (found := test.ready(concept)) is None:
            left_out.append(name)
        else:
            tested.append(found)
        progress.advance()
    for name, pixels in folders.items():
        interruption.check()
        tested.append(test.folder(name, pixels))
        progress.advance()
    random = test.random
    adjusted = holm([one.p for one in tested])
    return Concepts(
        len(test.pictures.pixels),
        tuple(replace(one, p=p) for one, p in zip(tested, adjusted, strict=True)),
        float(random.mean()),
        float(random.std(ddof=1)),
        f"Not tested for want of {FEWEST} patients with known lungs: {', '.join(left_out)}."
        if left_out
        else "",
    )


def carrying(concepts: Concepts, negative: str, positive: str) -> str:
    """Say which concept carries the score and whether it may; empty when none was tested."""
    if not concepts.tested:
        return concepts.left_out and f"Not measured. {concepts.left_out}"
    found = [one for one in concepts.tested if one.verdict == CARRYING]
    if not found:
        return (
            f"None of {len(concepts.tested)}: along none of them does the score change clearly, "
            f"and by {CARRIES} of its standard deviation."
        )
    first, *others = sorted(found, key=lambda one: -abs(one.pull["value"] or 0))
    pull = first.pull["value"] or 0
    interval = (
        ""
        if first.pull["low"] is None
        else f" ({first.pull['low']:+.2f} to {first.pull['high']:+.2f})"
    )
    may = {
        True: "a network that reads disease may depend on it",
        False: "a network that reads disease must not depend on it",
        None: "whether it may is for you to say",
    }[first.allowed]
    said = (
        f"{first.name[:1].upper()}{first.name[1:]} carries it most, by {pull:+.2f}{interval} "
        f"standard deviations of the score, towards {positive if pull > 0 else negative}: {may}."
    )
    if not others:
        return said
    short = {True: "may", False: "must not", None: "for you to say"}
    rest = [f"{one.name} ({one.pull['value']:+.2f}, {short[one.allowed]})" for one in others]
    return f"{said} Others that carry it: {', '.join(rest)}."
