"""The map of embeddings keeps what each point is."""

from __future__ import annotations

import numpy as np

from zoo import Reference
from zoo.interpret.overview import embedding_map as views
from zoo.interpret.overview.embedding_map import embedding_map


def cases(count: int, features: int = 8) -> Reference:
    random = np.random.default_rng(1)
    labels = np.arange(count) % 2
    return Reference(
        embeddings=(random.normal(size=(count, features)) + 12 * labels[:, None]).astype(
            np.float32
        ),
        labels=labels,
        names=tuple(f"case{row}" for row in range(count)),
        patients=tuple(f"p{row}" for row in range(count)),
        digests=tuple(f"{row:016x}" for row in range(count)),
    )


def placed(count: int = 30, known: int = 40, seed: int = 0) -> views.EmbeddingMap:
    random = np.random.default_rng(2)
    labels = np.arange(count) % 2
    embeddings = random.normal(size=(count, 8)) + 12 * labels[:, None]
    predicted = labels.copy()
    predicted[3] = 1 - labels[3]
    refused = ["uncertain" if row == 5 else "unknown" if row == 6 else "" for row in range(count)]
    names = [f"image{row}" for row in range(count)]
    found = embedding_map(embeddings, labels, predicted, refused, names, cases(known), seed)
    assert found is not None
    return found


def test_marks_stay_with_their_points() -> None:
    found = placed()
    assert found.positions.shape == (70, 2)
    assert found.names[:2] == ("image0", "image1")
    assert found.names[30] == "case0"
    assert np.flatnonzero(found.wrong).tolist() == [3]
    assert np.flatnonzero(found.refused != "").tolist() == [5, 6]
    assert found.reference.sum() == 40
    assert not found.wrong[found.reference].any()
    assert found.to_record()["misclassified"] == 1
    assert found.to_record()["refused"] == 2


def test_classes_that_are_apart_stay_apart() -> None:
    found = placed()
    first, second = (found.positions[found.labels == label] for label in (0, 1))
    between = np.linalg.norm(first.mean(axis=0) - second.mean(axis=0))
    assert between > 1.5 * max(first.std(), second.std())
    assert found.trustworthiness > 0.8


def test_the_same_seed_gives_the_same_map() -> None:
    assert (placed().positions == placed().positions).all()


def test_the_number_of_points_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(views, "MOST_POINTS", 50)
    monkeypatch.setattr(views, "REFERENCE_POINTS", 15)
    many = placed(count=60, known=40)
    assert len(many.labels) == 50
    assert not many.reference.any()
    room = placed(count=30, known=40)
    assert (len(room.labels), room.reference.sum()) == (45, 15)


def test_too_few_or_equal_points_give_no_map() -> None:
    nothing = cases(2)
    labels = np.zeros(3, int)
    assert embedding_map(np.eye(3, 8), labels, labels, [""] * 3, list("abc"), nothing) is None
    same = np.ones((20, 8))
    zeros = np.zeros(20, int)
    none = Reference(np.zeros((0, 8), np.float32), np.zeros(0, int), (), (), ())
    assert embedding_map(same, zeros, zeros, [""] * 20, ["x"] * 20, none) is None
