"""Methods that use the weights, and methods that only seem to."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers

from zoo import Attribution, Examples, Explainer, Images, Option, Reference
from zoo.base.registry import load_registry
from zoo.interpret.methods import BrokenMethod
from zoo.interpret.trust import kept, randomisation
from zoo.interpret.trust.copies import Copies, weighted_layers
from zoo.network import frame, graph, localiser
from zoo.network.classifier import TrainedClassifier
from zoo.runs import model_file, run_folder

SIDE = 32
PIXELS = np.random.default_rng(0).integers(0, 256, (4, SIDE, SIDE, 3), np.uint8)


def images_of(pixels) -> Images:
    names = tuple(f"image {i}" for i in range(len(pixels)))
    return Images(pixels, names, (None,) * len(names), names)


def edges(classifier, images, targets, reference=None, **options):
    """Mark the edges of the image, whatever the network is."""
    gray = images.pixels.mean(axis=-1)
    steps = np.abs(np.diff(gray, axis=1, prepend=0)) + np.abs(np.diff(gray, axis=2, prepend=0))
    return [
        Attribution("edges", target, values.astype(np.float32))
        for target, values in zip(targets, steps, strict=True)
    ]


def measured(explainer, options, *asked):
    """Measure one method."""
    name = explainer.name
    return randomisation.randomisation_test([explainer], {name: options}, *asked)[name]


def measured_of(run, explainer, options, *asked):
    """Measure one method of a run."""
    return kept.of_run(run, [explainer], {explainer.name: options}, *asked)[explainer.name]


EDGES = Explainer(name="edges", summary="Edges.", explain=edges)


def linear() -> TrainedClassifier:
    """The first class is the brightness of the upper left quadrant."""
    pixels = keras.Input((SIDE, SIDE, 3))
    logits = layers.Dense(2, name="head")(layers.Flatten()(layers.Rescaling(1 / 255)(pixels)))
    model = keras.Model(pixels, logits)
    weights = np.zeros((SIDE, SIDE, 3, 2), np.float32)
    weights[: SIDE // 2, : SIDE // 2, :, 0] = 0.02
    model.get_layer("head").set_weights([weights.reshape(-1, 2), np.zeros(2)])
    return TrainedClassifier(model, ("bright", "dark"), 0)


def normalised(depth: int = 6) -> keras.Model:
    """Depthwise convolutions and batch normalisation, which default weights make vanish."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(32, 3, padding="same", use_bias=False)(layers.Rescaling(1 / 255)(pixels))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(depth):
        x = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    model = keras.Model(pixels, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
    model.trainable = False
    return model


@pytest.mark.parametrize("method", ["saliency", "shap"])
def test_a_map_of_the_weights_depends_on_them(method):
    explainer = load_registry().explainer(method)
    options = {name: option.default for name, option in explainer.options.items()}
    found = measured(explainer, options, linear(), images_of(PIXELS), [0] * 4, None)
    assert found.depends
    assert abs(found.rank[-1]) < 0.3
    assert found.stages == ("all layers",)
    assert found.images >= 2


@pytest.mark.slow
def test_methods_measured_together_are_as_each_is_alone():
    registry = load_registry()
    together = [registry.explainer(name) for name in ("gradcam", "saliency", "scorecam")]
    options = {
        one.name: {name: option.default for name, option in one.options.items()} for one in together
    }
    classifier, asked = (
        TrainedClassifier(normalised(1), ("a", "b"), 0),
        (images_of(PIXELS), [1] * 4),
    )
    found = randomisation.randomisation_test(together, options, classifier, *asked, None)
    for explainer in together:
        alone = measured(explainer, options[explainer.name], classifier, *asked, None)
        both = found[explainer.name]
        assert both.stages == alone.stages
        np.testing.assert_allclose(both.rank, alone.rank, atol=0.02)
        np.testing.assert_allclose(both.ssim, alone.ssim, atol=0.02)
    assert found["gradcam"].rank != found["saliency"].rank


def test_an_edge_detector_does_not():
    found = measured(EDGES, {}, linear(), images_of(PIXELS), [0] * 4, None)
    assert not found.depends
    assert found.rank[-1] == pytest.approx(1)
    assert found.ssim[-1] == pytest.approx(1)
    assert found.null_rank == pytest.approx((1, 1, 1))


def test_a_map_that_is_only_turned_round_does_not_either():
    trained = linear()
    weights = trained.model.get_weights()[0]

    def turned(classifier, images, targets, reference=None):
        own = classifier.model.get_weights()[0]
        sign = (
            1 if np.array_equal(own, weights) else np.sign(own[: len(own) // 2].mean(0) @ [1, -1])
        )
        return [
            Attribution("turned", one.target, sign * one.values, signed=True)
            for one in edges(classifier, images, targets)
        ]

    method = Explainer(name="turned", summary="", explain=turned)
    found = measured(method, {}, trained, images_of(PIXELS), [0] * 4, None)
    assert not found.depends
    assert found.rank[-1] == pytest.approx(1)
    assert found.null_rank == pytest.approx((1, 1, 1))


def test_stages_go_from_the_output_to_the_input():
    model = normalised(2)
    copies = Copies(TrainedClassifier(model, ("a", "b"), 0), PIXELS)
    own = [layer.name for layer in weighted_layers(model)]
    changed = [
        [
            layer.name
            for layer in weighted_layers(copies.at(stage).model)
            if any(
                not np.array_equal(a, b)
                for a, b in zip(
                    layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True
                )
            )
        ]
        for stage in copies.cascade
    ]
    assert changed[0] == own[:1]
    for shallow, deep in itertools.pairwise(changed):
        assert set(shallow) < set(deep)
    assert [stage.name for stage in copies.cascade] == [names[-1] for names in changed]


def test_random_networks_differ_from_each_other_and_are_the_same_next_time():
    classifier = TrainedClassifier(normalised(1), ("a", "b"), 0)
    copies = Copies(classifier, PIXELS)
    first, again, anew = (
        [made.at(stage).logits(PIXELS) for stage in made.random]
        for made in (copies, copies, Copies(classifier, PIXELS))
    )
    np.testing.assert_array_equal(first, again)
    np.testing.assert_allclose(first, anew, rtol=1e-4)
    assert not np.allclose(first[0], first[1])
    assert not np.allclose(first[1], first[2])


def test_activations_stay_sane_where_default_weights_would_not():
    model = normalised()
    fresh = keras.models.clone_model(model)

    def spread(network):
        features = keras.Model(network.input, network.layers[-2].output)
        return np.asarray(features(PIXELS.astype(np.float32))).std(axis=0).mean()

    copies = Copies(TrainedClassifier(model, ("a", "b"), 0), PIXELS)
    assert spread(fresh) < 1e-3
    assert 0.01 < spread(copies.at(copies.random[0]).model) < 10


def test_the_trained_network_is_left_as_it_is():
    model = normalised(1)
    before = model.get_weights()
    copies = Copies(TrainedClassifier(model, ("a", "b"), 0), PIXELS)
    copies.at(copies.random[0])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert not any(layer.trainable for layer in weighted_layers(model))


def test_what_chooses_the_part_that_is_seen_is_not_shuffled():
    inner = keras.Input((SIDE, SIDE, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, name="own")(inner))
    model = frame.framed(keras.Model(inner, layers.Dense(2)(x)), localiser.lungs())
    copies = Copies(TrainedClassifier(model, ("a", "b"), 1), np.zeros((1, *model.input_shape[1:])))
    shuffled = copies.at(copies.random[0]).model
    for layer in model.layers:
        if layer.name.startswith(graph.FRAME):
            weights = zip(
                layer.get_weights(), shuffled.get_layer(layer.name).get_weights(), strict=True
            )
            assert all(np.array_equal(one, other) for one, other in weights)
    assert not np.array_equal(model.get_layer("own").kernel, shuffled.get_layer("own").kernel)


@pytest.mark.parametrize("method", ["gradcam", "saliency", "shap"])
def test_methods_on_a_trained_run_depend_and_are_measured_once(method, trained, run_copy):
    run = run_folder.open_run(run_copy)
    classifier, reference = model_file.load_classifier(run), run_folder.load_reference(run)
    explainer = load_registry().explainer(method)
    options = {name: option.default for name, option in explainer.options.items()}
    asked = (run, explainer, options, classifier, images_of(PIXELS), [0] * 4, reference)
    found = measured_of(*asked)
    assert found.depends
    assert len(found.stages) == len(found.rank) == len(found.ssim) > 2
    kept = run_copy / "trust" / f"{method}.json"
    assert json.loads(kept.read_text())["method"] == method

    def fails(*args, **settings):
        raise AssertionError("measured twice")

    idle = replace(explainer, explain=fails)
    assert measured_of(run, idle, *asked[2:]) == found
    newer = replace(idle, origin="xray-zoo:newer 9.9")
    with pytest.raises(BrokenMethod, match="measured twice"):
        measured_of(run, newer, *asked[2:])
    whole = json.loads(kept.read_text())
    for damaged in ("{", json.dumps({**whole, "result": {**whole["result"], "depends": False}})):
        kept.write_text(damaged)
        with pytest.raises(BrokenMethod, match="measured twice"):
            measured_of(run, idle, *asked[2:])


def test_other_options_are_measured_anew(trained, run_copy):
    run = run_folder.open_run(run_copy)
    classifier, calls = model_file.load_classifier(run), []

    def counted(*args, **options):
        calls.append(options)
        return edges(*args)

    explainer = Explainer(name="a/b", summary="", explain=counted, options={"k": Option(1, "")})
    reference = run_folder.load_reference(run)
    for k in (1, 1, 2):
        found = measured_of(run, explainer, {"k": k}, classifier, None, [], reference)
        assert not found.depends  # an edge detector, on a trained network
    assert {options["k"] for options in calls} == {1, 2}
    assert [path.name for path in (run_copy / "trust").glob("a*")] == ["a%2Fb.json"]


def test_pictures_of_the_run_are_of_all_classes_and_of_the_input_size(trained):
    reference = run_folder.load_reference(trained)
    known = randomisation.known_images(reference, (48, 40, 1))
    assert known.pixels.shape == (randomisation.IMAGES, 48, 40, 1)
    labels = [reference.labels[reference.digests.index(digest)] for digest in known.digests]
    assert set(labels) == set(reference.labels)
    assert randomisation.known_images(replace(reference, thumbnails=()), (48, 40, 1)) is None


def test_examples_are_not_judged():
    explainer = Explainer(
        name="cases",
        summary="",
        explain=lambda classifier, images, targets, reference: [
            Examples("cases", target, (), 0.5) for target in targets
        ],
    )
    images = images_of(PIXELS)
    assert measured(explainer, {}, linear(), images, [0] * 4, None) is None


def test_slow_methods_get_fewer_images_and_coarser_maps(monkeypatch):
    seen = []

    def slow(classifier, images, targets, reference, *, evaluations):
        seen.append((len(targets), evaluations))
        return edges(classifier, images, targets)

    monkeypatch.setattr(randomisation, "explaining_seconds", lambda *_: 1000.0)
    explainer = Explainer(
        name="slow", summary="", explain=slow, options={"evaluations": Option(0, "")}
    )
    found = measured(explainer, {"evaluations": 0}, linear(), images_of(PIXELS), [0] * 4, None)
    assert found.images == randomisation.FEWEST
    assert set(seen) == {(randomisation.FEWEST, randomisation.CHEAPER["evaluations"])}
    assert randomisation.cheaper({"evaluations": 10, "budget": 60.0, "k": 5}) == {
        "evaluations": 10,
        "budget": randomisation.CHEAPER["budget"],
        "k": 5,
    }


def test_a_slow_method_is_shown_networks_without_a_trained_weight_alone(monkeypatch):
    cost = {"quick": 0.0, "slow": randomisation.SECONDS / 10}
    monkeypatch.setattr(randomisation, "explaining_seconds", lambda one, *_: cost[one.name])
    explainers = [Explainer(name=name, summary="", explain=edges) for name in cost]
    classifier = TrainedClassifier(normalised(1), ("a", "b"), 0)
    found = randomisation.randomisation_test(
        explainers, {name: {} for name in cost}, classifier, images_of(PIXELS), [0] * 4, None
    )
    depths = Copies(classifier, PIXELS)
    assert found["quick"].stages == (*(one.name for one in depths.cascade), "all layers")
    assert found["slow"].stages == ("all layers",)
    assert (found["quick"].images, found["slow"].images) == (len(PIXELS), 2)
    for one in found.values():
        assert len(one.stages) == len(one.rank) == len(one.ssim)
        assert not one.depends


def test_a_record_is_read_as_it_was_written():
    found = measured(EDGES, {}, linear(), images_of(PIXELS), [0] * 4, None)
    record = json.loads(json.dumps(found.to_record(), allow_nan=False))
    assert randomisation.Randomisation.from_record(record) == found


def test_a_run_without_pictures_uses_the_images_at_hand(trained, run_copy):
    run = run_folder.open_run(run_copy)
    seen = []

    def watching(classifier, images, targets, reference):
        seen.append(images.names)
        return edges(classifier, images, targets)

    reference: Reference = replace(run_folder.load_reference(run), thumbnails=())
    images = images_of(np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), np.uint8))
    explainer = Explainer(name="watching", summary="", explain=watching)
    classifier = model_file.load_classifier(run)
    measured_of(run, explainer, {}, classifier, images, [0, 1, 0], reference)
    assert set().union(*seen) == set(images.names)
