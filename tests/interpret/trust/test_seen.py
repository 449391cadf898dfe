"""Maps are tested on what a network saw, so that what lies outside its box counts for nothing."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from keras import layers
from scipy.ndimage import binary_dilation

from plugins.readers.phantom.cohort import Cohort
from zoo import Attribution, Explainer, Images
from zoo.data.resampling import cut
from zoo.interpret.trust import panel, randomisation, seen
from zoo.interpret.trust.localisation import localise
from zoo.interpret.trust.similarity import rank_correlation
from zoo.network import frame, localiser
from zoo.network.classifier import TrainedClassifier

SEEN, READ = (70, 70, 3), (100, 100)
COHORT = Cohort(seed=4, size=100, prevalence=0.5, difficulty=0.3, extent=1.0)


def build():
    keras.utils.set_random_seed(0)
    pixels = keras.Input(SEEN)
    x = layers.Conv2D(4, 3, strides=3, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))


@pytest.fixture(scope="module")
def framed() -> TrainedClassifier:
    return TrainedClassifier(frame.framed(build(), localiser.lungs()), ("a", "b"), 1)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.stack([COHORT.read(sample, READ) for sample in COHORT.samples(4)])


@pytest.fixture(scope="module")
def images(pixels) -> Images:
    names = tuple(map(str, range(len(pixels))))
    return Images(pixels, names, (None,) * len(names), names)


def test_what_is_seen_is_what_the_network_behind_the_frame_takes(framed, pixels):
    found = seen.seen_by(framed, pixels)
    assert (found.pixels.dtype, found.pixels.shape) == (np.uint8, (4, *SEEN))
    np.testing.assert_allclose(found.pixels, cut(pixels, found.boxes, SEEN[:2]), atol=0.51)
    assert found.classifier.inside is found.classifier
    np.testing.assert_allclose(
        found.classifier.logits(found.pixels), framed.logits(pixels), atol=0.02
    )


def test_without_a_frame_all_is_as_it_was(pixels):
    plain = TrainedClassifier(build(), ("a", "b"), 1)
    shown = np.ascontiguousarray(pixels[:, :70, :70])
    found = seen.seen_by(plain, shown)
    assert found.classifier is plain
    assert found.pixels is shown
    maps = np.random.default_rng(0).random((4, 70, 70))
    assert found.maps(maps) is maps


def test_a_map_outside_the_box_is_not_looked_at_and_one_inside_is(framed, pixels):
    found = seen.seen_by(framed, pixels)
    inside = framed.place(np.ones((4, *SEEN[:2]), np.float32), pixels)
    assert found.maps((inside == 0).astype(np.float32))[:, 5:-5, 5:-5].max() == 0
    np.testing.assert_allclose(found.maps(inside)[:, 5:-5, 5:-5], 1, atol=1e-3)


def test_the_area_by_chance_is_the_part_of_what_is_seen(framed, pixels):
    """Lungs that fill the box are all of it, though they are half of the picture."""
    found = seen.seen_by(framed, pixels)
    lungs = [framed.place(np.ones((1, *SEEN[:2])), p[None])[0] > 0 for p in pixels]
    assert max(mask.mean() for mask in lungs) < 0.85
    *places, nothing = found.masks([*lungs[:3], None])
    assert nothing is None
    for place in places:
        located = localise(np.ones(SEEN[:2]), place)
        assert located is not None
        assert located.area > 0.9
        assert located.inside == pytest.approx(located.area)


def test_controls_lie_in_the_box_and_are_tested_there(framed, images, monkeypatch):
    asked = {}

    def kept(classifier, pixels, targets, maps, *, steps):
        asked.update(classifier=classifier, pixels=pixels, maps=maps)
        return {}

    monkeypatch.setattr(panel.perturbation, "perturbation_test", kept)
    of_seen = seen.seen_by(framed, images.pixels)
    own = {"own": of_seen.maps(np.ones((4, *READ), np.float32))}
    panel._faithfulness(of_seen, [1] * 4, own, 4, float("inf"))
    assert asked["classifier"] is framed.inside
    assert asked["pixels"].shape == (4, *SEEN)
    assert len(asked["maps"]) == 5
    for drawn in asked["maps"].values():
        assert drawn.shape == (4, *SEEN[:2])
        outside = frame.placed(drawn[0], of_seen.boxes[0], READ) == 0
        assert outside.mean() > 0.15


def method(draw) -> Explainer:
    def explain(classifier, images, targets, reference, **options):
        return [
            Attribution("m", target, draw(one, box).astype(np.float32))
            for target, one, box in zip(targets, images.pixels, BOXES, strict=False)
        ]

    return Explainer(name="m", summary="", explain=explain)


BOXES: list[np.ndarray] = []
DRAWS = itertools.count()


def edges(pixels, box):
    gray = pixels.mean(axis=-1)
    return np.abs(np.diff(gray, axis=0, prepend=0)) + np.abs(np.diff(gray, axis=1, prepend=0))


def noise_inside(pixels, box):
    noise = np.random.default_rng(next(DRAWS)).random(SEEN[:2])
    return frame.placed(noise.astype(np.float32), box, pixels.shape[:2])


def noise_outside(pixels, box):
    """Edges where they are seen; what changes with the weights is where nothing is."""
    noise = 1000 * np.random.default_rng(next(DRAWS)).random(pixels.shape[:2])
    inside = frame.placed(np.ones(SEEN[:2], np.float32), box, pixels.shape[:2]) > 0
    return np.where(binary_dilation(inside, iterations=2), edges(pixels, box), noise)


@pytest.mark.parametrize(
    ("draw", "depends"), [(edges, False), (noise_inside, True), (noise_outside, False)]
)
def test_a_map_depends_on_the_weights_when_it_does_so_inside(draw, depends, framed, images):
    BOXES[:] = framed.boxes(images.pixels)
    found = randomisation.randomisation_test(method(draw), {}, framed, images, [1] * 4, None)
    assert found is not None
    assert found.depends is depends
    if depends:
        assert abs(found.rank[-1]) < 0.3


def test_compared_on_the_whole_picture_maps_would_agree_where_nothing_is(framed, images):
    BOXES[:] = framed.boxes(images.pixels)
    one, other = (
        np.stack([noise_inside(p, b) for p, b in zip(images.pixels, BOXES, strict=True)])
        for _ in range(2)
    )
    boxes = np.stack(BOXES)
    whole = rank_correlation(one, other)
    inside = rank_correlation(*(seen.within(maps, boxes, SEEN[:2]) for maps in (one, other)))
    assert whole.min() > 0.3
    assert np.abs(inside).max() < 0.2
