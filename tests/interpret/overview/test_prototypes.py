"""Prototypes and criticisms on clusters that were planted."""

from __future__ import annotations

import time

import numpy as np

from zoo.interpret.overview.prototypes import choose_prototypes

CENTRES = np.array([[0, 0], [12, 0], [0, 12]])
EACH = 60


def clusters(*extra: tuple[float, float]) -> np.ndarray:
    random = np.random.default_rng(0)
    points = [random.normal(centre, 1, (EACH, 2)) for centre in CENTRES]
    return np.concatenate([*points, np.array(extra).reshape(-1, 2)])


def test_each_cluster_has_one_prototype() -> None:
    points = clusters()
    typical, _ = choose_prototypes(points, np.zeros(len(points), int), 3, 0)[0]
    assert sorted(row // EACH for row in typical) == [0, 1, 2]
    for row in typical:
        apart = np.linalg.norm(points[row] - CENTRES, axis=1)
        assert apart.argmin() == row // EACH
        assert apart.min() < 4, "within its cluster"


def test_a_planted_outlier_is_a_criticism_and_no_prototype() -> None:
    points = clusters((20, 20))
    typical, unlike = choose_prototypes(points, np.zeros(len(points), int), 3, 4)[0]
    assert 3 * EACH in unlike
    assert 3 * EACH not in typical


def test_a_group_that_no_prototype_stands_for_is_criticised() -> None:
    """Two prototypes cannot stand for three clusters."""
    points = clusters()
    typical, unlike = choose_prototypes(points, np.zeros(len(points), int), 2, 2)[0]
    left_out = {0, 1, 2} - {row // EACH for row in typical}
    assert left_out & {row // EACH for row in unlike}


def test_choices_are_those_of_the_definition() -> None:
    """Each step is the best by the paper's formulas, computed in full for every case."""
    points = clusters()[::6]
    squared = ((points[:, None] - points) ** 2).sum(axis=-1)
    median = np.median(np.sqrt(squared[np.triu_indices(len(points), 1)]))
    kernel = np.exp(-squared / (2 * median**2))
    every = range(len(points))

    def discrepancy(chosen: list[int]) -> float:
        return kernel[np.ix_(chosen, chosen)].mean() - 2 * kernel[:, chosen].mean()

    def criticism(chosen: list[int]) -> float:
        witness = kernel[chosen].mean(axis=1) - kernel[np.ix_(chosen, typical)].mean(axis=1)
        apart = np.linalg.slogdet(kernel[np.ix_(chosen, chosen)])[1]
        return float(np.abs(witness).sum() + apart)

    typical: list[int] = []
    for _ in range(4):
        typical.append(min(set(every) - set(typical), key=lambda r: discrepancy([*typical, r])))
    unlike: list[int] = []
    for _ in range(3):
        left = set(every) - set(typical) - set(unlike)
        unlike.append(max(left, key=lambda r: criticism([*unlike, r])))
    assert choose_prototypes(points, np.zeros(len(points), int), 4, 3)[0] == (typical, unlike)


def test_classes_are_summarised_apart_and_rows_are_of_the_whole() -> None:
    points = clusters()
    labels = np.arange(len(points)) // EACH + 4
    found = choose_prototypes(points, labels, 2, 2)
    assert list(found) == [4, 5, 6]
    for label, groups in found.items():
        assert all(labels[row] == label for rows in groups for row in rows)


def test_neither_a_copy_nor_a_patient_comes_twice() -> None:
    points = np.repeat(clusters(), 2, axis=0)
    number = np.arange(len(points))
    patients = [f"p{row // 8}" for row in number]
    digests = [f"d{row // 2}" for row in number]
    typical, unlike = choose_prototypes(
        points, np.zeros(len(points), int), 6, 6, patients=patients, digests=digests
    )[0]
    chosen = typical + unlike
    assert len(chosen) == 12
    assert len({patients[row] for row in chosen}) == 12
    assert len({digests[row] for row in chosen}) == 12


def test_a_small_class_gives_what_it_has() -> None:
    found = choose_prototypes(np.eye(3), np.array([0, 0, 1]), 6, 4)
    assert sorted(found[0][0]) == [0, 1]
    assert found[0][1] == []
    assert found[1] == ([2], [])


def test_equal_cases_are_no_error() -> None:
    typical, unlike = choose_prototypes(np.ones((20, 3)), np.zeros(20, int))[0]
    assert len(set(typical + unlike)) == 10


def test_five_thousand_cases_take_seconds() -> None:
    points = np.random.default_rng(0).normal(size=(5000, 256)).astype(np.float32)
    began = time.process_time()
    choose_prototypes(points, np.zeros(5000, int))
    assert time.process_time() - began < 30
