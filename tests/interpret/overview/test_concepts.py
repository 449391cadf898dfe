"""Concepts that networks are known to depend on are found, and the others are not."""

from __future__ import annotations

import numpy as np
import pytest
from known_networks import classifier_of, linear_network

from zoo.base.progress import SILENT
from zoo.interpret.overview import concept_vectors as vectors
from zoo.interpret.overview.activations import Pictures, activations, affordable
from zoo.interpret.overview.concepts import (
    CARRYING,
    LITTLE,
    RANDOM,
    UNSEEN,
    Concepts,
    ConceptTest,
    MeasuredConcept,
    all_concepts,
    carrying,
)
from zoo.interpret.overview.ready_concepts import READY

SIDE, COUNT = 64, 40
LUNGS = np.zeros((SIDE, SIDE), bool)
LUNGS[16:50, 10:26] = LUNGS[16:50, 38:54] = True
BETWEEN = np.zeros((SIDE, SIDE), bool)
BETWEEN[16:50, 29:35] = True
CORNERS = np.zeros((SIDE, SIDE), bool)
for rows in (slice(14), slice(50, SIDE)):
    CORNERS[rows, :14] = CORNERS[rows, 50:] = True
WHERE = {"sharpness": (BETWEEN, (0, 1)), "lung texture": (LUNGS, (0, 1)), "marker": (CORNERS, (2,))}
"""What a network looks at: a place, and channels for edges, edges the other way and white spots."""


def pictures(seed: int) -> Pictures:
    """Noise of various strength; in half of the pictures a white spot stands in a corner.

    It is further inside than borders and edges of collimation reach, and as white as can be.
    """
    random = np.random.default_rng(seed)
    strength = random.uniform(6, 14, COUNT)
    noise = random.normal(size=(COUNT, SIDE, SIDE, 1)) * strength[:, None, None, None]
    pixels = np.clip(110 + random.normal(0, 8, (COUNT, 1, 1, 1)) + noise, 0, 180).astype(np.uint8)
    spots = random.integers(1, 7, COUNT) * (np.arange(COUNT) % 2)
    for row, size in enumerate(spots):
        pixels[row, 7 : 7 + size, 7 : 7 + size] = 255
    labels = (strength > 10).astype(int)
    people = np.array([f"p{row}" for row in range(COUNT)])
    digests = tuple(f"{1000 * seed + row:016x}" for row in range(COUNT))
    return Pictures(pixels, (LUNGS,) * COUNT, labels, labels == 1, people, digests)


