"""XRAI on pictures whose regions are known."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import filters_network, images_of

from explain import integrated_gradients, xrai


def squares(side=64):
    picture = np.full((side, side, 3), 40, np.float32)
    picture[8:24, 8:24], picture[40:56, 36:60] = 220, 140
    return picture


def test_regions_cover_the_picture_and_follow_its_edges():
    found = xrai.regions(squares()).reshape(-1, 64, 64)
    assert found.max(axis=0).min() == 1
    square = np.zeros((64, 64), bool)
    square[8:24, 8:24] = True
    best = max((np.minimum(one, square).sum() / np.maximum(one, square).sum()) for one in found)
    assert best > 0.5


def test_the_densest_region_is_first_and_pixels_of_a_region_are_alike():
    evidence = np.random.default_rng(0).normal(0, 0.2, (64, 64)).astype(np.float32)
    evidence[8:24, 8:24] += 1
    evidence[40:56, 36:60] -= 1
    found = xrai.by_regions(evidence, squares())
    assert found.sum() == pytest.approx(evidence.sum(), rel=1e-4)
    assert len(np.unique(found)) < 60
    inside = found[10:22, 10:22]
    assert inside.min() == inside.max() == found.max() > 0.5
    assert found[42:54, 40:56].max() < -0.5
    assert found[:4, 40:].mean() == pytest.approx(0, abs=0.15)


def test_it_adds_up_to_integrated_gradients_and_is_smoother():
    image = np.zeros((1, 32, 32, 3), np.uint8)
    image[0, 4:14, 4:14, 0], image[0, 18:28, 18:28, 1] = 200, 200
    classifier = filters_network()
    (fine,) = integrated_gradients.explain(classifier, images_of(image), [0], steps=4)
    (found,) = xrai.explain(classifier, images_of(image), [0], steps=4)
    assert found.values.sum() == pytest.approx(fine.values.sum(), abs=1e-4)
    assert found.details == fine.details
    assert found.values[6:12, 6:12].mean() > 5 * abs(found.values[20:26, 20:26].mean())


def test_a_picture_without_regions_has_one_value():
    evidence = np.random.default_rng(0).normal(size=(28, 28)).astype(np.float32)
    found = xrai.by_regions(evidence, np.full((28, 28, 3), 9, np.float32))
    np.testing.assert_allclose(found, evidence.mean(), rtol=1e-4)
