"""LIME: a linear model of which regions, shown or hidden, make the target likely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least
from explain.maps import black_box, segments
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl

if TYPE_CHECKING:
    import numpy as np

    from explain.maps.occlusion import LogOdds

NAME = "lime"
NEAR = 0.25
"""Width of the kernel of likeness to the image, in cosine distance, as in the authors' program."""
PENALTY = 1.0
FOLDS = 5


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare LIME."""
    return [
        Explainer(
            name=NAME,
            summary="Regions weighted by a linear model of the answer to copies without some.",
            explain=explain,
            reference=(
                'Ribeiro, Singh, Guestrin. "Why Should I Trust You?": Explaining the Predictions '
                "of Any Classifier, 2016"
            ),
            options={
                "evaluations": Option(400, "copies with regions hidden, one forward pass for each"),
                "regions": Option(50, "about how many regions the image is divided into"),
                "seed": Option(0, "which regions are hidden"),
            },
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    evaluations: int = 400,
    regions: int = 50,
    seed: int = 0,
) -> list[Attribution]:
    """Map each image by its regions' weights in a linear model of the target's log-odds.

    Regions are superpixels (SLIC). In each copy every one of them is hidden, with probability a
    half, by a blurred copy of the image; ridge regression of the log-odds on what is shown counts
    copies by their likeness to the image. Which are hidden follows from `seed` alone. A pixel has
    the weight of its region. Values are `(height, width)`, signed, in log-odds a region.

    Details: 'R2 of the fit' (of the linear model on copies that it was not fitted to, 1 at best;
    below 0.5 it does not answer as the network does), 'regions', 'log-odds', 'evaluations',
    'seconds'.

    Raises:
        InvalidSetting: a target that is not one of the classes, `evaluations` below 10, `regions`
            below 2, or `seed` below 0.
    """
    check_at_least("evaluations", evaluations, 2 * FOLDS)
    check_at_least("regions", regions, 2)
    check_at_least("seed", seed, 0)

    def draw(game: LogOdds) -> black_box.Drawn:
        import numpy as np

        labels = segments.superpixels(game.image, regions)
        count = int(labels.max()) + 1
        shown = np.random.default_rng(seed).random((evaluations, count)) < 0.5

        def masks() -> Iterator[np.ndarray]:
            for start in range(0, evaluations, black_box.BATCH):
                yield shown[start : start + black_box.BATCH][:, labels]

        weights, fit = fitted(shown, black_box.answers(game, masks()))
        return weights[labels].astype(np.float32), {"R2 of the fit": fit, "regions": count}

    return black_box.attributions(NAME, classifier, images, targets, draw)


def fitted(shown: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, float]:
    """Fit `(copies,)` scores by `(copies, regions)` bool; return weights and cross-validated R2."""
    import numpy as np
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score
    from sklearn.model_selection import cross_val_predict

    distance = 1 - np.sqrt(shown.mean(axis=1))  # of the cosine, to the copy that shows everything
    near = np.sqrt(np.exp(-((distance / NEAR) ** 2)))
    model, parts = Ridge(PENALTY), shown.astype(np.float64)
    told = cross_val_predict(model, parts, scores, cv=FOLDS, params={"sample_weight": near})
    fit = float(r2_score(scores, told, sample_weight=near))
    return model.fit(parts, scores, sample_weight=near).coef_, fit
