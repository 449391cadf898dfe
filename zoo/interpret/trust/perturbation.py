"""Does what a map marks matter to the network? Take it away, or show nothing else, and see."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import numpy as np

from zoo.base.explanations import Classifier
from zoo.base.pictures.pixel_arrays import blurred
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.interpret.trust.controls import image_seed
from zoo.interpret.trust.imputation import Imputer

STEPS = 8
CELLS = 28
"""Cells a side that are taken away as wholes: 8 x 8 pixels at 224. Single pixels would make a
pattern of holes that no network has seen, and a fine map would win by the pattern alone."""
MOST_IMPUTED = 0.8
"""Largest share of an image that is imputed from the rest: of less nothing can be guessed."""
SUREST = float(np.log(9))
"""Log-odds of the surest answer that is followed: 0.9, or 0.1. Of a surer one most of what speaks
for it may be gone before a probability shows it, and every order of removal would look alike."""
Name = TypeVar("Name", bound=Hashable)
EVEN = 1e-6
"""Differences between cells, as a share of the largest value, that count as none."""


@dataclass(frozen=True)
class Faithfulness:
    """How the probability of the target follows what a map marks: three curves and their areas.

    Log-odds of the target are divided where the answer to the image as it is is surer than 0.9: by
    what brings that answer to 0.9.

    `deleted[k]` is the probability when the share `fractions[k]` of the image that the map ranks
    highest is blurred away, `inserted[k]` when only that share is not blurred, and `imputed[k]`
    when the share `imputed_fractions[k]` is guessed from the rest. `deletion`, `insertion` and
    `road` are their mean heights, 0 to 1: of a faithful map deletion and ROAD are low and
    insertion is high. What is low or high depends on the image and the network, and is told by
    controls on the same image.
    """

    deletion: float
    insertion: float
    road: float
    fractions: tuple[float, ...]
    deleted: tuple[float, ...]
    inserted: tuple[float, ...]
    imputed: tuple[float, ...]

    @property
    def imputed_fractions(self) -> tuple[float, ...]:
        """Return the shares of the image that were guessed, from 0 to MOST_IMPUTED."""
        return tuple(np.linspace(0, MOST_IMPUTED, len(self.imputed)).tolist())


def perturbation_test(
    classifier: Classifier,
    pixels: np.ndarray,
    targets: Sequence[int],
    maps: Mapping[Name, np.ndarray],
    *,
    steps: int = STEPS,
    seed: int = 0,
) -> dict[Name, list[Faithfulness]]:
    """Perturb `(batch, height, width, channels)` uint8 images in the order of each map.

    `maps` holds `(batch, height, width)` values by name; the highest go first, those that speak
    against the target last. Values are averaged over cells; cells of equal value are ordered by
    chance, so that an even map is a random order. Each curve has `steps` steps, that of ROAD half
    as many; each map costs `2 (steps - 1) + steps // 2` forward passes an image.

    Deletion and insertion replace by a blurred copy of the image: gray or black areas have edges
    that look like findings.

    Sources: Petsiuk, Das, Saenko, *RISE: Randomized Input Sampling for Explanation of Black-box
    Models*, 2018; Rong, Leemann, Borisov, Kasneci, Kasneci, *A Consistent and Efficient Evaluation
    Strategy for Attribution Methods*, 2022 (ROAD).
    """
    results: dict[Name, list[Faithfulness]] = {name: [] for name in maps}
    cells = Cells(pixels.shape[1], pixels.shape[2])
    for i, (image, target) in enumerate(zip(pixels, targets, strict=True)):
        ranks = {
            name: cells.rank(values[i], seed + image_seed(image)) for name, values in maps.items()
        }
        perturbed = Perturbed(image, cells, steps, seed)
        shown = chain(perturbed.ends(), *(perturbed.variants(rank) for rank in ranks.values()))
        heights = _probabilities(classifier, shown, int(target))
        by_map = np.split(heights[2:], len(ranks)) if ranks else []
        for name, inner in zip(ranks, by_map, strict=True):
            results[name].append(perturbed.curves(heights[:2], inner))
    return results


class Cells:
    """The grid of cells that an image is taken away in, for one size of images."""

    def __init__(self, height: int, width: int) -> None:
        self.shape = (min(height, CELLS), min(width, CELLS))
        rows = np.arange(height) * self.shape[0] // height
        columns = np.arange(width) * self.shape[1] // width
        self.of_pixel = rows[:, None] * self.shape[1] + columns[None, :]
        self.areas = np.bincount(self.of_pixel.ravel())

    def rank(self, values: np.ndarray, seed: int) -> np.ndarray:
        """Return each cell's rank, `(cells,)`: 0 for the one with the highest mean value."""
        sums = np.bincount(self.of_pixel.ravel(), values.ravel().astype(np.float64))
        means = sums / self.areas
        levels = np.round(means / (np.abs(means).max() * EVEN or 1.0))
        chance = np.random.default_rng(seed).permutation(len(levels))
        rank = np.empty(len(levels), int)
        rank[np.lexsort((chance, -levels))] = np.arange(len(levels))
        return rank

    def highest(self, rank: np.ndarray, fraction: float) -> np.ndarray:
        """Return `(cells,)` bool: the share of the cells that ranks highest."""
        return rank < round(fraction * len(rank))


