"""Similar cases, with planted neighbours: an image's embedding is its first two channels' mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from explain import examples
from zoo.errors import BadInput, InvalidSetting
from zoo.types import Images, Reference


@dataclass(eq=False)
class DirectionClassifier:
    class_names: tuple[str, ...] = ("a", "b")
    largest_batch: int = 0

    def embeddings(self, pixels):
        self.largest_batch = max(self.largest_batch, len(pixels))
        return pixels.astype(np.float32).mean(axis=(1, 2))[:, :2]


def query(degrees, patient=None, digest="query") -> Images:
    return queries([degrees], [patient], [digest])


def queries(degrees, patients, digests) -> Images:
    pixels = np.zeros((len(degrees), 4, 4, 3), np.uint8)
    for row, angle in zip(pixels, np.radians(degrees), strict=True):
        row[..., 0], row[..., 1] = np.rint(200 * np.cos(angle)), np.rint(200 * np.sin(angle))
    return Images(pixels, tuple(digests), tuple(patients), tuple(digests))


def cases(*rows) -> Reference:
    """Give a reference of (degrees, label, patient, digest)."""
    degrees, labels, patients, digests = zip(*rows, strict=True)
    angles = np.radians(degrees)
    # Lengths differ on purpose: only the direction counts.
    embeddings = (
        np.stack([np.cos(angles), np.sin(angles)], 1) * np.arange(1, len(rows) + 1)[:, None]
    )
    return Reference(embeddings.astype(np.float32), np.array(labels), digests, patients, digests)


def indices(neighbours):
    return [neighbour.index for neighbour in neighbours]


SIX = cases(
    (80, 0, "p0", "d0"),
    (10, 0, "p1", "d1"),
    (30, 1, "p2", "d2"),
    (20, 0, "p3", "d3"),
    (60, 1, "p4", "d4"),
    (1, 0, "p5", "d5"),
)


def explain_one(images, reference, target=0, **options):
    (found,) = examples.explain(DirectionClassifier(), images, [target], reference, **options)
    return found


def test_the_nearest_come_first_with_their_cosine_distance():
    found = explain_one(query(0), SIX, similar=4)
    assert indices(found.similar) == [5, 1, 3, 2]
    assert found.similar[1].distance == pytest.approx(1 - np.cos(np.radians(10)), abs=1e-6)
    assert found.method == "examples"
    assert found.target == 0
    assert found.details["metric"] == "cosine distance"


def test_contrast_is_the_nearest_with_another_label():
    assert indices(explain_one(query(0), SIX, contrast=1).contrast) == [2]
    assert indices(explain_one(query(0), SIX, target=1).contrast) == [5, 1, 3]


def test_agreement_is_the_share_of_the_nearest_with_the_targets_label():
    assert explain_one(query(0), SIX, agreement=3).agreement == 1.0
    assert explain_one(query(0), SIX, agreement=4).agreement == 0.75
    assert explain_one(query(0), SIX, target=1, agreement=4).agreement == 0.25


def test_fewer_cases_than_asked_for_are_all_there_are():
    found = explain_one(query(0), SIX, similar=50, contrast=50, agreement=50)
    assert len(found.similar) == 6
    assert len(found.contrast) == 2
    assert found.agreement == pytest.approx(4 / 6)
    assert found.details["neighbours"] == 6


def test_the_querys_own_patient_is_never_shown():
    found = explain_one(query(0, patient="p5"), SIX, similar=6, agreement=6)
    assert 5 not in indices(found.similar)
    assert found.agreement == pytest.approx(3 / 5)
    assert found.details["left out"] == 1
    assert found.details["patient"] == "known"
    contrast = explain_one(query(0, patient="p2"), SIX, contrast=6).contrast
    assert indices(contrast) == [4]


@pytest.mark.parametrize("patient", [None, ""])
def test_an_unknown_patient_excludes_nobody(patient):
    anonymous = cases((10, 0, "", "d0"), (20, 1, "", "d1"))
    found = explain_one(query(0, patient=patient), anonymous)
    assert indices(found.similar) == [0, 1]
    assert found.details["patient"] == "unknown"


def test_the_query_itself_is_never_shown():
    found = explain_one(query(10, digest="d1"), SIX, similar=6)
    assert 1 not in indices(found.similar)


def test_copies_of_a_case_are_shown_once_and_counted_once():
    reference = cases(
        (5, 1, "p0", "same"), (5, 1, "p9", "same"), (6, 0, "p1", "d1"), (7, 1, "p2", "d2")
    )
    found = explain_one(query(0), reference)
    assert indices(found.similar) == [0, 2, 3]
    assert indices(found.contrast) == [0, 3]
    assert found.agreement == pytest.approx(1 / 3)


def test_a_copy_filed_under_another_patient_is_shown_when_the_first_is_the_querys_own():
    reference = cases((5, 1, "mine", "same"), (5, 1, "other", "same"))
    assert indices(explain_one(query(0, patient="mine"), reference).similar) == [1]


def test_nothing_left_is_no_agreement():
    found = explain_one(query(0, patient="p"), cases((10, 0, "p", "d0"), (20, 1, "p", "d1")))
    assert found.similar == found.contrast == ()
    assert found.agreement == 0.0
    assert found.details["neighbours"] == 0


def test_an_embedding_of_zeros_gives_no_nan():
    images = Images(np.zeros((1, 4, 4, 3), np.uint8), ("black",), (None,), ("black",))
    found = explain_one(images, SIX)
    assert [neighbour.distance for neighbour in found.similar] == [1.0] * 5


def test_a_batch_is_worked_through_in_parts_and_keeps_its_order():
    degrees = [2 * i for i in range(40)]
    names = [f"q{i}" for i in range(40)]
    images = queries(degrees, ["p5"] * 20 + [None] * 20, names)
    classifier = DirectionClassifier()
    found = examples.explain(classifier, images, [i % 2 for i in range(40)], SIX)
    assert classifier.largest_batch == examples.CHUNK
    for i in (0, 1, 19, 20, 39):
        patient = images.patients[i]
        alone = explain_one(query(degrees[i], patient, names[i]), SIX, target=i % 2)
        assert indices(found[i].similar) == indices(alone.similar)
        assert indices(found[i].contrast) == indices(alone.contrast)
        assert found[i].agreement == alone.agreement
        assert found[i].target == i % 2


def test_the_index_is_built_once_for_a_reference(monkeypatch):
    built = []
    reference = cases((10, 0, "p0", "d0"))
    unit = examples._unit
    monkeypatch.setattr(
        examples, "_unit", lambda e: built.append(e is reference.embeddings) or unit(e)
    )
    for _ in range(3):
        explain_one(query(0), reference)
    assert built.count(True) == 1


def test_without_reference_cases_the_user_is_told_what_to_do():
    empty = Reference(np.zeros((0, 2), np.float32), np.zeros(0, int), (), (), ())
    for reference in (None, empty):
        with pytest.raises(BadInput, match="no reference cases"):
            explain_one(query(0), reference)


def test_cases_of_another_network_are_refused():
    other = Reference(np.ones((1, 7), np.float32), np.zeros(1, int), ("n",), ("p",), ("d",))
    with pytest.raises(BadInput, match="7 features and this network gives 2"):
        explain_one(query(0), other)


@pytest.mark.parametrize(
    "options", [{"similar": -1}, {"contrast": -1}, {"agreement": 0}], ids=lambda o: next(iter(o))
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(InvalidSetting, match=next(iter(options))):
        explain_one(query(0), SIX, **options)
    with pytest.raises(InvalidSetting, match="2 classes"):
        explain_one(query(0), SIX, target=2)


def test_no_images_give_no_examples():
    assert examples.explain(DirectionClassifier(), queries([], [], []), [], SIX) == []


def test_an_image_known_under_another_name_brings_its_patient():
    patients, digests = ("p1", "p1", "p2"), ("a" * 16, "b" * 16, "c" * 16)
    reference = Reference(np.eye(3), np.zeros(3, int), ("x", "y", "z"), patients, digests)
    assert examples._own(reference, None, "a" * 16) == {0, 1}
    assert examples._own(reference, None, "d" * 16) == set()
    assert examples._own(reference, "p2", "d" * 16) == {2}
