"""A localiser is trained from masks and measured on others."""

from __future__ import annotations

import numpy as np
import pytest

from plugins.readers.phantom.cohort import Cohort
from zoo import BadInput, Dataset, Sample
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.data import masks
from zoo.network import localiser
from zoo.network.boxes import ANY
from zoo.network.localiser import SIDE
from zoo.training import localiser as module
from zoo.training import localiser_views as views
from zoo.training.localiser import Pairs, around, gather, measure, overlaps, pairs, train

COHORT = Cohort(seed=2, size=96, prevalence=0.5, difficulty=0.5, extent=1.0)


@pytest.fixture(scope="module")
def phantoms() -> Pairs:
    samples = COHORT.samples(60)
    return pairs([COHORT.read(s, None) for s in samples], [COHORT.lungs(s, None) for s in samples])


@pytest.fixture(autouse=True)
def few_views(monkeypatch):
    monkeypatch.setattr(module, "DESCRIBED", 6)


def part(whole: Pairs, rows: slice) -> Pairs:
    return Pairs(whole.pictures[rows], whole.masks[rows])


class Counted:
    """Listens to what is told of the work."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.done = 0

    def start(self, title: str, total: int) -> None:
        self.titles.append(f"{title} {total}")

    def advance(self, steps: int = 1) -> None:
        self.done += steps

    def stop(self) -> None:
        pass


@pytest.mark.slow
def test_a_short_training_learns_and_is_measured_on_the_pairs_held_out(phantoms):
    progress = Counted()
    seen, held = part(phantoms, slice(0, 40)), part(phantoms, slice(40, 60))
    found = train(seen, held, steps=60, seed=3, attribution="mine", progress=progress)
    assert progress.titles == ["localiser 60"]
    assert progress.done == 60
    dice, overlap = measure(found.network((SIDE, SIDE, 1)), held)
    assert found.dice == pytest.approx(dice.mean(), abs=1e-3)
    assert found.overlap == pytest.approx(overlap.mean(), abs=1e-3)
    assert (found.masks, found.attribution) == (20, "mine")
    untrained, _ = measure(localiser.build((SIDE, SIDE, 1), 3), held)
    assert found.dice > 0.75 > untrained.mean()
    assert (found.limits[:, 0] <= found.limits[:, 1]).all()


def test_too_few_or_empty_masks_are_refused(phantoms):
    few = part(phantoms, slice(0, 5))
    with pytest.raises(BadInput, match="5 masks, 0 of them empty"):
        train(phantoms, few, steps=1)
    empty = Pairs(phantoms.pictures, np.zeros_like(phantoms.masks))
    with pytest.raises(BadInput, match="60 masks, 60 of them empty"):
        train(empty, phantoms, steps=1)


@pytest.mark.slow
def test_limits_are_open_where_nothing_was_found_rightly(phantoms):
    limits = module._limits(localiser.build((SIDE, SIDE, 1)), phantoms, 0)
    np.testing.assert_array_equal(limits, np.array(ANY, np.float32))


@pytest.fixture
def dataset(tmp_path) -> Dataset:
    samples = tuple(Sample(f"{s.name}.png", s.label, s.patient) for s in COHORT.samples(30))
    for sample in samples[:25]:
        own = Sample(sample.name.removesuffix(".png"), sample.label, sample.patient)
        mask = COHORT.lungs(own, None)[..., None].repeat(3, -1)
        (tmp_path / f"{own.name}.jpg").write_bytes(encode_jpeg(np.uint8(mask * 255)))

    def read(sample, size):
        return COHORT.read(Sample(sample.name.removesuffix(".png"), sample.label, ""), size)

    return Dataset(
        source="here", class_names=("a", "b"), samples=samples, read=read, digest=lambda s: s.name
    )


def test_images_with_a_mask_are_gathered(dataset, tmp_path):
    known, progress = masks.find_masks(tmp_path, dataset.samples, dataset.digest), Counted()
    found = gather(dataset, dataset.samples, known, progress)
    assert len(found) == progress.done == 25
    assert found.pictures.dtype == np.uint8
    assert found.masks.dtype == np.bool_
    side = module.KEPT
    assert found.pictures.shape == found.masks.shape == (25, side, side)
    wanted = COHORT.lungs(COHORT.samples(1)[0], (side, side))
    assert (found.masks[0] == wanted).mean() > 0.98
    with pytest.raises(BadInput, match="Only 7 of 12 images have a mask"):
        gather(dataset, dataset.samples[18:], known)


def test_the_box_around_a_mask_and_how_far_two_boxes_agree():
    mask = np.zeros((2, 10, 20), bool)
    mask[0, 2:5, 4:16] = True
    mask[1] = True
    boxes = around(mask)
    np.testing.assert_allclose(boxes, [[0.2, 0.2, 0.5, 0.8], [0, 0, 1, 1]])
    np.testing.assert_allclose(overlaps(boxes, boxes), 1)
    np.testing.assert_allclose(overlaps(boxes, boxes[::-1]), 0.18)
    assert overlaps(np.array([[0, 0, 0.2, 0.2]]), np.array([[0.5, 0.5, 1, 1]])) == 0


def test_masks_that_are_alike_have_a_dice_coefficient_of_one():
    mask = np.zeros((3, 4, 4), bool)
    mask[:, :2] = True
    other = mask.copy()
    other[1] = ~mask[1]
    other[2, 1] = False
    np.testing.assert_allclose(module.dice_of(mask, other), [1, 0, 2 / 3])
    assert module.dice_of(mask[:1] & False, mask[:1] & False) == 0


@pytest.fixture(scope="module")
def drawn(phantoms):
    import tensorflow as tf

    def view(pictures, inside, *seed):
        x, y = views.view(
            tf.constant(np.float32(pictures)), tf.constant(np.float32(inside)), seed, SIDE
        )
        return x.numpy(), y.numpy()

    return view


def test_views_follow_from_the_seed(phantoms, drawn):
    given = phantoms.pictures[:8], phantoms.masks[:8]
    one, again, other = drawn(*given, 0, 1), drawn(*given, 0, 1), drawn(*given, 0, 2)
    for first, second, third in zip(one, again, other, strict=True):
        np.testing.assert_array_equal(first, second)
        assert np.abs(first - third).mean() > 0.01
    pictures, inside = one
    assert pictures.shape == (8, SIDE, SIDE, 1)
    assert inside.shape == (8, SIDE // 2, SIDE // 2, 1)
    assert 0 <= pictures.min() < pictures.max() <= 255
    assert 0 <= inside.min() < inside.max() <= 1


def test_a_mask_moves_with_its_picture(drawn):
    random = np.random.default_rng(0)
    pictures = np.zeros((32, module.KEPT, module.KEPT), np.uint8)
    for picture in pictures:
        top, left = random.integers(40, 80, 2)
        picture[top : top + 40, left : left + 30] = 255
    seen, inside = drawn(pictures, pictures > 0, 0, 1)
    small = seen.reshape(32, SIDE // 2, 2, SIDE // 2, 2).mean(axis=(2, 4))
    agreeing = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(small, inside, strict=True)]
    assert np.median(agreeing) > 0.6  # all else in the view has nothing to do with the mask


def test_pictures_of_other_things_are_of_many_kinds(phantoms):
    found = views.others(phantoms.pictures, 24, 160, np.random.default_rng(0))
    assert found.shape == (24, 160, 160)
    assert found.dtype == np.uint8
    assert len({one.tobytes() for one in found}) == 24
    again = views.others(phantoms.pictures, 24, 160, np.random.default_rng(0))
    np.testing.assert_array_equal(found, again)
