"""Maps of a framed network lie where it looked: over the finding, and nowhere outside its box."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from plugins.readers.phantom.cohort import Cohort
from zoo import Images
from zoo.base.registry import load_registry
from zoo.network import frame, localiser
from zoo.network.classifier import TrainedClassifier

SEEN, READ = (112, 84, 3), (160, 120, 3)
SIDE = 12
COHORT = Cohort(seed=4, size=160, prevalence=0.0, difficulty=0.3, extent=1.0)
REGISTRY = load_registry()


def bright() -> keras.Model:
    """Answer by the mean of what lies above 225 in patches of four pixels."""
    pixels = keras.Input(SEEN)
    x = layers.AveragePooling2D(4)(pixels)
    seen, head = layers.Conv2D(2, 1, activation="relu"), layers.Dense(2)
    model = keras.Model(pixels, head(layers.GlobalAveragePooling2D()(seen(x))))
    kernel = np.ones((1, 1, 3, 2), np.float32) / 3
    kernel[..., 1] *= -1
    seen.set_weights([kernel, np.array([-225, 30], np.float32)])
    head.set_weights([np.eye(2, dtype=np.float32), np.zeros(2, np.float32)])
    return model


@pytest.fixture(scope="module")
def classifier() -> TrainedClassifier:
    return TrainedClassifier(frame.framed(bright(), localiser.lungs()), ("bright", "dark"), 0)


@pytest.fixture(scope="module")
def places(classifier) -> list[tuple[int, int]]:
    """Give row and column of the middle of each box, where a bright square is put."""
    boxes = classifier.boxes(plain())
    return [
        (int((top + bottom) / 2 * READ[0]), int((left + right) / 2 * READ[1]))
        for top, left, bottom, right in boxes
    ]


def plain() -> np.ndarray:
    return np.stack([COHORT.read(sample, READ[:2]) for sample in COHORT.samples(2)])


@pytest.fixture(scope="module")
def pixels(places) -> np.ndarray:
    """Radiographs with a white square between the lungs, and another in a corner."""
    pictures = plain()
    for picture, (row, column) in zip(pictures, places, strict=True):
        picture[row : row + SIDE, column : column + SIDE] = 255
        picture[:SIDE, :SIDE] = 255
    return pictures


BY_FEATURES = ("gradcam", "gradcam++", "scorecam", "hirescam", "layercam")
NEAR = 3
"""Pixels that the highest value of a map may lie beside the square."""
WIDER = {"occlusion": 8, "rise": 8, "lime": 12}
"""The same where what is hidden is larger than the square."""


@pytest.mark.parametrize("method", [*BY_FEATURES, "integrated-gradients", "xrai", *WIDER])
def test_a_map_is_over_what_the_network_saw_and_zero_outside_its_box(
    method, classifier, pixels, places
):
    explainer, near = REGISTRY.explainer(method), WIDER.get(method, NEAR)
    cheap = {"steps": 4, "evaluations": 150}
    options = {name: value for name, value in cheap.items() if name in explainer.options}
    images = Images(pixels, ("a", "b"), (None, None), ("a", "b"))
    boxes = classifier.boxes(pixels)
    assert frame.found(boxes).all()
    given = explainer.explain(classifier, images, [0, 0], **options)
    for explanation, box, (row, column) in zip(given, boxes, places, strict=True):
        values = explanation.values
        assert values.shape == READ[:2]
        down, across = ((np.arange(side) + 0.5) / side for side in READ[:2])
        top, left, bottom, right = box
        inside = ((down >= top) & (down <= bottom))[:, None] & (
            (across >= left) & (across <= right)
        )
        assert not inside[:SIDE, :SIDE].any(), "the other square is not seen"
        assert (values[~inside] == 0).all()
        assert values.max() > 0
        brightest = np.unravel_index(values.argmax(), values.shape)
        assert row - near <= brightest[0] <= row + SIDE + near
        assert column - near <= brightest[1] <= column + SIDE + near


@pytest.mark.parametrize("method", BY_FEATURES)
def test_a_map_follows_when_the_weights_change(method, classifier, pixels):
    """What is prepared for a network is used again when its weights are shuffled."""
    images, kept = Images(pixels[:1], ("a",), (None,), ("a",)), classifier.model.get_weights()

    def drawn() -> np.ndarray:
        return REGISTRY.explainer(method).explain(classifier, images, [0])[0].values

    before = drawn()
    try:
        classifier.feature_layer.bias.assign([-300, 300])  # nothing is as bright as that
        assert before.max() > 0 == drawn().max()
    finally:
        classifier.model.set_weights(kept)
    np.testing.assert_allclose(drawn(), before, atol=1e-4)


@pytest.mark.parametrize("method", ["saliency", "smoothgrad"])
def test_gradients_are_zero_where_nothing_is_seen(method, classifier, pixels):
    images = Images(pixels[:1], ("a",), (None,), ("a",))
    (given,) = REGISTRY.explainer(method).explain(classifier, images, [0])
    assert (given.values[:SIDE, :SIDE] == 0).all()
    assert np.abs(given.values).max() > 0


def test_gradients_along_a_path_add_up_in_the_whole_picture(classifier, pixels):
    images = Images(pixels, ("a", "b"), (None, None), ("a", "b"))
    for found in REGISTRY.explainer("integrated-gradients").explain(classifier, images, [0, 0]):
        told = found.details
        wanted = told["logit"] - told["logit of the baseline"]
        assert wanted > 0.1
        assert told["completeness error"] < 0.02 * wanted
        assert found.values.sum() == pytest.approx(wanted, rel=0.03)


def test_shap_hides_parts_of_what_is_seen_and_adds_up_in_the_whole_picture(classifier, pixels):
    images = Images(pixels, ("a", "b"), (None, None), ("a", "b"))
    maps = REGISTRY.explainer("shap").explain(classifier, images, [0, 0], None, evaluations=300)
    for row, found in enumerate(maps):
        picture = pixels[row : row + 1]
        logits = classifier.logits(picture)[0]
        assert found.details["log-odds"] == pytest.approx(logits[0] - logits[1], abs=1e-3)
        total = found.values.sum(dtype=float) + found.details["log-odds of the blurred copy"]
        assert total == pytest.approx(found.details["log-odds"], abs=1e-3)
        top, left, bottom, right = classifier.boxes(picture)[0]
        rows, columns = np.nonzero(found.values)
        assert top * READ[0] - 1 <= rows.min() <= rows.max() <= bottom * READ[0]
        assert left * READ[1] - 1 <= columns.min() <= columns.max() <= right * READ[1]
