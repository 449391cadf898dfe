"""A framed network sees its part of the picture, and is otherwise a network like any other."""

from __future__ import annotations

import subprocess
import sys

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from plugins.readers.phantom.cohort import Cohort
from zoo import InvalidSetting
from zoo.data.resampling import cut
from zoo.network import export_formats, feature_map, frame, graph, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.network.copying import export_copy
from zoo.workflows.export import with_probabilities

SHAPE = (112, 84, 3)
READ = (160, 120, 3)


def flat():
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(6, 3, strides=2, activation="relu", name="own")(pixels / 255)
    x = layers.Dropout(0.5)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, layers.Dense(2)(x), name="flat")


def nested():
    inside = keras.Sequential([keras.Input(SHAPE), layers.Conv2D(5, 3), layers.ReLU()])
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(inside(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, layers.Dense(2)(x), name="nested")


def boxes_of(model, pixels):
    return np.asarray(frame.finding(model)(pixels.astype(np.float32)))


def joined():
    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3, strides=2, padding="same", trainable=False)(pixels)
    x = layers.Add()([x, layers.DepthwiseConv2D(3, padding="same", trainable=False)(x)])
    x = layers.GlobalAveragePooling2D(name="pooled")(x)
    return keras.Model(pixels, layers.Dense(2)(x), name="joined")


def without_convolution():
    pixels = keras.Input(SHAPE)
    x = layers.Flatten()(layers.AveragePooling2D(4)(pixels))
    return keras.Model(pixels, layers.Dense(2)(x / 255), name="without")


BUILDERS = (flat, nested, joined, without_convolution)


@pytest.fixture(scope="module")
def lungs():
    return localiser.lungs()


@pytest.fixture(scope="module")
def model(lungs):
    return frame.framed(flat(), lungs)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    cohort = Cohort(seed=4, size=160, prevalence=0.5, difficulty=0.3, extent=1.0)
    return np.stack([cohort.read(s, READ[:2]) for s in cohort.samples(5)]).astype(np.float32)


def test_a_picture_is_read_larger_than_what_is_cut_from_it():
    assert frame.reading_shape((224, 224, 3)) == (320, 320, 3)
    assert frame.reading_shape(SHAPE) == READ