class Perturbed:
    """One image with ever more taken away or shown."""

    def __init__(self, image: np.ndarray, cells: Cells, steps: int, seed: int) -> None:
        self.image, self.blurred, self.cells = image, blurred(image), cells
        self.fractions = np.linspace(0, 1, steps + 1)
        self.guessed = np.linspace(0, MOST_IMPUTED, steps // 2 + 1)
        self.imputer = Imputer(image, cells.shape, seed)

    def ends(self) -> Iterator[np.ndarray]:
        """Yield what all maps share: the image as it is, and all of it blurred."""
        yield self.image
        yield self.blurred

    def variants(self, rank: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the pictures between the ends: deleted, inserted, imputed."""
        marked = [self.cells.highest(rank, fraction) for fraction in self.fractions[1:-1]]
        for cells in marked:
            yield np.where(self._pixels(cells), self.blurred, self.image)
        for cells in marked:
            yield np.where(self._pixels(cells), self.image, self.blurred)
        for fraction in self.guessed[1:]:
            cells = self.cells.highest(rank, fraction)
            yield np.where(self._pixels(cells), self.imputer(cells), self.image)

    def curves(self, ends: np.ndarray, inner: np.ndarray) -> Faithfulness:
        """Sort the target's probabilities for one map's variants into its curves."""
        whole, nothing = ends
        between = len(self.fractions) - 2
        deleted = np.array([whole, *inner[:between], nothing])
        inserted = np.array([nothing, *inner[between : 2 * between], whole])
        imputed = np.array([whole, *inner[2 * between :]])
        return Faithfulness(
            deletion=_height(deleted, self.fractions),
            insertion=_height(inserted, self.fractions),
            road=_height(imputed, self.guessed),
            fractions=tuple(self.fractions.tolist()),
            deleted=tuple(deleted.tolist()),
            inserted=tuple(inserted.tolist()),
            imputed=tuple(imputed.tolist()),
        )

    def _pixels(self, cells: np.ndarray) -> np.ndarray:
        return cells[self.cells.of_pixel][..., None]


def _probabilities(classifier: Classifier, shown: Iterator[np.ndarray], target: int) -> np.ndarray:
    """Return the target's probability for each picture, holding few of them at a time.

    The first is the image as it is: by the answer to it the others are softened.
    """
    from scipy.special import expit

    batches = []
    while batch := list(islice(shown, PREDICTION_BATCH)):
        batches.append(classifier.logits(np.stack(batch)).astype(np.float64))
    logits = np.concatenate(batches) / classifier.temperature
    others = np.delete(logits, target, axis=1)
    margins = logits[:, target] - np.logaddexp.reduce(others, axis=1)
    return expit(margins / max(1.0, abs(margins[0]) / SUREST))


def _height(curve: np.ndarray, fractions: np.ndarray) -> float:
    """Return the mean height of a curve: the area under it, divided by its width."""
    return float(np.trapezoid(curve, fractions) / (fractions[-1] - fractions[0]))
