"""What is chosen on the validation part once a network is trained: on it as it is and stressed.

Chosen on clean pictures alone, a threshold fits the machine that they come from. So each
validation image is also shown under `VIEWS` stresses at their middle strength, drawn by its
content, and both count alike: temperature, threshold and the limits of refusal are chosen on the
two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.recipe import Recipe
from zoo.base.types import VALIDATION, Sample
from zoo.data.stresses import MIDDLE, STRESSES, stressed
from zoo.runs.outputs import Outputs, outputs_of
from zoo.stats import labelled_logits, operating
from zoo.stats.calibration import fit_temperature
from zoo.stats.labelled_logits import LabelledLogits
from zoo.stats.probabilities import softmax
from zoo.training.trained import Trained

VIEWS = 2
"""Stresses that each validation image is shown under."""


@dataclass(frozen=True, eq=False)
class Stressed:
    """What the network gives to the validation part under stress, `VIEWS` rows an image."""

    outputs: Outputs
    answers: LabelledLogits


@dataclass(frozen=True, eq=False)
class Tuned:
    """What was chosen: a temperature, and with two classes an operating point.

    `point` is that of `zoo.stats.operating`, with `clean` and `stressed`: the thresholds that would
    have been chosen on either alone.
    """

    temperature: float
    point: dict[str, Any] | None


def under_stress(trained: Trained) -> Stressed:
    """Ask the finished network about the validation part under stress."""
    samples, digests = trained.parts[VALIDATION], trained.verified.digests
    chosen = {sample.name: drawn(digests[sample.name]) for sample in samples}

    def asked(view: int) -> Outputs:
        def changed(pixels: np.ndarray, of: Sequence[Sample]) -> np.ndarray:
            return np.stack(
                [
                    stressed(image, chosen[s.name][view], MIDDLE, digests[s.name])
                    for image, s in zip(pixels, of, strict=True)
                ]
            )

        def ask() -> Outputs:
            return outputs_of(
                trained.classifier,
                trained.verified.dataset,
                samples,
                trained.progress,
                title=f"stressed validation {view + 1}/{VIEWS}",
                changed=changed,
            )

        if trained.frozen is None:
            return ask()
        names = [f"{digests[s.name]}:{chosen[s.name][view]} {MIDDLE}" for s in samples]
        return trained.frozen.stressed(names, ask)

    views = [asked(view) for view in range(VIEWS)]
    outputs = Outputs(*(np.concatenate(part) for part in zip(*views, strict=True)))
    return Stressed(outputs, labelled_logits.gather(outputs.logits, [*samples] * VIEWS))


def drawn(digest: str) -> list[str]:
    """Return the stresses that an image is shown under."""
    random = np.random.default_rng(int(digest, 16))
    return [str(name) for name in random.choice(list(STRESSES), VIEWS, replace=False)]


def tune(clean: LabelledLogits, under: LabelledLogits, positive: int, recipe: Recipe) -> Tuned:
    """Choose the temperature, and with two classes the operating point, on the validation part."""
    both = labelled_logits.alike(clean, under)
    temperature = fit_temperature(both.logits, both.labels)
    if both.logits.shape[1] != 2:
        return Tuned(temperature, None)

    def choose(answers: LabelledLogits, **options: int) -> dict[str, Any]:
        return operating.choose_threshold(
            answers.labels == positive,
            softmax(answers.logits / temperature)[:, positive],
            answers.patients,
            recipe.sensitivity or None,
            **options,
        )

    alone = {
        name: choose(answers, resamples=0)["threshold"]
        for name, answers in (("clean", clean), ("stressed", under))
    }
    return Tuned(temperature, {**choose(both), **alone})