@pytest.mark.parametrize("build", BUILDERS)
def test_any_network_sees_its_part_and_says_what_it_would_say_of_that_alone(build, lungs, pixels):
    inner = build()
    model = frame.framed(inner, lungs)
    graph.check_flat(model, READ, 2, "framed")
    assert frame.is_framed(model)
    assert not frame.is_framed(inner)
    boxes = boxes_of(model, pixels)
    assert ((boxes[:, 2] - boxes[:, 0]) < 0.95).all()
    seen = cut(pixels, boxes, SHAPE[:2])
    np.testing.assert_allclose(model(pixels), inner(seen), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(frame.unframed(model)(seen), inner(seen), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(
        frame.with_boxes(model)([pixels, boxes]), model(pixels), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("build", BUILDERS)
def test_what_is_trained_is_the_network_alone(build, lungs):
    inner = build()
    model = frame.framed(inner, lungs)
    assert len(model.trainable_weights) == len(inner.trainable_weights)
    own = [layer.name for layer in graph.own_layers(model)]
    assert frame.CUT not in own
    assert [n for n in own if n == "dense" or n.startswith("dense_")] != []


@pytest.mark.parametrize("build", BUILDERS)
def test_parts_of_the_network_are_found_as_without_a_frame(build, lungs):
    inner = graph.unnested(build(), SHAPE)
    model = frame.framed(inner, lungs)
    for find in (feature_map.feature_layer, graph.linear_head):
        one, other = find(inner), find(model)
        assert getattr(one, "name", None) == getattr(other, "name", None)
    assert graph.embedding(model).shape == graph.embedding(inner).shape
    boundaries = [graph.frozen_boundary(inner), graph.frozen_boundary(model)]
    if build is joined:
        assert [b._keras_history.operation.name for b in boundaries] == ["pooled", "pooled"]
    else:
        assert boundaries == [None, None]


def test_a_second_frame_is_refused(model, lungs):
    with pytest.raises(InvalidSetting, match=r"has the layer 'frame\."):
        frame.framed(model, lungs)


def test_a_network_without_a_frame_sees_the_whole_picture():
    found = TrainedClassifier(flat(), ("a", "b"), 1).boxes(np.zeros((3, *SHAPE), np.uint8))
    np.testing.assert_array_equal(found, [[0, 0, 1, 1]] * 3)


def test_a_box_can_be_held_while_the_picture_changes(model, pixels):
    held = boxes_of(model, pixels)
    darkened = pixels.copy()
    darkened[:, 60:] = 0
    assert np.abs(boxes_of(model, darkened) - held).max() > 0.05
    seen = cut(darkened, held, SHAPE[:2])
    np.testing.assert_allclose(
        frame.with_boxes(model)([darkened, held]), frame.unframed(model)(seen), atol=1e-4
    )


@pytest.fixture(scope="module")
def classifier(model) -> TrainedClassifier:
    return TrainedClassifier(model, ("a", "b"), 1)


def test_a_classifier_tells_what_it_sees_and_answers_about_that(model, classifier, pixels):
    many = np.concatenate([pixels] * 8)  # more than a batch
    boxes = classifier.boxes(many)
    np.testing.assert_allclose(boxes, boxes_of(model, many), atol=1e-5)
    seen = classifier.seen(pixels)
    assert seen.dtype == np.float32
    np.testing.assert_allclose(seen, cut(pixels, boxes[:5], SHAPE[:2]), atol=1e-2)
    logits = classifier.logits(many)
    np.testing.assert_allclose(classifier.inner(seen), logits[:5], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(classifier.logits(many, boxes), logits, rtol=1e-4, atol=1e-4)


def test_a_classifier_holds_the_box_that_it_is_given(classifier, pixels):
    held, darkened = classifier.boxes(pixels), pixels.copy()
    darkened[:, 60:] = 0
    wanted = classifier.inner(cut(darkened, held, SHAPE[:2]))
    found = classifier.logits(darkened, held)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
    assert np.abs(found - classifier.logits(darkened)).max() > 1e-3


def test_maps_of_what_is_seen_are_put_where_it_was(classifier, pixels):
    maps = np.random.default_rng(0).uniform(1, 2, (len(pixels), 7, 5)).astype(np.float32)
    back = classifier.place(maps, pixels)
    for one, found, box in zip(maps, back, classifier.boxes(pixels), strict=True):
        np.testing.assert_array_equal(found, frame.placed(one, box, READ[:2]))
    share = (back > 0).mean(axis=(1, 2))
    assert ((share > 0.2) & (share < 0.95)).all()


def test_a_classifier_without_a_frame_sees_all_whatever_box_it_is_given():
    subject = TrainedClassifier(flat(), ("a", "b"), 1)
    whole = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), np.uint8)
    assert subject.inner is subject.model
    assert (subject.boxes(whole) == frame.WHOLE).all()
    np.testing.assert_array_equal(subject.seen(whole), whole.astype(np.float32))
    half = np.tile(np.float32([0, 0, 0.5, 0.5]), (3, 1))
    np.testing.assert_array_equal(subject.logits(whole, half), subject.logits(whole))
    assert (subject.place(np.ones((3, 7, 5), np.float32), whole) > 0.99).all()


def test_a_finder_gives_masks_of_what_is_found_and_none_of_what_is_not(lungs, pixels):
    noise = np.random.default_rng(0).uniform(0, 255, (1, *READ)).astype(np.float32)
    *found, nothing = frame.Finder(lungs, READ)(np.concatenate([pixels, noise]))
    assert nothing is None
    cohort = Cohort(seed=4, size=160, prevalence=0.5, difficulty=0.3, extent=1.0)
    for sample, mask in zip(cohort.samples(5), found, strict=True):
        truth = cohort.lungs(sample, READ[:2])
        assert mask.shape == READ[:2]
        assert mask.dtype == np.bool_
        assert 2 * (mask & truth).sum() / (mask.sum() + truth.sum()) > 0.8


def test_a_box_as_plain_numbers_is_none_where_all_is_seen():
    assert frame.box_of(frame.WHOLE) is None
    box = frame.box_of(np.float32([0.125, 0.25, 0.5, 0.75]))
    assert box == (0.125, 0.25, 0.5, 0.75)
    assert all(type(edge) is float for edge in box)
    given = np.float32([[0, 0, 1, 1], [0, 0, 1, 0.99], [0.01, 0, 1, 1]])
    assert frame.found(given).tolist() == [False, True, True]


def test_what_is_outside_the_box_has_no_gradient_and_what_is_inside_has(model, classifier, pixels):
    by_pixels = classifier.gradients(pixels, [1] * len(pixels), by_pixels=True).by_pixels
    reach = 2  # pixels that the filter reaches over an edge
    for gradient, box in zip(by_pixels, boxes_of(model, pixels), strict=True):
        top, left, bottom, right = box * [READ[0], READ[1], READ[0], READ[1]]
        inside = np.zeros(READ[:2], bool)
        inside[
            max(int(top) - reach, 0) : int(bottom) + 1 + reach,
            max(int(left) - reach, 0) : int(right) + 1 + reach,
        ] = True
        assert not inside.all()
        assert (gradient[~inside] == 0).all()
        assert np.abs(gradient[inside]).max() > 0


@pytest.mark.slow
def test_a_framed_network_is_opened_in_another_process(model, pixels, tmp_path):
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "pixels.npy", pixels)
    script = """
import sys, keras, numpy as np
import zoo.network.boxes
model = keras.models.load_model(sys.argv[1] + "/model.keras", safe_mode=True)
np.save(sys.argv[1] + "/logits.npy", model(np.load(sys.argv[1] + "/pixels.npy")))
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)  # noqa: S603
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), model(pixels), atol=1e-5)


@pytest.mark.parametrize("kind", export_formats.FORMATS)
@pytest.mark.slow
def test_an_exported_frame_sees_the_same(kind, model, pixels, tmp_path):
    form = export_formats.FORMATS[kind]
    try:
        form.check_packages()
    except InvalidSetting as error:
        pytest.skip(str(error))
    form.write(with_probabilities(export_copy(model), 1.0), tmp_path / form.file)
    answers = form.open(tmp_path / form.file)
    for part in (pixels[:1], pixels[1:]):
        np.testing.assert_allclose(answers(part)["logits"], model(part), rtol=1e-4, atol=1e-4)


def test_a_map_is_put_back_where_it_was_cut():
    values = np.arange(12, dtype=np.float32).reshape(3, 4) + 1
    back = frame.placed(values, np.array([0.2, 0.1, 0.5, 0.9]), (10, 10))
    assert back.shape == (10, 10)
    assert (back[:2] == 0).all()
    assert (back[5:] == 0).all()
    assert (back[:, 0] == 0).all()
    assert (back[:, 9] == 0).all()
    np.testing.assert_allclose(back[2:5, 1], values[:, 0])
    np.testing.assert_allclose(back[2:5, 8], values[:, 3])
    np.testing.assert_allclose(back[3, 2:4], [5.25, 5.75])


edges = st.tuples(st.floats(0, 1, width=32), st.floats(0, 1, width=32)).filter(
    lambda pair: abs(pair[0] - pair[1]) > 0.3
)
sides = st.integers(20, 60)


@settings(deadline=None, max_examples=40)
@given(edges, edges, st.tuples(sides, sides), st.tuples(sides, sides))
def test_cutting_what_was_put_back_gives_the_map(rows, columns, map_size, size):
    (top, bottom), (left, right) = sorted(rows), sorted(columns)
    box = np.array([top, left, bottom, right], np.float32)
    down, across = np.linspace(1, 2, map_size[0])[:, None], np.linspace(1, 2, map_size[1])
    values = (down * across).astype(np.float32)  # smooth, so that no detail can be lost
    back = frame.placed(values, box, size)
    assert back.min() >= 0
    assert back.max() <= values.max() + 1e-4
    again = np.asarray(cut(back[None, ..., None], box[None], map_size))[0, ..., 0]
    rim = [-(-side // (s * 0.3)) for side, s in zip(map_size, size, strict=True)]
    inner = tuple(slice(int(r) + 2, -int(r) - 2) for r in rim)
    assert np.abs(again - values)[inner].max(initial=0) < 0.15


def test_a_whole_box_leaves_a_map_of_the_same_size_as_it_is():
    values = np.random.default_rng(0).normal(size=(7, 9)).astype(np.float32)
    np.testing.assert_allclose(frame.placed(values, np.array([0, 0, 1, 1]), (7, 9)), values)
