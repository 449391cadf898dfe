from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from zoo import BadInput, DamagedRun, Reference
from zoo.base import registry
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.runs.novelty import CELLS, DIRECTIONS, SHAPES, Gate, fit_gate, shapes, spaces


def normal(rows: int, values: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(3, 2, (rows, values)).astype(np.float32)


def waves(height: int, width: int) -> np.ndarray:
    down, right = np.meshgrid(np.linspace(0, 9, height), np.linspace(0, 4, width), indexing="ij")
    return (127 + 120 * np.sin(down + right)).astype(np.uint8)[None, ..., None]


def cells(described: np.ndarray) -> np.ndarray:
    return described.reshape(-1, CELLS, CELLS, DIRECTIONS)


@pytest.mark.parametrize(("neighbours", "k"), [(1, 1), (5, 5), (1000, 300)])
def test_distances_agree_with_scikit_learn(neighbours, k):
    from sklearn.neighbors import NearestNeighbors
    from sklearn.preprocessing import StandardScaler

    cases, queries = normal(300, 17), normal(600, 17, seed=1)  # more than one chunk of queries
    scaler = StandardScaler().fit(cases)
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(scaler.transform(cases))
    expected = search.kneighbors(scaler.transform(queries))[0][:, -1] / np.sqrt(17)
    found = Gate((cases,), (1.0,), 1.0, neighbours=neighbours).distances([queries])
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_distances_by_hand():
    cases = np.array([[-1.0], [1.0], [1.0]])  # mean 1/3, standard deviation sqrt(8/9)
    gate = Gate((cases,), (2.0,), 1.0, neighbours=2)
    found = gate.distances([np.array([[1.0], [2.0]])])
    np.testing.assert_allclose(found, [0, 1 / np.sqrt(8 / 9) / 2], atol=1e-6)


def test_a_training_image_is_at_no_distance_from_itself():
    cases = normal(50, 1280)
    found = Gate((cases,), (1.0,), 1.0, neighbours=1).distances([cases])
    assert found.max() < 1e-3


def test_the_space_in_which_an_image_is_farthest_counts():
    cases = (normal(200, 4), normal(200, 30, seed=1))
    gate = Gate(cases, (1.0, 1.0), 1.0)
    inside = (cases[0][:1], cases[1][:1])
    first, second = (inside[0] + 100, inside[1]), (inside[0], inside[1] + 100)
    alone = [Gate((space,), (1.0,), 1.0) for space in cases]
    assert gate.distances(first) == pytest.approx(alone[0].distances(first[:1]))
    assert gate.distances(second) == pytest.approx(alone[1].distances(second[1:]))
    assert gate.distances(inside) < 1


def test_the_scale_of_values_and_their_number_change_nothing():
    cases, later = normal(200, 6), normal(100, 6, seed=1)
    plain = fit_gate([cases], [later])
    other = fit_gate([np.tile(1e4 * cases, 3)], [np.tile(1e4 * later, 3)])
    assert plain.limit == pytest.approx(other.limit)
    assert plain.units == pytest.approx(other.units, rel=1e-4)


@pytest.mark.parametrize("share", [0.9, 0.99])
def test_of_later_images_of_the_same_kind_the_share_is_within_the_limit(share):
    within = []
    for seed in range(12):
        rows = [normal(400, 5, seed=3 * seed + part) for part in range(3)]
        train, validation, test = ([r, np.abs(r[:, :3]) ** 3] for r in rows)
        gate = fit_gate(train, validation, share)
        assert (gate.distances(validation) <= gate.limit).mean() == pytest.approx(share, abs=0.003)
        within.append(1 - gate.refused(test).mean())
    assert share - 0.01 < np.mean(within) < share + 0.01


def test_with_few_validation_cases_the_farthest_sets_the_limit():
    cases, later = normal(100, 5), normal(20, 5, seed=1)
    gate = fit_gate([cases], [later])
    assert gate.limit == pytest.approx(gate.distances([later]).max())
    assert not gate.refused([later]).any()


def test_a_value_that_never_varied_does_not_decide_alone():
    cases, later = normal(200, 10), normal(50, 10, seed=1)
    cases[:, 0] = later[:, 0] = 0
    gate = fit_gate([cases], [later])
    slight = later.copy()
    slight[:, 0] = 0.2  # a tenth of how much the other values vary
    assert not gate.refused([slight]).all()
    slight[:, 0] = 20
    assert gate.refused([slight]).all()


def test_cases_that_are_all_the_same_refuse_what_differs():
    same = np.ones((30, 8), np.float32)
    gate = fit_gate([same], [same[:10]])
    assert not gate.refused([same]).any()
    assert gate.refused([same + 0.1]).all()


def test_a_record_of_plain_json_and_the_cases_give_the_gate_again():
    cases, later = [normal(100, 5), normal(100, 9)], [normal(50, 5, 1), normal(50, 9, 1)]
    gate = fit_gate(cases, later)
    again = Gate.from_record(json.loads(json.dumps(gate.to_record())), cases)
    assert (again.distances(later) == gate.distances(later)).all()
    assert (again.limit, again.units) == (gate.limit, gate.units)
    assert (again.share, again.neighbours) == (gate.share, gate.neighbours)


def test_cases_of_another_network_are_refused():
    gate = Gate((normal(10, 5),), (1.0,), 1.0)
    with pytest.raises(BadInput, match=r"\[5\] values and the image has \[6\]"):
        gate.distances([normal(2, 6)])


def test_reference_cases_give_both_spaces_or_a_clear_error():
    fields = {"labels": np.zeros(3), "names": (), "patients": (), "digests": ()}
    whole = Reference(embeddings=normal(3, 4), shapes=normal(3, SHAPES), **fields)
    assert [space.shape for space in spaces(whole)] == [(3, 4), (3, SHAPES)]
    for described in (None, normal(2, SHAPES)):
        with pytest.raises(DamagedRun, match="Train the run again"):
            spaces(Reference(embeddings=normal(3, 4), shapes=described, **fields))


def test_an_edge_is_described_by_its_place_and_direction():
    image = np.zeros((32, 32, 1), np.uint8)
    image[:, 20:] = 200  # brighter to the right: direction 0, in the third column of cells
    described = cells(shapes(image[None]))[0]
    assert (described[:, 2, 0] > 0.1).all()
    described[:, 2, 0] = 0
    assert described.max() == 0
    inverse = cells(shapes(255 - image[None]))[0]
    assert (inverse[:, 2, DIRECTIONS // 2] > 0.1).all()


def test_a_turned_image_has_turned_shapes():
    image = np.random.default_rng(0).integers(0, 256, (32, 32, 1), np.uint8)
    upright, turned = cells(shapes(np.stack([image, np.rot90(image)])))
    quarter = DIRECTIONS // 4  # anticlockwise: what pointed right points up
    expected = np.roll(np.rot90(upright), -quarter, axis=-1)
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_contrast_and_brightness_change_little_and_a_blank_image_has_no_shapes():
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 1), np.uint8)
    faint = (image * 0.4 + 60).astype(np.uint8)
    plain, other = shapes(np.stack([image, faint]))
    assert np.linalg.norm(plain - other) < 0.2 * np.linalg.norm(plain)
    for level in (0, 128, 255):
        assert not shapes(np.full((1, 64, 64, 1), level, np.uint8)).any()


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (180, 160), (300, 200)])
def test_any_input_size_and_gray_as_colour_give_the_same_description(size):
    described = shapes(waves(*size))
    assert described.shape == (1, SHAPES)
    assert (shapes(np.repeat(waves(*size), 3, axis=-1)) == described).all()
    reference = shapes(waves(400, 400))
    assert np.linalg.norm(described - reference) < 0.2 * np.linalg.norm(reference)


