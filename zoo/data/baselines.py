"""Baselines that never see what a radiologist looks at; a network should be far better than they.

Where the size of the file or the border of the picture tells the class, the data hold a shortcut,
and a good score may mean no more than that (Geirhos et al., "Shortcut learning in deep neural
networks", 2020). Each baseline is a logistic regression on a few measurements of the image.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.array_files import Expected, check_arrays
from zoo.base.errors import BadInput, DamagedRun
from zoo.base.files import replacing
from zoo.data.baseline_inputs import title
from zoo.stats import delong
from zoo.stats.sampling import in_proportion

COMPONENTS = 50


LEARNED = 20_000
"""Images that a baseline is fitted on at most: more would cost memory and change little."""


SCORED = 8192
"""Images that are scored at a time."""


REACH = 5.0
"""Standardised values are cut off here, so that one odd image cannot carry a score."""


FEW_VALUES = 12


NEGLIGIBLE = 1e-4


ARRAYS = {
    "mean": Expected("f", "values"),
    "scale": Expected("f", "values"),
    "components": Expected("f", "reduced values"),
    "coefficients": Expected("f"),
    "intercept": Expected("f"),
}
"""What a file of baselines holds of each."""


def asked(labels: np.ndarray, positive: int, classes: int) -> np.ndarray:
    """Return what a baseline has to tell, as a network's ROC-AUC is measured.

    Of two classes whether an image shows the positive one, `(n,)` bool; of more, which one it
    shows, `(n, classes)` bool.
    """
    return labels == positive if classes == 2 else labels[:, None] == np.arange(classes)


@dataclass(frozen=True, eq=False)
class Baseline:
    """A fitted logistic regression, or one for each of several classes, as plain arrays.

    Values are standardised by `mean` and `scale`, `(values,)`, and cut off at 5 deviations.
    `components` is `(reduced, values)`: the whitened principal components, or, for a few values,
    the values themselves; their squares follow when `coefficients` is twice as long.
    `coefficients` is `(reduced,)` and `intercept` `(1,)`, or `(classes, reduced)` and `(classes,)`.
    """

    mean: np.ndarray
    scale: np.ndarray
    components: np.ndarray
    coefficients: np.ndarray
    intercept: np.ndarray

    def scores(self, values: np.ndarray) -> np.ndarray:
        """Return log-odds for `(n, values)` measurements.

        They are `(n,)`, of the positive class, or `(n, classes)`, of each class against the rest.

        Raises:
            BadInput: another number of values than the baseline was fitted on.
        """
        if values.ndim != 2 or values.shape[1] != len(self.mean):
            raise BadInput(
                f"A baseline was fitted on {len(self.mean)} measurements an image and was given "
                f"{values.shape[-1]}. Expected images from the same kind of source: a folder or "
                "a table of files has a width, a height and bytes, others have not."
            )
        starts = range(0, max(1, len(values)), SCORED)
        return np.concatenate([self._scores(values[at : at + SCORED]) for at in starts])

    def _scores(self, values: np.ndarray) -> np.ndarray:
        reduced = _standardised(values, self.mean, self.scale) @ self.components.T
        if self.coefficients.shape[-1] > len(self.components):
            reduced = _with_squares(reduced)
        return reduced @ self.coefficients.T + self.intercept


def fit_baseline(
    values: np.ndarray, truth: np.ndarray, among: np.ndarray | Sequence[int] | None = None
) -> Baseline:
    """Fit a logistic regression with both classes weighing the same.

    `values` is `(n, values)`, `truth` is `(n,)` bool, or `(n, classes)` bool: then each class is
    told from the rest. Up to 12 values are taken with their squares, since a size may tell the
    class without growing with it; more are compressed to at most 50 principal components. Only the
    rows `among` are learned from, by default all, and of more than 20,000 so many, the classes in
    proportion.

    Raises:
        BadInput: all images have the same class.
    """
    from threadpoolctl import threadpool_limits

    rows = np.arange(len(truth)) if among is None else np.asarray(among)
    truth = np.asarray(truth, bool)[rows]
    few = in_proportion(truth if truth.ndim == 1 else truth.argmax(axis=1), LEARNED)
    values, truth = values[rows[few]], truth[few]
    if (truth == truth[0]).all():
        raise BadInput(
            f"All {len(truth)} images are of one class; expected both, to fit a baseline."
        )
    mean = values.mean(axis=0, dtype=np.float64)
    scale = values.std(axis=0, dtype=np.float64)
    scale[scale <= 1e-6 * np.maximum(1, np.abs(mean))] = 1  # a constant says nothing
    standard = _standardised(values, mean, scale)
    with threadpool_limits(1, "blas"):  # threads that wait for each other cost more than they save
        components = _components(standard)
        reduced = standard @ components.T
        if values.shape[1] <= FEW_VALUES:
            reduced = _with_squares(reduced)
        fitted = [_regression(reduced, column) for column in np.atleast_2d(truth.T)]
    coefficients, intercepts = map(np.array, zip(*fitted, strict=True))
    if truth.ndim == 1:
        coefficients = coefficients[0]
    return Baseline(mean, scale, components, coefficients, intercepts)


def out_of_fold(
    values: np.ndarray,
    truth: np.ndarray,
    patients: Sequence[str] | np.ndarray,
    folds: int | np.ndarray = 5,
    seed: int = 0,
) -> np.ndarray:
    """Score each image by a baseline that was fitted without its patient: `(n,)` log-odds.

    `folds` is their number, or the fold of each image, `(n,)` int, as `fold_numbers` gives it.

    Raises:
        BadInput: a class has fewer than two patients.
    """
    truth = np.asarray(truth, bool)
    number = fold_numbers(truth, patients, folds, seed) if isinstance(folds, int) else folds
    scores = np.empty(len(truth))
    for fold in np.unique(number):
        left_out = number == fold
        fitted = fit_baseline(values, truth, np.flatnonzero(~left_out))
        scores[left_out] = fitted.scores(values[left_out])
    return scores


def fold_numbers(
    labels: np.ndarray, patients: Sequence[str] | np.ndarray, folds: int = 5, seed: int = 0
) -> np.ndarray:
    """Deal whole patients out to at most `folds` folds, the classes in proportion: `(n,)` int.

    Raises:
        BadInput: a class has fewer than two patients.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels, patients = np.asarray(labels), np.asarray(patients)
    fewest = min(
        (len(np.unique(patients[labels == label])) for label in np.unique(labels)), default=0
    )
    if fewest < 2:
        raise BadInput(
            "A class has images of one patient only; expected at least two patients of each class, "
            "so that one can be scored by what was learned from the other."
        )
    number = np.empty(len(labels), np.int64)
    dealt = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    for fold, (_, members) in enumerate(dealt.split(labels, labels, patients)):
        number[members] = fold
    return number


