"""Which training cases the network's answer is made of: representer points.

Source: Yeh, Kim, Yen, Ravikumar, "Representer Point Selection for Explaining Deep Neural
Networks", 2018. Unlike there, likeness is measured from the mean embedding. Features that are
never negative make every case like every other, and the same few cases would be named for all
images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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


def fit(
    embeddings: np.ndarray, logits: np.ndarray, weights: np.ndarray, bias: np.ndarray
) -> Representers:
    """Fit a head with an L2 penalty to the network's own probabilities for the cases.

    `embeddings` is `(cases, features)`, `logits` is `(cases, classes)`; it starts from the
    network's `weights` and `bias`. At the optimum the weights are the sum of the cases'
    embeddings, each times its alpha: how far the fitted head's probability is from the network's,
    over the penalty. In 64 bits, since the alphas are small differences of probabilities.
    """
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

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        head = flat.reshape(-1, classes)
        given = points @ head
        surprise = (logsumexp(given, axis=1) - (wanted * given).sum(axis=1)).mean()
        slope = points.T @ (softmax(given, axis=1) - wanted) / cases + 2 * penalty * head
        return float(surprise + (penalty * head**2).sum()), slope.ravel()

    start = np.vstack([weights * scale, bias + mean @ weights]).astype(np.float64)
    start -= start.mean(axis=1, keepdims=True)  # what all classes share changes no probability
    found = minimize(
        loss, start.ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": STEPS, "maxfun": STEPS, "gtol": 1e-8, "ftol": 0, "maxcor": 20},
    )  # fmt: skip
    head = found.x.reshape(-1, classes)
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