def network(where: np.ndarray, channels: tuple[int, ...]):
    """Class 1 counts, in one place, what some channels of the feature map hold."""
    import keras
    from keras import layers

    inputs = keras.Input((SIDE, SIDE, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(4, 3, padding="same", activation="relu", name="features")(x)
    outputs = layers.Dense(2, name="logits")(layers.Flatten()(x))
    model = keras.Model(inputs, outputs)
    kernel = np.zeros((3, 3, 1, 4), np.float32)
    kernel[..., 0, 0] = [[0, -1, 0], [-1, 4, -1], [0, -1, 0]]
    kernel[..., 1] = -kernel[..., 0]
    kernel[1, 1, 0, 2:] = 1, 1
    model.get_layer("features").set_weights([kernel, np.array([0, 0, -0.93, 0], np.float32)])
    weights = np.zeros((SIDE, SIDE, 4, 2), np.float32)
    weights[np.ix_(*map(range, (SIDE, SIDE)), channels, [1])] = where[..., None, None]
    model.get_layer("logits").set_weights([weights.reshape(-1, 2), np.zeros(2, np.float32)])
    return classifier_of(model)


def results(known: str, seed: int) -> dict[str, MeasuredConcept]:
    classifier, shown = network(*WHERE[known]), pictures(seed)
    found = activations(classifier, shown.pixels, positive=1)
    result = all_concepts(ConceptTest(classifier, shown, found, 1, seed), {}, SILENT)
    return {one.name: one for one in result.tested}


@pytest.mark.parametrize(
    ("known", "touching"),
    [
        ("sharpness", {"lines"}),
        ("lung texture", {"lines", "sharpness"}),
        ("marker", {"lines", "sharpness"}),
    ],
)
def test_what_the_network_depends_on_is_found_and_nothing_else(
    known: str, touching: set[str]
) -> None:
    """`touching` concepts change the same pixels, so the network does depend on them."""
    for seed in range(3):
        found = results(known, seed)
        assert found.keys() == READY.keys()
        assert found[known].verdict == CARRYING, seed
        assert found[known].pull["value"] > 0
        assert found[known].p < 0.01
        assert found[known].tcav == 1
        others = found.keys() - touching - {known}
        assert {found[name].verdict for name in others} <= {UNSEEN, RANDOM, LITTLE}, seed
        assert all(found[name].p > 0.05 for name in others), seed


def test_what_it_adds_to_the_probability_is_measured_and_has_the_same_sign() -> None:
    moved = results("marker", 0)["marker"].moved
    assert moved is not None
    assert moved["value"] > 0
    assert moved["low"] > 0
    assert results("marker", 0)["exposure"].moved["value"] == 0


@pytest.mark.parametrize("linear", [True, False])
def test_vectors_that_mean_nothing_are_rarely_called_significant(linear: bool) -> None:
    """With a linear head the gradients of all pictures are the same, and a score is 0 or 1."""
    random = np.random.default_rng(0)
    alarms, trials, people = 0, 300, np.array([f"p{row}" for row in range(60)])
    groups = vectors.grouped(people, 0)
    for trial in range(trials):
        slopes = random.normal(size=(1 if linear else 60, 20)).repeat(60 if linear else 1, axis=0)
        made = vectors.paired_vectors(random.normal(size=(60, 20)), groups, people, 1.0)
        scores = vectors.tcav_scores(vectors.derivatives(slopes, made.each))
        drawn = vectors.random_vectors(random.normal(size=(60, 20)), trial)
        others = vectors.tcav_scores(vectors.derivatives(slopes, drawn))
        alarms += vectors.against_random(scores, others) < 0.05
        assert 0.2 < made.right.mean() < 0.8
    assert alarms / trials < 0.09


def test_a_small_steady_difference_is_told_from_random_ones() -> None:
    random = np.random.default_rng(0)
    people = np.array([f"p{row}" for row in range(60)])
    slope = random.normal(size=(1, 20))
    differences = random.normal(size=(60, 20)) + 2 * slope
    made = vectors.paired_vectors(differences, vectors.grouped(people, 0), people, 1.0)
    scores = vectors.tcav_scores(vectors.derivatives(slope.repeat(60, axis=0), made.each))
    drawn = vectors.random_vectors(random.normal(size=(60, 20)), 0)
    others = vectors.tcav_scores(vectors.derivatives(slope.repeat(60, axis=0), drawn))
    assert scores.tolist() == [1] * vectors.GROUPS
    assert others.mean() == 0.5
    assert vectors.against_random(scores, others) < 0.001
    assert made.right.mean() > 0.95


def test_groups_share_no_patient_and_are_of_a_size() -> None:
    people = np.array([f"p{row // 3}" for row in range(90)])
    groups = vectors.grouped(people, 0)
    assert np.bincount(groups).tolist() == [9] * 10
    assert all(len(set(groups[people == one])) == 1 for one in set(people))


def test_pictures_of_a_folder_are_a_concept() -> None:
    classifier, shown = network(*WHERE["marker"]), pictures(0)
    found = activations(classifier, shown.pixels, positive=1)
    test = ConceptTest(classifier, shown, found, 1)
    spotted, smooth = pictures(7).pixels[:20].copy(), pictures(8).pixels[:20]
    spotted[:, 52:60, 52:60] = 250
    seen = test.folder("spots", spotted)
    assert (seen.verdict, seen.allowed, seen.moved) == (CARRYING, None, None)
    assert seen.pull["value"] > 0
    assert test.folder("the same", smooth).verdict in (UNSEEN, RANDOM)


def test_a_network_without_a_feature_map_is_known_by_its_budget() -> None:
    classifier, _ = linear_network()
    assert affordable(classifier, np.zeros((1, 8, 8, 3), np.uint8)) == 0
    assert affordable(network(*WHERE["marker"]), pictures(0).pixels) > COUNT


def one(name: str, pull: float, allowed: bool | None = False, p: float = 0.001) -> MeasuredConcept:
    share = {"value": 1.0, "low": 0.9, "high": 1.0}
    value = {"value": pull, "low": pull - 0.1, "high": pull + 0.1}
    return MeasuredConcept(name, "", allowed, 40, share, 1.0, 0.0, p, value, None)


def test_the_answer_in_words() -> None:
    def said(*tested: MeasuredConcept) -> str:
        return carrying(Concepts(40, tested, 0.5, 0.3), "NORMAL", "PNEUMONIA")

    assert said(one("border", 0.1), one("marker", 0.9), one("lung texture", -0.5, True)) == (
        "Marker carries it most, by +0.90 (+0.80 to +1.00) standard deviations of the score, "
        "towards PNEUMONIA: a network that reads disease must not depend on it. "
        "Others that carry it: lung texture (-0.50, may)."
    )
    assert "towards NORMAL: a network that reads disease may" in said(one("x", -0.5, True))
    assert said(one("marker", 0.9, p=0.2)).startswith("None of 1: ")
    assert said(one("drain", 0.9, None)).endswith("whether it may is for you to say.")
    assert carrying(Concepts(0, (), None, None, "No map."), "a", "b") == "Not measured. No map."


@pytest.mark.parametrize("channels", [1, 3])
def test_each_ready_concept_changes_only_what_it_is_called_by(channels: int) -> None:
    pixels = np.repeat(pictures(0).pixels[0], channels, axis=-1)
    for name, concept in READY.items():
        changed = concept.change(pixels, LUNGS, "0123456789abcdef")
        assert changed is not None
        assert changed.shape == pixels.shape
        assert changed.dtype == np.uint8
        assert (changed == concept.change(pixels, LUNGS, "0123456789abcdef")).all()
        where = (changed != pixels).any(axis=-1)
        assert where.any(), name
        if name == "lung texture":
            assert not where[~LUNGS].any()
            assert changed[LUNGS].std() < 0.4 * pixels[LUNGS].std()
            assert abs(changed[LUNGS].mean() - pixels[LUNGS].mean()) < 2
            assert concept.change(pixels, None, "0") is None
        if name in ("border", "collimation", "marker"):
            assert not where[12:52, 12:52].any(), name
