"""SHAP: each region's share of the evidence, which adds up to what the network says."""

from __future__ import annotations

import contextlib
import functools
import importlib
import time
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from explain.checks import check_at_least, check_targets
from explain.kept import kept
from explain.maps.occlusion import MOST_CELLS, LogOdds, shared_out
from zoo import Attribution, Classifier, Explainer, Images, Option, Reference, hookimpl
from zoo.base import interruption

if TYPE_CHECKING:
    import numpy as np

NAME = "shap"
BATCH = 32
SAFETY = 0.8
"""Share of the budget that is planned for: a machine does not keep its speed."""
FEWEST, MOST = 100, 2000
"""Bounds of what the time budget may buy: fewer evaluations show halves, more show no more."""


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare SHAP."""
    return [
        Explainer(
            name=NAME,
            summary="Regions that speak for and against the target, adding up to its log-odds.",
            explain=explain,
            reference=("Lundberg, Lee. A Unified Approach to Interpreting Model Predictions, 2017"),
            options={
                "budget": Option(5.0, "seconds for each image"),
                "evaluations": Option(
                    0, f"forward passes for each image; 0: {FEWEST} to {MOST}, by the budget"
                ),
                "seed": Option(0, "which of regions of equal weight comes first"),
            },
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,  # noqa: ARG001 - part of every explainer's signature
    *,
    budget: float = 5.0,
    evaluations: int = 0,
    seed: int = 0,
) -> list[Attribution]:
    """Map what is seen of each image by Owen values of regions, compared with a blurred copy.

    Values are `(height, width)`, signed, in log-odds of the target against all other classes:
    their sum is the image's log-odds less those of the blurred copy. Regions are halved again and
    again where the evidence is, as far as the evaluations go; one whose halves cancel each other
    out may stay whole; `seed` orders those of equal weight. `evaluations` makes a map repeatable;
    left at 0 their number follows from the speed measured on this classifier.

    Details: 'additivity error', 'log-odds' and 'log-odds of the blurred copy' (log-odds),
    'evaluations', 'seconds'.

    Raises:
        InvalidSetting: a target that is not one of the classes, or an option below 0.
    """
    check_targets(classifier, targets)
    check_at_least("budget", budget, 0)
    check_at_least("evaluations", evaluations, 0)
    check_at_least("seed", seed, 0)
    if not evaluations and len(targets):
        affordable = int(SAFETY * budget / _seconds_per_evaluation(classifier))
        evaluations = min(max(affordable, FEWEST), MOST)
    return [
        _explain_one(classifier, image, int(target), evaluations, seed)
        for image, target in zip(images.pixels, targets, strict=True)
    ]


def _explain_one(
    classifier: Classifier, image: np.ndarray, target: int, evaluations: int, seed: int = 0
) -> Attribution:
    import numpy as np

    from zoo.base.pictures.pixel_arrays import blurred

    shap = _shap()
    begun = time.perf_counter()
    (seen,), (box,) = classifier.seen(image[None]), classifier.boxes(image[None])
    game = LogOdds(classifier.inside, seen, blurred(seen), target, _most_cells(box, image.shape))
    # What SHAP masks is a map of ones: the game turns what is left of it into a picture. So one
    # mask serves all channels, and its size, thus memory, does not depend on that of the image.
    explainer = shap.PartitionExplainer(game, shap.maskers.Image(np.zeros((*game.cells, 1))))
    with _repeatable(seed):
        explanation = explainer(
            np.ones((1, *game.cells, 1)), max_evals=evaluations, batch_size=BATCH, silent=True
        )
    values = shared_out(explanation.values[0, :, :, 0], box, image.shape[:2]).astype(np.float32)
    base = float(explanation.base_values[0])
    return Attribution(
        NAME,
        target,
        values,
        signed=True,
        details={
            "additivity error": abs(base + float(values.sum(dtype=np.float64)) - game.whole),
            "log-odds": game.whole,
            "log-odds of the blurred copy": base,
            "evaluations": game.evaluations,
            "seconds": time.perf_counter() - begun,
        },
    )


def _most_cells(box: np.ndarray, size: tuple[int, ...]) -> tuple[int, int]:
    """Return how many rows and columns of cells the box holds with a pixel of the image each."""
    height, width = (int((box[edge + 2] - box[edge]) * size[edge]) for edge in (0, 1))
    return max(1, min(height, MOST_CELLS)), max(1, min(width, MOST_CELLS))


@kept
def _seconds_per_evaluation(classifier: Classifier) -> float:
    """Time SHAP itself on an empty image, so that masking and bookkeeping count too."""
    import numpy as np

    empty = np.zeros(classifier.input_shape, np.uint8)
    _explain_one(classifier, empty, 0, BATCH)  # the first call compiles the network and SHAP
    timed = _explain_one(classifier, empty, 0, FEWEST).details
    return float(timed["seconds"]) / float(timed["evaluations"])


@functools.cache
def _shap() -> Any:
    # SHAP keeps the errors of modules that it does not find. Their tracebacks hold the frames of
    # whoever imports it, and with them the network; a thread of its own has no such frames. Nor
    # can this be ended, for the seconds that it takes.
    return interruption.apart(_compiled)


def _compiled() -> Any:
    import numpy as np

    with warnings.catch_warnings():
        # Importing SHAP builds color maps in a way that Matplotlib is about to give up.
        warnings.filterwarnings("ignore", "The set_", PendingDeprecationWarning)
        shap = importlib.import_module("shap")
    shap.PartitionExplainer(len, shap.maskers.Image(np.zeros((2, 2, 1))))  # the first is compiled
    return shap


@contextlib.contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Seed NumPy's global random numbers, by which SHAP orders regions of equal weight."""
    import numpy as np

    state = np.random.get_state()  # noqa: NPY002 - SHAP draws from the global generator
    np.random.seed(seed % 2**32)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
