"""Faithfulness on networks of which it is known what matters to them."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace

import numpy as np
import pytest
from whole_pictures import WholePictures

from zoo.base.pictures.pixel_arrays import blurred
from zoo.interpret.trust.controls import controls
from zoo.interpret.trust.imputation import NOISE, Imputer
from zoo.interpret.trust.perturbation import (
    MOST_IMPUTED,
    Cells,
    _probabilities,
    perturbation_test,
)
from zoo.stats.probabilities import softmax

SIDE = 56


class Looking(WholePictures):
    """The logit of class 1 is the brightness of one square above a level; class 0 has none."""

    class_names = ("a", "b")
    input_shape = (SIDE, SIDE, 3)

    def __init__(self, temperature: float = 1.0, slope: float = 0.05) -> None:
        self.temperature, self.slope = temperature, slope
        self.passes, self.largest = 0, 0
        self.spot = np.zeros((SIDE, SIDE), bool)
        self.spot[8:20, 12:24] = True

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        self.passes += len(pixels)
        self.largest = max(self.largest, len(pixels))
        shown = pixels.astype(np.float64)[:, self.spot].mean(axis=(1, 2))
        logit = self.slope * (shown - 110)
        return np.stack([np.zeros_like(logit), logit], axis=1).astype(np.float32)


def picture(network: Looking) -> np.ndarray:
    """A bright square where the network looks, and another of the same size elsewhere."""
    image = np.full((SIDE, SIDE, 3), 20, np.uint8)
    image[network.spot] = 220
    image[36:48, 32:44] = 220
    return image[None]


def test_the_place_that_matters_is_told_from_one_that_looks_alike() -> None:
    network = Looking()
    pixels = picture(network)
    elsewhere = np.zeros((1, SIDE, SIDE))
    elsewhere[0, 36:48, 32:44] = 1
    maps = {"right": network.spot[None] * 1.0, "wrong": elsewhere, **controls(pixels)}
    del maps["edges"]  # of both squares, which is right, too
    found = {name: own[0] for name, own in perturbation_test(network, pixels, [1], maps).items()}  # type: ignore[arg-type]
    right = found.pop("right")
    for name, other in found.items():
        assert right.deletion < other.deletion - 0.05, name
        assert right.insertion > other.insertion + 0.02, name
        assert right.road < other.road - 0.05, name
    assert found["wrong"].road > 0.9 * found["wrong"].imputed[0] * MOST_IMPUTED


def test_curves_begin_and_end_where_they_must() -> None:
    network = Looking(temperature=4.0)
    pixels = picture(network)
    found = perturbation_test(network, pixels, [1], controls(pixels), steps=6)  # type: ignore[arg-type]

    def probability(image: np.ndarray) -> float:
        logits = network.logits(image[None])[0] / 4.0
        return float(1 / (1 + np.exp(logits[0] - logits[1])))

    whole, nothing = probability(pixels[0]), probability(blurred(pixels[0]))
    for (one,) in found.values():
        assert one.fractions == pytest.approx(tuple(np.linspace(0, 1, 7)))
        assert one.imputed_fractions == pytest.approx((0, 0.8 / 3, 1.6 / 3, 0.8))
        assert len(one.deleted) == len(one.inserted) == 7
        assert len(one.imputed) == 4
        assert one.deleted[0] == one.inserted[-1] == one.imputed[0] == pytest.approx(whole)
        assert one.deleted[-1] == one.inserted[0] == pytest.approx(nothing)


def test_an_answer_however_sure_is_followed_as_one_of_nine_tenths() -> None:
    """Of a saturated softmax nothing is seen until nearly all that speaks for it is gone."""
    pixels = picture(Looking())
    maps = {"right": Looking().spot[None] * 1.0, **controls(pixels)}
    sure, surer = (
        perturbation_test(Looking(slope=slope), pixels, [1], maps)  # type: ignore[arg-type]
        for slope in (0.05, 5.0)
    )
    for name in maps:
        assert surer[name][0].deleted[0] == pytest.approx(0.9)
        for curve in ("deleted", "inserted", "imputed"):
            assert getattr(surer[name][0], curve) == pytest.approx(
                getattr(sure[name][0], curve), abs=1e-5
            )
    unlikely = perturbation_test(Looking(slope=5.0), pixels, [0], maps)  # type: ignore[arg-type]
    assert unlikely["right"][0].deleted[0] == pytest.approx(0.1)


class Among(Looking):
    """One of several classes, of which each but the first two is as likely as it is."""

    def __init__(self, slope: float, others: Sequence[float]) -> None:
        super().__init__(slope=slope)
        self.others = np.array(others, np.float32)

    def logits(self, pixels: np.ndarray, boxes: np.ndarray | None = None) -> np.ndarray:
        two = super().logits(pixels)
        return np.concatenate([two, np.tile(self.others, (len(two), 1))], axis=1)


@pytest.mark.parametrize("others", [[], [-3.0], [2.0, 1.0, -9.0, 4.0]])
def test_a_sure_answer_of_any_number_of_classes_is_followed_exactly(others: list[float]) -> None:
    """The target's log-odds against all the others together are what is divided."""
    network = Among(5.0, others)
    pixels = picture(network)
    maps = {"right": network.spot[None] * 1.0}
    (found,) = perturbation_test(network, pixels, [1], maps)["right"]  # type: ignore[arg-type]
    ends = network.logits(np.stack([pixels[0], blurred(pixels[0])])).astype(np.float64)
    odds = ends[:, 1] - np.log(np.exp(np.delete(ends, 1, axis=1)).sum(axis=1))
    assert odds[0] > np.log(9)
    softened = 1 / (1 + np.exp(-odds / (odds[0] / np.log(9))))
    assert softened[0] == pytest.approx(0.9)
    assert [found.deleted[0], found.deleted[-1]] == pytest.approx(softened, abs=1e-9)


