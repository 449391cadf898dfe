"""Judge heat maps: everything that is measured of them, on a few images and within a time."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.explanations import Attribution, Explainer, Explanation, Reference
from zoo.base.types import TEST, VALIDATION, Images
from zoo.interpret.trust import kept, perturbation, stability
from zoo.interpret.trust.controls import moved, others
from zoo.interpret.trust.localisation import Shares, shares_of
from zoo.interpret.trust.perturbation import Faithfulness
from zoo.interpret.trust.randomisation import explaining_seconds, first
from zoo.interpret.trust.seen import Seen, seen_by
from zoo.interpret.trust.stability import REPEATS, TRIES, Noisy, Stability
from zoo.interpret.trust.verdict import Evidence, Trust, judge_map
from zoo.network.classifier import TrainedClassifier
from zoo.runs.run_folder import Run

STEPS, FEWEST_STEPS = 8, 4
"""Steps in which an image is taken away; fewer than the second number tell no curve."""
PERTURBING = 0.6
"""Share of the time that the tests by perturbation may take; what is left is for stability."""
TRYING = 3.0
"""Seconds an image after which a method is tried no more: once with noise, and once with other
random numbers where it draws any, have to do."""
OWN = ""
"""What a method's own map is called among those that are tested for it."""
ALL = ""
"""The method of controls that all methods share."""
Key = tuple[str, str]
"""A method, and which of its maps: its own, or a control."""
LUNGS = "the lungs"
PLACES = {"masks": "the masked part"}
"""What the masks show by which maps are judged, by the name of a run's frame."""


def judge_maps(
    run: Run,
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    explanations: Sequence[Sequence[Explanation]],
    explainers: Sequence[Explainer],
    options: Mapping[str, Mapping[str, Any]],
    reference: Reference | None,
    *,
    masks: Sequence[np.ndarray | None] | None = None,
    steps: int = STEPS,
    seconds: float = math.inf,
) -> list[dict[str, Trust]]:
    """Return for each image a verdict on each of its maps, by the name of the method.

    `explanations[i]` is what the methods said of image i; those that are no maps are not judged.
    `masks[i]` is `(height, width)` bool, the lungs of image i where they are known. `steps` is how
    many points a curve of perturbation has.

    Each image may take `seconds`. What that allows is measured here: first fewer steps are taken,
    then the stability of slow methods is left out, and the table says so. The randomisation of a
    method comes on top, once a run: it is kept in the run's folder.
    """
    maps = maps_by_method(explanations)
    if not maps:
        return [{} for _ in targets]
    known = {explainer.name: explainer for explainer in explainers}
    random = kept.of_run(
        run, [known[method] for method in maps], options, classifier, images, targets, reference
    )
    begun, limit = time.perf_counter(), seconds * len(targets)
    values = {
        method: np.stack([one.values for one in attributions])
        for method, attributions in maps.items()
    }
    seen = seen_by(classifier, images.pixels)
    maps_seen = {method: seen.maps(np.nan_to_num(stack)) for method, stack in values.items()}
    faithful = _faithfulness(seen, targets, maps_seen, steps, PERTURBING * limit)
    places = [None] * len(targets) if masks is None else seen.masks(masks)
    stable, noisy = {}, Noisy(images)
    waiting = sorted(maps, key=lambda method: _stated_seconds(maps[method]))
    for place, method in enumerate(waiting):
        left = limit - (time.perf_counter() - begun)
        stable[method] = _stability(
            known[method],
            options[method],
            classifier,
            images,
            targets,
            reference,
            values[method],
            noisy,
            _stated_seconds(maps[method]),
            left / (len(waiting) - place),
        )
    scores = scores_of(run)
    return [
        {
            method: judge_map(
                Evidence(
                    values=attributions[i].values,
                    details=attributions[i].details,
                    scores=scores,
                    randomisation=random[method],
                    shuffled=classifier.differentiable,
                    faithfulness=faithful[method, OWN][i] if faithful else None,
                    controls=controls_of(method, faithful, i),
                    stability=stable[method][i],
                    place=PLACES.get(run.record.get("frame", ""), LUNGS),
                    shares=_shares(maps_seen[method][i], places[i]),
                )
            )
            for method, attributions in maps.items()
        }
        for i in range(len(targets))
    ]


