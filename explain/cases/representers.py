"""Which training cases an answer is made of, and which are like it by what decides.

Source: Yeh, Kim, Yen, Ravikumar, "Representer Point Selection for Explaining Deep Neural
Networks", 2018. Unlike there, likeness is measured from the mean embedding. Features that are
never negative make every case like every other, and the same few cases would be named for all
images.

Likeness by contributions, features times how much each counts for a class: Kenny, Keane,
"Twin-Systems to Explain Artificial Neural Networks using Case-Based Reasoning: Comparative Tests of
Feature-Weighting Methods in ANN-CBR Twins for XAI", 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explain.cases.neighbours import cosine_distances

PENALTY = 1e-5
"""On the squared weights; the larger it is, the less the fitted head is the network's."""

STEPS = 500


@dataclass(frozen=True, eq=False)
class Representers:
    """A linear head like the network's that is a sum over the training cases, and a constant.

    `alphas` is `(cases, classes)`, how much a case speaks for each class in images like it. `mean`
    and `scale` are what is taken from embeddings and what they are divided by, `offsets` is
    `(cases,)`. `head` is `(features, classes)` and `base` `(classes,)`: the weights that were
    fitted, and the logits of the mean embedding. `fidelity` is the share of cases to which head
    and network give the same answer.
    """

    alphas: np.ndarray
    mean: np.ndarray
    scale: float
    offsets: np.ndarray
    head: np.ndarray
    base: np.ndarray
    fidelity: float

    def likeness(self, products: np.ndarray, embedding: np.ndarray) -> np.ndarray:
        """Return `(cases,)`: how alike an image is to each case, below 0 where it is unlike.

        `products` is `(cases,)`, of the image's embedding `(features,)` with each case's.
        """
        return (products - embedding @ self.mean - self.offsets) / self.scale**2

    def values(self, likeness: np.ndarray, target: int) -> np.ndarray:
        """Return `(cases,)`: what each adds to the target's logit; with the base they are it."""
        return self.alphas[:, target] * likeness


def fit_representers(
    embeddings: np.ndarray, logits: np.ndarray, weights: np.ndarray, bias: np.ndarray
) -> Representers:
    """Fit a head with an L2 penalty to the network's own probabilities for the cases.

    `embeddings` is `(cases, features)`, `logits` is `(cases, classes)`; it starts from the
    network's `weights` and `bias`. At the optimum the weights are the sum of the cases'
    embeddings, each times its alpha: how far the fitted head's probability is from the network's,
    over the penalty. In 64 bits, since the alphas are small differences of probabilities.
    """
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import minimize
    from scipy.special import logsumexp, softmax

    cases, classes = logits.shape
    mean = embeddings.mean(axis=0, dtype=np.float64)
    centred = embeddings - mean
    scale = float(np.sqrt((centred**2).sum(axis=1).mean())) or 1.0
    points = np.column_stack([centred / scale, np.ones(cases)])
    wanted = softmax(logits.astype(np.float64), axis=1)
    penalty = np.full((points.shape[1], 1), PENALTY)
    penalty[-1] = 0  # the base is no sum over cases

    # Measured by how the loss curves at the start all directions are alike: a tenth of the steps.
    curving = (wanted * (1 - wanted)).mean(axis=1)
    curvature = (points.T * curving) @ points / cases + 2 * PENALTY * np.eye(points.shape[1])
    root = cholesky(curvature, lower=True)

    def head_of(flat: np.ndarray) -> np.ndarray:
        return solve_triangular(root, flat.reshape(-1, classes), trans="T", lower=True)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        head = head_of(flat)
        given = points @ head
        surprise = (logsumexp(given, axis=1) - (wanted * given).sum(axis=1)).mean()
        slope = points.T @ (softmax(given, axis=1) - wanted) / cases + 2 * penalty * head
        of_flat = solve_triangular(root, slope, lower=True)
        return float(surprise + (penalty * head**2).sum()), of_flat.ravel()

    start = np.vstack([weights * scale, bias + mean @ weights]).astype(np.float64)
    start -= start.mean(axis=1, keepdims=True)  # what all classes share changes no probability
    minimum = minimize(
        loss,
        (root.T @ start).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": STEPS, "maxfun": STEPS, "gtol": 1e-8, "ftol": 0, "maxcor": 20},
    )
    head = head_of(minimum.x)
    given = points @ head
    return Representers(
        alphas=(wanted - softmax(given, axis=1)) / (2 * PENALTY * cases),
        mean=mean,
        scale=scale,
        offsets=centred @ mean,
        head=head[:-1],
        base=head[-1],
        fidelity=float((given.argmax(axis=1) == logits.argmax(axis=1)).mean()),
    )


@dataclass(frozen=True, eq=False)
class Contributions:
    """What each feature adds to a class's logit less the mean of the other classes' logits.

    `weights` is `(features, classes)`. `lengths` is `(cases, classes)`, the length of each case's
    contributions, of its direction.

    Two images are near when the same features decide, in the same proportions: the distance is
    cosine. How strongly they decide is left out, since the probability tells it already.
    """

    weights: np.ndarray
    lengths: np.ndarray

    def vectors(self, units: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return `(batch, features)`, whose product with a case's direction is that of the two.

        `units` is `(batch, features)`, directions of images. The weights count twice, once for the
        image and once for the case, so that cases need not be kept weighted for each class.
        """
        return units * self.weights.T[targets] ** 2

    def distances(self, products: np.ndarray, units: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return `(batch, cases)` cosine distances from the products of `vectors`."""
        norms = np.linalg.norm(units * self.weights.T[targets], axis=1)
        lengths = norms[:, None] * self.lengths.T[targets]
        # Not the lengths of nothing: what contributes nothing is at 1 from all others.
        return cosine_distances(products / np.where(lengths > 0, lengths, np.inf))


def contributions(directions: np.ndarray, weights: np.ndarray) -> Contributions:
    """Prepare the cases: `(cases, features)` directions and the head's `(features, classes)`."""
    others = max(1, weights.shape[1] - 1)
    centred = weights - (weights.sum(axis=1, keepdims=True) - weights) / others
    return Contributions(centred, np.sqrt(directions**2 @ centred**2))
