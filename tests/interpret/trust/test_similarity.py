"""Likeness of maps whose likeness is known."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.interpret.trust.similarity import rank_correlation, ssim

RANDOM = np.random.default_rng(0)
NOISE = RANDOM.random((3, 32, 40))


@pytest.mark.parametrize("alike", [ssim, rank_correlation])
def test_a_map_is_like_itself_in_any_unit(alike):
    np.testing.assert_allclose(alike(NOISE, 1000 * NOISE - 3), 1, atol=1e-5)


@pytest.mark.parametrize("alike", [ssim, rank_correlation])
def test_independent_noise_is_unlike(alike):
    assert np.abs(alike(NOISE, RANDOM.random(NOISE.shape))).max() < 0.1


@pytest.mark.parametrize("alike", [ssim, rank_correlation])
def test_opposite_maps_are_the_opposite(alike):
    assert (alike(NOISE, -NOISE) < -0.9).all()


@pytest.mark.parametrize("alike", [ssim, rank_correlation])
def test_a_constant_map_is_like_another_constant_one_only(alike):
    flat = np.ones_like(NOISE)
    np.testing.assert_array_equal(alike(flat, 5 * flat), 1)
    np.testing.assert_array_equal(alike(flat, NOISE), 0)
    np.testing.assert_array_equal(alike(NOISE, flat), 0)


def test_ranks_are_those_of_scipy_with_shared_places():
    from scipy.stats import spearmanr

    a, b = np.rint(3 * NOISE), np.rint(5 * RANDOM.random(NOISE.shape) + NOISE)
    expected = [spearmanr(x.ravel(), y.ravel()).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(rank_correlation(a, b), expected)


def test_ranks_do_not_see_a_monotonous_change_and_structure_does():
    np.testing.assert_allclose(rank_correlation(NOISE, NOISE**8), 1)
    assert (ssim(NOISE, NOISE**8) < 0.9).all()


@pytest.mark.parametrize("alike", [ssim, rank_correlation])
def test_small_maps_and_none_at_all(alike):
    np.testing.assert_allclose(alike(NOISE[:, :7, :7], NOISE[:, :7, :7]), 1, atol=1e-5)
    assert alike(NOISE[:0], NOISE[:0]).shape == (0,)


def test_maps_of_another_size_are_a_mistake():
    with pytest.raises(ValueError, match="one shape"):
        ssim(NOISE, NOISE[:, :8])
