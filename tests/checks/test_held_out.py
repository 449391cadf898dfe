from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from zoo.checks import held_out


def test_a_fold_learns_from_no_more_images_than_are_allowed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []

    class Counted(LogisticRegression):
        def fit(self, features: np.ndarray, labels: np.ndarray) -> Counted:
            seen.append(len(features))
            return super().fit(features, labels)

        def predict_proba(self, features: np.ndarray) -> np.ndarray:
            seen.append(len(features))
            return super().predict_proba(features)

    monkeypatch.setattr("sklearn.linear_model.LogisticRegression", Counted)
    monkeypatch.setattr(held_out, "LEARNED", 60)
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 500)
    features = random.normal(size=(500, 4)).astype(np.float32) + 2 * labels[:, None]
    chances = held_out.probabilities(features, labels, np.arange(500) % 5)
    assert max(seen) == 60
    assert (chances.argmax(axis=1) == labels).mean() > 0.9
    np.testing.assert_allclose(chances.sum(axis=1), 1)
