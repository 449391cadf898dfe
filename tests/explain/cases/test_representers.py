"""Representer points: values of the training cases that add up to the head's answer."""

from __future__ import annotations

import numpy as np
import pytest

from explain.cases import representers


@pytest.fixture(scope="module")
def fitted():
    random = np.random.default_rng(0)
    embeddings = np.maximum(random.normal(0.3, 1, (300, 20)), 0).astype(np.float32)
    weights = random.normal(0, 1, (20, 3)).astype(np.float32)
    bias = np.array([0.5, 0.0, -0.5], np.float32)
    logits = embeddings @ weights + bias
    return embeddings, logits, representers.fit_representers(embeddings, logits, weights, bias)


def test_the_values_and_the_base_add_up_to_the_heads_logit(fitted):
    embeddings, _, found = fitted
    query = np.maximum(np.random.default_rng(1).normal(0.3, 1, 20), 0).astype(np.float32)
    logits = (query - found.mean) / found.scale @ found.head + found.base
    likeness = found.likeness(embeddings @ query, query)
    for target in range(3):
        whole = found.values(likeness, target).sum() + found.base[target]
        assert whole == pytest.approx(logits[target], abs=0.01)


def test_the_head_is_the_sum_of_the_cases(fitted):
    """So it is at the optimum and nowhere else."""
    embeddings, _, found = fitted
    summed = ((embeddings - found.mean) / found.scale).T @ found.alphas
    np.testing.assert_allclose(summed, found.head, atol=1e-4 * np.abs(found.head).max())


def test_the_head_answers_as_the_network_does(fitted):
    embeddings, logits, found = fitted
    assert found.fidelity > 0.98
    given = (embeddings - found.mean) / found.scale @ found.head + found.base
    centred = logits - logits.mean(axis=1, keepdims=True)
    assert np.corrcoef(given.ravel(), centred.ravel())[0, 1] > 0.97


def test_likeness_is_below_zero_on_the_other_side_of_the_mean(fitted):
    embeddings, _, found = fitted
    image = embeddings[0]
    likeness = found.likeness(embeddings @ image, image)
    expected = (embeddings - found.mean) @ (image - found.mean) / found.scale**2
    assert likeness == pytest.approx(expected, abs=1e-5)
    assert likeness.argmax() == 0 or likeness[0] > 0
    assert likeness.min() < 0


def test_what_all_classes_share_is_nobodys(fitted):
    _, _, found = fitted
    assert np.allclose(found.alphas.sum(axis=1), 0, atol=1e-8)


def test_embeddings_of_zeros_do_not_fail():
    logits = np.tile([0.2, -0.2], (4, 1)).astype(np.float32)
    found = representers.fit_representers(
        np.zeros((4, 3), np.float32), logits, np.zeros((3, 2), np.float32), logits[0]
    )
    likeness = found.likeness(np.zeros(4), np.zeros(3))
    assert np.isfinite(found.values(likeness, 0)).all()