def scores_of(run: Run) -> dict[str, Mapping[str, Any]]:
    """Return the network's ROC-AUC on the validation and the test part, where it was measured."""
    measured = run.metrics()
    scores = {
        part: measured[part]["metrics"]["roc_auc"] for part in (VALIDATION, TEST) if measured[part]
    }
    return {part: score for part, score in scores.items() if score["value"] is not None}


def maps_by_method(explanations: Sequence[Sequence[Explanation]]) -> dict[str, list[Attribution]]:
    """Sort by method; one that gives maps gives one for each image."""
    by_method: dict[str, list[Attribution]] = {}
    for of_image in explanations:
        for one in of_image:
            if isinstance(one, Attribution):
                by_method.setdefault(one.method, []).append(one)
    return {method: maps for method, maps in by_method.items() if len(maps) == len(explanations)}


def controls_of(
    method: str, measured: Mapping[Key, Sequence[Faithfulness]], image: int
) -> dict[str, Faithfulness]:
    """Return what was measured of a method's controls on an image: its own moved, and the rest."""
    return {
        name: of_images[image]
        for (owner, name), of_images in measured.items()
        if owner in (ALL, method) and name != OWN
    }


def tried(pixels: np.ndarray, values: Mapping[str, np.ndarray]) -> dict[Key, np.ndarray]:
    """Return the maps that are tested: those of each method, the same ones moved, and controls.

    All of it are maps of what is seen, `(batch, height, width)`.
    """
    maps = {(ALL, name): drawn for name, drawn in others(pixels).items()}
    for method, own in values.items():
        maps[method, OWN] = own
        maps |= {(method, name): drawn for name, drawn in moved(own, pixels).items()}
    return maps


def _faithfulness(
    seen: Seen,
    targets: Sequence[int],
    values: Mapping[str, np.ndarray],
    steps: int,
    limit: float,
) -> dict[Key, list[Faithfulness]]:
    """Test maps and controls together, in as many steps as the time allows; empty: in none."""
    begun = time.perf_counter()
    classifier, pixels = seen.classifier, seen.pixels
    maps = tried(pixels, values)
    if math.isfinite(limit):
        one = {name: stack[:1] for name, stack in list(maps.items())[:1]}
        classifier.logits(pixels[:1].copy())  # the first pass makes the network ready
        started = time.perf_counter()
        perturbation.perturbation_test(classifier, pixels[:1], targets[:1], one, steps=FEWEST_STEPS)
        now = time.perf_counter()
        a_step = (now - started) / FEWEST_STEPS * len(maps) * len(targets)
        steps = min(steps, int((limit - (now - begun)) / a_step))
        if steps < FEWEST_STEPS:
            return {}
    return perturbation.perturbation_test(classifier, pixels, targets, maps, steps=steps)


def _stability(
    explainer: Explainer,
    options: Mapping[str, Any],
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    values: np.ndarray,
    noisy: Noisy,
    stated: float,
    limit: float,
) -> Sequence[Stability | None]:
    """Try a method again as often as the time allows; None: not once.

    What a try takes is `stated` by the method, or else measured on one image.
    """
    seeded = stability.SEED in explainer.options
    tries, repeats = TRIES, REPEATS * seeded
    if math.isfinite(limit):
        begun = time.perf_counter()
        if stated * len(targets) > limit or limit <= 0:
            return [None] * len(targets)
        one, target = first(images, targets, 1)
        cost = stated or explaining_seconds(
            explainer, options, classifier, one, target, reference, calls=1
        )
        left = limit - (time.perf_counter() - begun)
        calls = min(int(left / (cost * len(targets))), max(1 + seeded, int(TRYING / cost)))
        if calls < 1:
            return [None] * len(targets)
        repeats = min(repeats, calls // 2)
        tries = min(tries, calls - repeats)
    return stability.stability_test(
        explainer,
        options,
        classifier,
        images,
        targets,
        reference,
        np.nan_to_num(values),
        tries=tries,
        repeats=repeats,
        noisy=noisy,
    )


def _stated_seconds(maps: Sequence[Attribution]) -> float:
    """Return what a map took where the method says so, so that it need not be tried."""
    told = [one.details.get("seconds") for one in maps]
    return float(np.mean([value if isinstance(value, float) else 0.0 for value in told]))


def _shares(values: np.ndarray, mask: np.ndarray | None) -> Shares | None:
    return None if mask is None else shares_of(values, mask)