def test_of_two_classes_it_is_their_softmax_at_a_temperature() -> None:
    logits = np.random.default_rng(0).normal(scale=9, size=(20, 2))
    pictures = iter(np.zeros((20, 1, 1, 1), np.uint8))
    subject = SimpleNamespace(logits=lambda shown: logits, temperature=1.7)
    found = _probabilities(subject, pictures, 1)  # type: ignore[arg-type]
    scaled = logits / 1.7
    scaled /= max(1, abs(scaled[0, 1] - scaled[0, 0]) / np.log(9))
    assert found == pytest.approx(softmax(scaled)[:, 1], abs=1e-9)


def test_a_curve_is_what_its_definition_says() -> None:
    network = Looking(slope=0.015)
    pixels = picture(network)
    values = np.random.default_rng(3).random((1, SIDE, SIDE))
    (found,) = perturbation_test(network, pixels, [1], {"map": values}, steps=4)["map"]  # type: ignore[arg-type]
    means = values[0].reshape(28, 2, 28, 2).mean(axis=(1, 3)).ravel()
    order = np.argsort(-means)
    for fraction, deleted, inserted in zip(
        (0.25, 0.5, 0.75), found.deleted[1:], found.inserted[1:], strict=False
    ):
        cells = np.zeros(784, bool)
        cells[order[: round(fraction * 784)]] = True
        marked = np.kron(cells.reshape(28, 28), np.ones((2, 2))).astype(bool)[..., None]
        away = np.where(marked, blurred(pixels[0]), pixels[0])
        alone = np.where(marked, pixels[0], blurred(pixels[0]))
        for shown, expected in ((away, deleted), (alone, inserted)):
            logit = network.logits(shown[None])[0, 1]
            assert expected == pytest.approx(1 / (1 + np.exp(-logit)), abs=1e-6)
    for area, curve in ((found.deletion, found.deleted), (found.insertion, found.inserted)):
        assert area == pytest.approx((curve[0] + curve[-1] + 2 * sum(curve[1:-1])) / 8)


def test_an_even_map_is_a_random_order_and_repeatable() -> None:
    cells = Cells(SIDE, SIDE)
    for value in (0.0, 0.1, -3.0):
        rank = cells.rank(np.full((SIDE, SIDE), value), seed=4)
        assert sorted(rank) == list(range(784))
        assert abs(np.corrcoef(rank, np.arange(784))[0, 1]) < 0.15
        np.testing.assert_array_equal(rank, cells.rank(np.full((SIDE, SIDE), value), seed=4))
    assert (rank != cells.rank(np.zeros((SIDE, SIDE)), seed=5)).any()


def test_sides_that_no_cell_divides() -> None:
    cells = Cells(50, 20)
    assert cells.shape == (28, 20)
    assert cells.areas.sum() == 1000
    rank = cells.rank(np.arange(1000.0).reshape(50, 20), seed=0)
    assert rank[0] > rank[-1] == 0, "the brightest corner goes first"


def test_an_image_is_measured_alike_in_any_batch() -> None:
    network = Looking()
    pixels = np.concatenate([picture(network), 255 - picture(network)])
    maps = {name: own * (1 if name == "edges" else 0) for name, own in controls(pixels).items()}
    both = perturbation_test(network, pixels, [1, 0], maps)  # type: ignore[arg-type]
    alone = perturbation_test(network, pixels[1:], [0], {n: own[1:] for n, own in maps.items()})  # type: ignore[arg-type]
    for name, own in alone.items():
        assert own[0].deleted == pytest.approx(both[name][1].deleted)
        assert own[0].imputed == pytest.approx(both[name][1].imputed)


def test_what_it_costs() -> None:
    network = Looking()
    pixels = np.repeat(picture(network), 3, axis=0)
    perturbation_test(network, pixels, [1] * 3, controls(pixels), steps=8)  # type: ignore[arg-type]
    assert network.passes == 3 * (2 + 4 * (2 * 7 + 4))
    assert network.largest <= 32


def test_no_image_and_no_map() -> None:
    network = Looking()
    assert perturbation_test(network, picture(network), [1], {}) == {}  # type: ignore[arg-type]
    empty = {"map": np.zeros((0, SIDE, SIDE))}
    assert perturbation_test(network, picture(network)[:0], [], empty) == {"map": []}  # type: ignore[arg-type]


def test_what_is_missing_is_guessed_from_around() -> None:
    ramp = np.broadcast_to(np.linspace(20, 220, SIDE)[:, None, None], (SIDE, SIDE, 3))
    image = np.rint(ramp).astype(np.uint8)
    missing = np.zeros((28, 28), bool)
    missing[8:20, 8:20] = True
    guessed = Imputer(image, (28, 28), seed=0)(missing.ravel()).astype(float)
    inside = np.kron(missing, np.ones((2, 2))).astype(bool)
    errors = (guessed - ramp)[inside]
    assert np.abs(errors.mean()) < 1
    assert np.abs(errors).max() < 6 * NOISE
    assert errors.std() == pytest.approx(NOISE, rel=0.3), "nothing but the noise is wrong"


def test_every_channel_is_guessed_by_itself() -> None:
    image = np.zeros((SIDE, SIDE, 3), np.uint8)
    image[:] = (30, 120, 210)
    missing = np.random.default_rng(0).random(784) < 0.8
    guessed = Imputer(image, (28, 28), seed=0)(missing)
    np.testing.assert_allclose(guessed.mean(axis=(0, 1)), (30, 120, 210), atol=1)
    one = Imputer(image[..., :1], (28, 28), seed=0)(missing)
    np.testing.assert_array_equal(one[..., 0], guessed[..., 0])