def save(path: Path, baselines: Mapping[str, Baseline]) -> None:
    """Write baselines as one .npz file without Python objects."""
    arrays = {
        f"{name}/{field.name}": getattr(baseline, field.name)
        for name, baseline in baselines.items()
        for field in fields(Baseline)
    }
    with replacing(path) as temporary:
        np.savez(temporary, **arrays)


def load(path: Path) -> dict[str, Baseline]:
    """Read the baselines that `save` wrote, by name, in order.

    Raises:
        DamagedRun: the file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            names = dict.fromkeys(key.rpartition("/")[0] for key in arrays.files)
            read = {
                name: Baseline(*(arrays[f"{name}/{field.name}"] for field in fields(Baseline)))
                for name in names
            }
        for baseline in read.values():
            check_arrays(vars(baseline), ARRAYS)
    except Exception as error:  # a damaged archive fails in many ways
        raise DamagedRun(
            f"The baselines '{path}' cannot be read ({error}). Train the run again."
        ) from error
    return read


def _standardised(values: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    centred = (values - mean).astype(np.float32)  # in full first: bytes and widths are large
    return np.clip(centred / scale.astype(np.float32), -REACH, REACH)


def _components(standard: np.ndarray) -> np.ndarray:
    """Return `(reduced, values)`, what standardised values are multiplied by to be compressed."""
    from sklearn.decomposition import PCA

    images, values = standard.shape
    if values <= FEW_VALUES:
        return np.eye(values)
    if not standard.any():  # the same in every image, such as a black border
        return np.zeros((1, values))
    kept = min(COMPONENTS, images - 1, values)
    pca = PCA(kept, svd_solver="randomized", iterated_power=3, random_state=0).fit(standard)
    spread = np.sqrt(pca.explained_variance_)
    real = spread > NEGLIGIBLE * spread.max()  # the others are rounding: do not blow it up
    return pca.components_[real] / spread[real, None]


def _regression(values: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the coefficients and the intercept; of a class that never occurs, zeros."""
    from sklearn.linear_model import LogisticRegression

    if not truth.any():
        return np.zeros(values.shape[1]), 0.0
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(values, truth)
    return model.coef_[0], float(model.intercept_[0])


def _with_squares(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values, values**2], axis=1)


def score_baselines(
    fitted: Mapping[str, Baseline],
    measured: Mapping[str, np.ndarray],
    truth: np.ndarray,
    patients: np.ndarray,
) -> list[dict[str, Any]]:
    """Return the ROC-AUC of each baseline that never sees the lungs, as plain data.

    `truth` is what `baselines.asked` gives, so that the figure is the network's.
    """
    rows = []
    for name, baseline in fitted.items():
        if name not in measured or measured[name].shape[1] != len(baseline.mean):
            continue  # fitted on files, and these are none, or the other way round
        scores = baseline.scores(measured[name])
        if scores.shape != truth.shape:
            continue  # an old run's, which tells one of several classes from the rest
        area = delong.roc_auc(truth, scores, patients)
        rows.append({"name": name, "title": title(name, measured[name]), "roc_auc": area})
    return rows