def test_every_gray_level_is_the_same_as_gray_and_as_colour():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1)
    assert (shapes(np.repeat(levels, 3, axis=-1)) == shapes(levels)).all()


@cache
def phantoms() -> np.ndarray:
    dataset = registry.load_registry().dataset("phantom?images=300&size=64")
    return np.stack([to_channels(dataset.read(s, (64, 64)), 1) for s in dataset.samples])


def altered(images: np.ndarray) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "inverted": 255 - images,
        "quarter turn": np.rot90(images, 1, (1, 2)),
        "upside down": np.rot90(images, 2, (1, 2)),
        "uniform noise": random.integers(0, 256, images.shape, np.uint8),
        "Gaussian noise": random.normal(128, 40, images.shape).clip(0, 255).astype(np.uint8),
        "blank": np.full_like(images, 90),
        "scrambled": random.permuted(images.reshape(len(images), -1), axis=1).reshape(images.shape),
    }


def test_shapes_alone_tell_what_is_not_a_radiograph():
    described = shapes(phantoms())
    gate = fit_gate([described[:180]], [described[180:240]])
    assert gate.refused([described[240:]]).mean() <= 0.05
    for kind, images in altered(phantoms()[240:]).items():
        assert gate.refused([shapes(images)]).mean() >= 0.95, kind
