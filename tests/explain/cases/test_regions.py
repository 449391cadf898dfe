"""Matching regions on a hand-built network: one channel sees bright, the other sees dark places."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from explain import examples
from explain.cases import regions
from zoo import Images, Reference
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.network.classifier import TrainedClassifier

SIDE = 32


@pytest.fixture(scope="module", params=[1, 3], ids=["gray", "colour"])
def classifier(request):
    """Answer 'bright' by the mean of what lies above 128, 'dark' by the mean of what lies below."""
    channels = request.param
    pixels = keras.Input((SIDE, SIDE, channels))
    x = layers.AveragePooling2D(4)(pixels)
    seen = layers.Conv2D(2, 1, activation="relu")
    head = layers.Dense(2)
    model = keras.Model(pixels, head(layers.GlobalAveragePooling2D()(seen(x))))
    kernel = np.ones((1, 1, channels, 2), np.float32) / channels / 128
    kernel[..., 1] *= -1
    seen.set_weights([kernel, np.array([-1, 1], np.float32)])
    head.set_weights([np.eye(2, dtype=np.float32), np.zeros(2, np.float32)])
    return TrainedClassifier(model, ("bright", "dark"), positive=0)


def square(row, column, level=250, ground=128):
    picture = np.full((SIDE, SIDE, 3), ground, np.uint8)
    picture[row : row + 8, column : column + 8] = level
    return picture


def reference_of(classifier, pictures, thumbnails=True):
    channels = classifier.input_shape[-1]
    pixels = np.stack(pictures)[..., :channels]
    names = tuple(f"{i}" for i in range(len(pictures)))
    return Reference(
        embeddings=classifier.embeddings(pixels),
        labels=np.zeros(len(pictures), int),
        names=names,
        patients=names,
        digests=names,
        thumbnails=tuple(encode_jpeg(p, 95) for p in pictures) if thumbnails else (),
    )


def query(classifier, *pictures):
    names = tuple(f"q{i}" for i in range(len(pictures)))
    pixels = np.stack(pictures)[..., : classifier.input_shape[-1]]
    return Images(pixels, names, (None,) * len(pictures), names)


def test_a_bright_square_in_both_lights_on_both(classifier):
    cases = reference_of(classifier, [square(16, 4)])
    images = query(classifier, square(0, 24))
    (found,) = regions.matching(classifier, images.pixels, [0], cases, [[0]])
    own, other = found[0]
    assert own.shape == other.shape == (SIDE, SIDE)
    reach = 2  # pixels that a cell of the feature map is spread over its edges
    assert own[: 8 + reach, 24 - reach :].sum() == pytest.approx(own.sum(), rel=0.02)
    around = slice(16 - reach, 24 + reach), slice(4 - reach, 12 + reach)
    assert other[around].sum() == pytest.approx(other.sum(), rel=0.02)
    assert own.sum() > 0


def test_what_only_one_of_them_shows_is_dark_on_both(classifier):
    """Only the case has dark places; the image is bright everywhere."""
    cases = reference_of(classifier, [square(16, 4, ground=40)])
    images = query(classifier, square(0, 24, ground=130))
    (found,) = regions.matching(classifier, images.pixels, [1], cases, [[0]])
    assert max(values.max() for values in found[0]) < 1e-4


def test_what_is_common_is_the_smaller_of_both_and_adds_up():
    one, other = np.zeros((2, 2, 2)), np.zeros((3, 3, 2))
    one[0, 0], other[2, 2] = (4, -1), (1, 5)
    first, second = regions.common(one, other)
    assert first[0, 0] == second[2, 2] == 1
    assert first.sum() == second.sum() == 1


def test_without_pictures_or_a_feature_map_there_are_no_regions(classifier):
    images = query(classifier, square(0, 24))
    bare = reference_of(classifier, [square(16, 4)], thumbnails=False)
    assert regions.matching(classifier, images.pixels, [0], bare, [[0]]) == [{}]
    pixels = keras.Input((SIDE, SIDE, 3))
    flat = keras.Model(pixels, layers.Dense(2)(layers.Flatten()(pixels)))
    plain = TrainedClassifier(flat, ("bright", "dark"), positive=0)
    cases = reference_of(plain, [square(16, 4)])
    assert regions.matching(plain, np.stack([square(0, 0)]), [0], cases, [[0]]) == [{}]


def test_the_first_cases_of_a_batch_carry_regions_from_one_pass(classifier, monkeypatch):
    cases = reference_of(classifier, [square(16, 4), square(0, 0), square(24, 24, 200)])
    passes = []
    gradients = classifier.gradients

    def counted(pixels, targets, **options):
        passes.append(len(pixels))
        return gradients(pixels, targets, **options)

    monkeypatch.setattr(classifier, "gradients", counted)
    images = query(classifier, square(0, 24, 240, 100), square(8, 8, 230, 60))
    given = examples.explain(classifier, images, [0, 1], cases, regions=1)
    assert len(passes) == 2, "one for the images and one for all distinct cases"
    for found in given:
        similar = next(group for group in found.groups if group.name == "similar")
        assert similar.cases[0].regions is not None
        assert all(case.regions is None for case in similar.cases[1:])
    passes.clear()
    examples.explain(classifier, images, [0, 1], cases, regions=0)
    assert not passes
