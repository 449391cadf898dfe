"""One pass through a network serves answering and explaining, and gives what is known by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from zoo.data.pipeline import PREDICTION_BATCH
from zoo.network import frame, localiser
from zoo.network.classifier import GRADIENT_BATCH, TrainedClassifier
from zoo.stats.probabilities import decide, softmax

SHAPE = (8, 8, 3)


def network(classes=2, dtype="float32", seed=0):
    keras.utils.set_random_seed(seed)
    pixels = keras.Input(SHAPE)
    x = layers.Rescaling(1 / 255, dtype=dtype)(pixels)
    x = layers.Conv2D(4, 4, strides=4, activation="relu", dtype=dtype, name="features")(x)
    x = layers.Dropout(0.5, dtype=dtype)(layers.GlobalAveragePooling2D(dtype=dtype)(x))
    return keras.Model(pixels, layers.Dense(classes, dtype="float32", name="logits")(x))


def classifier(classes=2, temperature=1.0, **named):
    names = ("a", "b", "c")[:classes]
    return TrainedClassifier(network(classes, **named), names, 1, temperature)


def noise(count, writeable=True):
    pixels = np.random.default_rng(5).integers(0, 256, (count, *SHAPE), np.uint8)
    pixels.flags.writeable = writeable
    return pixels


def without_passes(subject):
    """Let every pass through the network fail from here on."""

    def fail(*_):
        raise AssertionError("the network was run again")

    for name in ("_forward", "_by_features", "_by_pixels"):
        subject.__dict__[name] = fail


def test_gradients_of_a_pooled_network_are_its_weights():
    subject, pixels = classifier(), noise(3)
    kernel = subject.model.get_layer("logits").kernel.numpy()
    found = subject.gradients(pixels, [0, 1, 1])
    features = keras.Model(subject.model.input, subject.feature_layer.output)(pixels)
    np.testing.assert_allclose(found.features, features, rtol=1e-5)
    np.testing.assert_allclose(found.logits, subject.logits(pixels), rtol=1e-5)
    for row, target in zip(found.by_features, [0, 1, 1], strict=True):
        np.testing.assert_allclose(row, np.broadcast_to(kernel[:, target] / 4, (2, 2, 4)))
    assert found.by_pixels is None


def test_the_gradient_by_pixels_tells_what_a_change_of_a_pixel_does():
    subject, pixels = classifier(), noise(2).astype(np.float32)
    found = subject.gradients(pixels, [1, 1], by_pixels=True)
    changed = pixels.copy()
    changed[:, 2, 5, 1] += 0.5
    difference = (subject.logits(changed) - subject.logits(pixels))[:, 1]
    np.testing.assert_allclose(found.by_pixels[:, 2, 5, 1] * 0.5, difference, rtol=1e-2, atol=1e-6)


def test_the_gradient_by_features_ends_at_the_feature_map():
    @keras.saving.register_keras_serializable("test_classifier")
    class OneWay(layers.Layer):
        """Raises when a gradient through it is built."""

        def call(self, x):
            @tf.custom_gradient
            def forward(x):
                def backward(_):
                    raise RuntimeError("it was differentiated")

                return tf.identity(x), backward

            return forward(x)

        def compute_output_shape(self, shape):
            return shape

    pixels = keras.Input(SHAPE)
    x = layers.Conv2D(4, 3)(OneWay()(pixels))
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    subject = TrainedClassifier(model, ("a", "b"), 1)
    assert subject.gradients(noise(1), [0]).by_features.shape == (1, 6, 6, 4)
    with pytest.raises(RuntimeError, match="was differentiated"):
        subject.gradients(noise(1), [0], by_pixels=True)


def test_a_network_without_a_feature_map_has_gradients_by_pixels_alone():
    pixels = keras.Input(SHAPE)
    dense = layers.Dense(2)
    subject = TrainedClassifier(keras.Model(pixels, dense(layers.Flatten()(pixels))), ("a", "b"), 1)
    assert subject.feature_layer is None
    assert subject.gradients(noise(1), [0]).by_features is None
    found = subject.gradients(noise(1), [1], by_pixels=True)
    assert found.features is None
    np.testing.assert_allclose(found.by_pixels[0].ravel(), dense.kernel.numpy()[:, 1])


def test_images_beyond_a_part_are_as_they_are_alone():
    subject, pixels = classifier(), noise(PREDICTION_BATCH + 5)
    targets = [i % 2 for i in range(len(pixels))]
    together = subject.gradients(pixels, targets, by_pixels=True)
    for i in (0, 20, PREDICTION_BATCH + 4):
        alone = subject.gradients(pixels[i : i + 1], targets[i : i + 1], by_pixels=True)
        np.testing.assert_allclose(together.by_pixels[i], alone.by_pixels[0], rtol=1e-4, atol=1e-8)
        np.testing.assert_allclose(together.features[i], alone.features[0], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("threshold", [None, 0.0, 0.2, 0.45, 0.7, 1.0])
def test_one_pass_serves_the_answer_and_the_class_decided_for(threshold):
    subject, fresh = classifier(temperature=1.7), classifier(temperature=1.7)
    subject.model.get_layer("logits").bias.assign([0.3, 0.0])
    fresh.model.set_weights(subject.model.get_weights())
    pixels = noise(16, writeable=False)
    subject.prime(pixels, threshold, by_pixels=True)
    without_passes(subject)
    probabilities = subject.probabilities(pixels)
    np.testing.assert_allclose(probabilities, softmax(fresh.logits(pixels) / 1.7), rtol=1e-5)
    np.testing.assert_allclose(subject.embeddings(pixels), fresh.embeddings(pixels), rtol=1e-5)
    targets = decide(probabilities, 1, threshold)
    expected = fresh.gradients(pixels.copy(), targets, by_pixels=True)
    found = subject.gradients(pixels, targets, by_pixels=True)
    np.testing.assert_allclose(found.by_pixels, expected.by_pixels, rtol=1e-4, atol=1e-9)
    assert subject.gradients(pixels, targets).by_pixels is None
    with pytest.raises(AssertionError, match="again"):
        subject.gradients(pixels, 1 - targets)


def test_few_images_take_the_graph_that_is_there():
    subject, fresh = classifier(), classifier()
    fresh.model.set_weights(subject.model.get_weights())
    subject.gradients(noise(1), [0], by_pixels=True)
    found, expected = subject.gradients(noise(2), [0, 1]), fresh.gradients(noise(2), [0, 1])
    assert "_by_features" not in vars(subject)
    assert found.by_pixels is None
    np.testing.assert_allclose(found.by_features, expected.by_features, rtol=1e-4, atol=1e-8)
    subject.gradients(noise(GRADIENT_BATCH + 1), [0] * (GRADIENT_BATCH + 1))
    assert "_by_features" in vars(subject)


def test_a_framed_network_is_differentiated_by_the_picture_and_tells_its_boxes():
    pixels = keras.Input((32, 32, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(pixels))
    model = frame.framed(keras.Model(pixels, layers.Dense(2)(x)), localiser.lungs())
    subject = TrainedClassifier(model, ("a", "b"), 1)
    shown = np.random.default_rng(1).integers(0, 256, (3, *model.input_shape[1:]), np.uint8)
    shown.flags.writeable = False
    found = subject.gradients(shown, [0, 1, 1], by_pixels=True)
    given = tf.constant(shown, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(given)
        logits = model(given, training=False)
        score = tf.gather(logits, [0, 1, 1], batch_dims=1)
    expected = tape.gradient(score, given).numpy()
    np.testing.assert_allclose(found.logits, logits, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        found.by_pixels, expected, rtol=1e-3, atol=1e-4 * abs(expected).max()
    )
    without_passes(subject)
    fresh = TrainedClassifier(model, ("a", "b"), 1)
    np.testing.assert_allclose(subject.boxes(shown), fresh.boxes(shown), atol=1e-5)


def test_of_three_classes_the_most_probable_is_explained():
    subject, pixels = classifier(classes=3), noise(8, writeable=False)
    subject.prime(pixels)
    without_passes(subject)
    subject.gradients(pixels, subject.logits(pixels).argmax(axis=1))
    with pytest.raises(AssertionError, match="again"):
        subject.gradients(pixels, subject.logits(pixels).argmax(axis=1), by_pixels=True)


def test_gradients_serve_the_answer_to_the_same_pixels():
    subject, pixels = classifier(), noise(2, writeable=False)
    subject.gradients(pixels, [0, 1])
    without_passes(subject)
    assert subject.logits(pixels).shape == (2, 2)


def test_only_the_very_pixels_are_known_again():
    subject, pixels = classifier(), noise(2)
    subject.prime(pixels)
    before = subject.logits(pixels).copy()
    pixels[:] = 255 - pixels  # could be written to, so it is looked at again
    assert not np.allclose(subject.logits(pixels), before)
    pixels.flags.writeable = False
    subject.outputs(pixels)
    other = (255 - pixels).astype(np.uint8)
    np.testing.assert_allclose(subject.logits(other), before, rtol=1e-5)


def test_what_is_remembered_cannot_be_changed_and_does_not_grow():
    subject, pixels = classifier(), noise(2, writeable=False)
    with pytest.raises(ValueError, match="read-only"):
        subject.logits(pixels)[:] = 0
    many = noise(PREDICTION_BATCH + 1, writeable=False)
    subject.gradients(many, [0] * len(many))
    assert subject._last.pixels is pixels


def test_a_network_in_16_bits_answers_as_it_is_and_is_differentiated_in_32():
    subject, pixels = classifier(dtype="mixed_bfloat16"), noise(4, writeable=False)
    subject.prime(pixels, 0.5, by_pixels=True)
    whole = keras.Model(subject.model.input, subject.model.output)
    np.testing.assert_array_equal(subject.logits(pixels), whole(pixels.astype(np.float32)))
    exact = classifier()
    exact.model.set_weights(subject.model.get_weights())
    found = subject.gradients(pixels, [0, 1, 0, 1], by_pixels=True)
    expected = exact.gradients(pixels, [0, 1, 0, 1], by_pixels=True)
    np.testing.assert_allclose(found.by_pixels, expected.by_pixels, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(found.by_features, expected.by_features, rtol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
def test_the_linear_head_makes_logits_of_embeddings(bias):
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, activation="relu")(pixels))
    model = keras.Model(pixels, layers.Dense(3, use_bias=bias)(x))
    subject = TrainedClassifier(model, ("a", "b", "c"), 1)
    weights, offset = subject.linear_head()
    logits, embeddings = subject.outputs(noise(5))
    np.testing.assert_allclose(embeddings @ weights + offset, logits, rtol=1e-4, atol=1e-4)


def test_a_network_that_bends_its_logits_has_no_linear_head():
    pixels = keras.Input(SHAPE)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1)(pixels))
    assert TrainedClassifier(keras.Model(pixels, x), ("a", "b"), 1).linear_head() is None
