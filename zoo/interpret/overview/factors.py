"""What the last feature map is made of: factors that are in many cells, found without names.

Source: Fel, Picard, Bethune, Boissin, Vigouroux, Colin, Cadene, Serre, "CRAFT: Concept Recursive
Activation FacTorization for Explainability", 2023. Three things are done otherwise. The cells of
the map are factorised, in place of crops that are passed through the network anew. What is most of
a map need not decide: in networks with a linear head on features of the middle it hardly does, so
channels count by how the score depends on them, and what a cell says for the score in all counts as
much as its channels together. And how much a factor matters is told by what changes without it, in
place of a Sobol index.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from zoo.base import interruption
from zoo.base.explanations import LAST_FEATURES, Classifier
from zoo.interpret.overview.activations import Activations, Pictures, score
from zoo.interpret.overview.factor_crops import Crop, crops_of
from zoo.interpret.overview.means import mean_difference, mean_share
from zoo.stats import delong

FACTORS = 6
FITTED = 8000
"""Cells that the factors are fitted to."""
ROUNDS = 300
BATCH = 32
TINY = 1e-9
TINY_WEIGHT = 1e-3
"""The least weight of a channel, as a share of the greatest."""

Rest = Callable[[np.ndarray], np.ndarray]
"""From a feature map `(n, rows, columns, channels)` to logits."""


@dataclass(frozen=True, eq=False)
class Factor:
    """One factor, and the crops that have most of it.

    `moved` is {value, low, high} of what the score loses without it, in its standard deviations:
    above zero it speaks for the positive class. `carried` is {value, low, high} of the part of the
    score's differences between images that it makes: the slope of what is lost on the score. `drop`
    is {value, low, high, p} of the ROC-AUC with the factor less that without it. `inside` is
    {value, low, high} of its share that lies in the lungs, `lungs` the share of what is seen that
    they are; None where lungs are not known. `positives` is its share in images of the positive
    class, each class having the same weight.
    """

    moved: Mapping[str, float | None]
    carried: Mapping[str, float | None]
    drop: Mapping[str, float | None]
    inside: Mapping[str, float | None] | None
    lungs: float | None
    positives: float
    crops: tuple[Crop, ...]

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "crops"}


@dataclass(frozen=True, eq=False)
class Factors:
    """The factors that matter most first.

    `explained` is the share of the squared feature map that they make up together. `measured` tells
    whether what changes without a factor was measured behind the map, or told by its gradient.
    """

    images: int
    each: tuple[Factor, ...]
    explained: float | None = None
    measured: bool = True
    left_out: str = ""

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "images": self.images,
            "explained": self.explained,
            "measured": self.measured,
            "left_out": self.left_out,
            "each": [one.to_record() for one in self.each],
        }


def no_factors(reason: str) -> Factors:
    """Return that there are none, and why."""
    return Factors(0, (), left_out=reason)


def factorise(
    features: np.ndarray, slopes: np.ndarray, number: int = FACTORS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, float]:
    """Split a feature map `(n, rows, columns, channels)` into factors that are never negative.

    `slopes` are the gradients of the score by it. Returns how much of each factor is where,
    `(n, rows, columns, factors)`; what each adds to the channels, `(factors, channels)`; and the
    share of the squared map, weighted by the slopes, that they explain. Of a map with negative
    values what lies above and below zero are channels of their own.
    """
    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    channels = features.shape[-1]
    weights = np.sqrt((slopes.reshape(-1, channels) ** 2).mean(axis=0))
    weights = np.maximum(weights, TINY_WEIGHT * weights.max())
    signed = bool(features.min() < 0)
    said = np.einsum("nrcd,nrcd->nrc", features, slopes)
    scale = np.sqrt(((features * weights) ** 2).sum() / max((said**2).sum(), TINY))

    own = _parted((features * weights).reshape(-1, channels), signed)
    evidence = _parted((scale * said).reshape(-1, 1), True)
    cells = np.concatenate([own, evidence], axis=1)
    size = float(np.sqrt((cells**2).mean()))
    cells /= size
    drawn = np.random.default_rng(seed).permutation(len(cells))[:FITTED]
    number = min(number, channels, len(drawn))
    model = NMF(number, init="nndsvda", random_state=seed, max_iter=ROUNDS, tol=1e-3)
    with threadpool_limits(1), warnings.catch_warnings():  # the same on every machine
        warnings.simplefilter("ignore", ConvergenceWarning)  # near enough is enough to look at
        model.fit(cells[np.sort(drawn)])
        interruption.check()
        amounts = model.transform(cells)
    parts = model.components_[:, : own.shape[1]]  # without the evidence
    own /= size
    explained = 1 - float(((own - amounts @ parts) ** 2).sum() / (own**2).sum())
    parts = parts * size
    if signed:
        parts = parts[:, :channels] - parts[:, channels:]
    made = amounts.astype(np.float32).reshape(*features.shape[:-1], number)
    return made, (parts / weights).astype(np.float32), explained


def behind_map(classifier: Classifier) -> Rest | None:
    """Return the part of a network behind its last feature map; None where there are several."""
    import keras

    featured = classifier.inside.featured_model
    if featured is None:
        return None
    rest = keras.Model(featured.get_layer(LAST_FEATURES).output, featured.output)

    def logits(features: np.ndarray) -> np.ndarray:
        given = []
        for start in range(0, len(features), BATCH):
            interruption.check()
            given.append(np.asarray(rest(features[start : start + BATCH], training=False)))
        return np.concatenate(given)

    return logits


def find_factors(
    classifier: Classifier, pictures: Pictures, known: Activations, positive: int, seed: int = 0
) -> Factors:
    """Find the factors of the last feature map of some pictures and what each matters."""
    if not known.features.any():
        return no_factors("The last feature map is zero everywhere.")
    amounts, parts, explained = factorise(known.features, known.slopes, seed=seed)
    rest, before = behind_map(classifier), score(known.logits, positive)
    signed = bool(known.features.min() < 0)
    found = []
    for number, part in enumerate(parts):
        added = amounts[..., number, None] * part
        if rest is None:
            after = before - np.einsum("nrcd,nrcd->n", known.slopes, added)
        else:
            without = known.features - added
            after = score(rest(without if signed else np.maximum(without, 0)), positive)
        lost = before - after
        shown = crops_of(amounts[..., number], pictures, known.boxes)
        inside, lungs = _inside(classifier, amounts[..., number], pictures)
        found.append(
            Factor(
                _mean(lost / before.std(), pictures.patients),
                _slope(lost, before, pictures.patients),
                mean_difference(
                    *delong.influence(pictures.truth, before),
                    *delong.influence(pictures.truth, after),
                    pictures.patients,
                ),
                inside,
                lungs,
                _positives(amounts[..., number], pictures.truth),
                shown,
            )
        )
    found.sort(key=lambda one: -abs(one.carried["value"] or 0))
    return Factors(len(pictures.pixels), tuple(found), explained, rest is not None)


def made_of(factors: Factors) -> str:
    """Say which factor matters most and where it lies; empty where there is none."""
    if not factors.each:
        return ""
    first = factors.each[0]
    carried = sum(one.carried["value"] or 0 for one in factors.each)
    said = (
        f"Of {len(factors.each)} factors, which together make {100 * carried:.0f} % of the score's "
        f"differences between images, factor 1 makes {100 * (first.carried['value'] or 0):.0f} %"
        f"{_ends(first.carried, 100, 0)}"
    )
    if (fall := first.drop)["value"] is not None:
        said += f"; without it the ROC-AUC falls by {fall['value']:.3f}{_ends(fall, 1, 3)}"
    if first.inside is None or first.inside["value"] is None:
        return f"{said}."
    return (
        f"{said}. {100 * first.inside['value']:.0f} % of it lies in the lungs, which are "
        f"{100 * (first.lungs or 0):.0f} % of what is seen."
    )


def _ends(entry: Mapping[str, float | None], factor: float, digits: int) -> str:
    low, high = entry["low"], entry["high"]
    if low is None or high is None:
        return ""
    return f" ({factor * low:.{digits}f} to {factor * high:.{digits}f})"


def _parted(cells: np.ndarray, signed: bool) -> np.ndarray:
    """Give what is above and below zero channels of their own."""
    return np.maximum(np.concatenate([cells, -cells], axis=1), 0) if signed else cells


def _mean(values: np.ndarray, patients: np.ndarray) -> dict[str, float | None]:
    return _within(*delong.mean(values, np.ones(len(values), bool)), patients)


def _slope(lost: np.ndarray, before: np.ndarray, patients: np.ndarray) -> dict[str, float | None]:
    """Return the least-squares slope of what is lost on the score; of parts they add up."""
    apart, varied = lost - lost.mean(), before - before.mean()
    whole = (varied**2).sum()
    value = float((varied * apart).sum() / whole)
    return _within(value, varied * (apart - value * varied) / whole, patients)


def _within(value: float, influence: np.ndarray, patients: np.ndarray) -> dict[str, float | None]:
    error = delong.standard_error(influence, patients)
    if error < delong.ROUNDING:
        return {"value": value, "low": None, "high": None}
    reach = delong.REACH * error
    return {"value": value, "low": value - reach, "high": value + reach}


def _positives(amounts: np.ndarray, truth: np.ndarray) -> float:
    """Return the positive class's part of a factor, as if both had the same number of images."""
    each = amounts.mean(axis=(1, 2))
    has, has_not = (float(each[side].mean()) if side.any() else 0.0 for side in (truth, ~truth))
    return has / (has + has_not) if has + has_not else 0.5


def _inside(
    classifier: Classifier, amounts: np.ndarray, pictures: Pictures
) -> tuple[dict[str, float | None] | None, float | None]:
    """Return the share of a factor that lies in the lungs, and that of all that is seen."""
    rows = [row for row, lungs in enumerate(pictures.lungs) if lungs is not None]
    if not rows:
        return None, None
    pixels = pictures.pixels[rows]
    both = [classifier.place(m, pixels) for m in (amounts[rows], np.ones_like(amounts[rows]))]
    masks = np.stack([lungs for lungs in pictures.lungs if lungs is not None])
    totals = [placed.sum(axis=(1, 2)) for placed in both]
    shares = [
        np.divide(
            (placed * masks).sum(axis=(1, 2)), total, out=np.zeros(len(rows)), where=total > 0
        )
        for placed, total in zip(both, totals, strict=True)
    ]
    some = totals[0] > 0
    inside = mean_share(np.clip(shares[0], 0, 1), some, pictures.patients[rows])
    return inside, float(shares[1].mean())
