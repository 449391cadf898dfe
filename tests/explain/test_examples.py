"""Known cases in groups, with planted neighbours: an embedding is the first two channels' mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explain import examples
from explain.cases import groups
from zoo import BadInput, Images, InvalidSetting, Reference


@dataclass(eq=False)
class DirectionClassifier:
    class_names: tuple[str, ...] = ("a", "b")
    head: tuple[np.ndarray, np.ndarray] | None = None
    temperature: float = 1.0
    feature_layer: None = None
    largest_batch: int = 0

    def linear_head(self):
        return self.head

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


def shown(found, name):
    """Give the cases of a group; none when there is no such group."""
    return next((group.cases for group in found.groups if group.name == name), ())


def indices(found, name="similar"):
    return [neighbour.index for neighbour in shown(found, name)]


SIX = cases(
    (80, 0, "p0", "d0"),
    (10, 0, "p1", "d1"),
    (30, 1, "p2", "d2"),
    (20, 0, "p3", "d3"),
    (60, 1, "p4", "d4"),
    (1, 0, "p5", "d5"),
)


def explain_one(images, reference, target=0, head=None, **options):
    classifier = DirectionClassifier(head=head)
    (found,) = examples.explain(classifier, images, [target], reference, **options)
    return found


def test_the_nearest_come_first_with_their_cosine_distance():
    found = explain_one(query(0), SIX, similar=4)
    assert indices(found) == [5, 1, 3, 2]
    assert shown(found, "similar")[1].distance == pytest.approx(
        1 - np.cos(np.radians(10)), abs=1e-6
    )
    assert found.method == "examples"
    assert found.target == 0
    assert [group.measure for group in found.groups] == ["cosine distance"] * 2


def test_contrast_is_the_nearest_with_another_label():
    assert indices(explain_one(query(0), SIX, contrast=1), "contrast") == [2]
    assert indices(explain_one(query(0), SIX, target=1), "contrast") == [5, 1, 3]


def test_agreement_is_the_share_of_the_nearest_with_the_targets_label():
    assert explain_one(query(0), SIX, agreement=3).agreement == 1.0
    assert explain_one(query(0), SIX, agreement=4).agreement == 0.75
    assert explain_one(query(0), SIX, target=1, agreement=4).agreement == 0.25


def test_fewer_cases_than_asked_for_are_all_there_are():
    found = explain_one(query(0), SIX, similar=50, contrast=50, agreement=50)
    assert len(shown(found, "similar")) == 6
    assert len(shown(found, "contrast")) == 2
    assert found.agreement == pytest.approx(4 / 6)
    assert found.details["neighbours"] == 6


def test_the_querys_own_patient_is_never_shown():
    found = explain_one(query(0, patient="p5"), SIX, similar=6, agreement=6)
    assert 5 not in indices(found)
    assert found.agreement == pytest.approx(3 / 5)
    assert found.details["left out"] == 1
    assert found.details["patient"] == "known"
    assert indices(explain_one(query(0, patient="p2"), SIX, contrast=6), "contrast") == [4]


@pytest.mark.parametrize("patient", [None, ""])
def test_an_unknown_patient_excludes_nobody(patient):
    anonymous = cases((10, 0, "", "d0"), (20, 1, "", "d1"))
    found = explain_one(query(0, patient=patient), anonymous)
    assert indices(found) == [0, 1]
    assert found.details["patient"] == "unknown"


def test_the_query_itself_is_never_shown():
    found = explain_one(query(10, digest="d1"), SIX, similar=6)
    assert 1 not in indices(found)


def test_copies_of_a_case_are_shown_once_and_counted_once():
    reference = cases(
        (5, 1, "p0", "same"), (5, 1, "p9", "same"), (6, 0, "p1", "d1"), (7, 1, "p2", "d2")
    )
    found = explain_one(query(0), reference)
    assert indices(found) == [0, 2, 3]
    assert indices(found, "contrast") == [0, 3]
    assert found.agreement == pytest.approx(1 / 3)


def test_a_copy_of_an_own_case_is_not_shown_under_another_patient():
    reference = cases((5, 1, "mine", "same"), (5, 1, "other", "same"), (9, 1, "q", "d"))
    assert indices(explain_one(query(0, patient="mine"), reference)) == [2]


def test_near_copies_are_shown_once_and_never_of_the_query():
    """A copy that was compressed anew has another digest and all but the same embedding."""
    reference = cases(
        (0.2, 0, "p0", "d0"),
        (20, 0, "p1", "d1"),
        (20.2, 0, "p2", "d2"),
        (60, 1, "p3", "d3"),
        (40, 1, "p0", "d4"),
    )
    found = explain_one(query(0), reference)
    assert indices(found) == [1, 3], "case 0 is the query and case 4 is of its patient"
    assert indices(explain_one(query(90, patient="p1"), reference)) == [3, 4, 0]


def test_a_network_that_puts_all_images_close_together_has_no_near_copies():
    close = cases(*((i / 10, i % 2, f"p{i}", f"d{i}") for i in range(1, 60)))
    assert indices(explain_one(query(0), close)) == [0, 1, 2, 3, 4]


def test_nothing_left_is_no_agreement():
    found = explain_one(query(0, patient="p"), cases((10, 0, "p", "d0"), (20, 1, "p", "d1")))
    assert found.groups == ()
    assert found.credibility is None
    assert found.agreement == 0.0
    assert found.details["neighbours"] == 0


def test_an_embedding_of_zeros_gives_no_nan():
    images = Images(np.zeros((1, 4, 4, 3), np.uint8), ("black",), (None,), ("black",))
    found = explain_one(images, SIX)
    assert [neighbour.distance for neighbour in shown(found, "similar")] == [1.0] * 5


def test_a_batch_is_worked_through_in_parts_and_keeps_its_order():
    degrees = [2 * i for i in range(40)]
    names = [f"q{i}" for i in range(40)]
    images = queries(degrees, ["p5"] * 20 + [None] * 20, names)
    classifier = DirectionClassifier()
    found = examples.explain(classifier, images, [i % 2 for i in range(40)], SIX)
    assert classifier.largest_batch == groups.CHUNK
    for i in (0, 1, 19, 20, 39):
        patient = images.patients[i]
        alone = explain_one(query(degrees[i], patient, names[i]), SIX, target=i % 2)
        assert indices(found[i]) == indices(alone)
        assert indices(found[i], "contrast") == indices(alone, "contrast")
        assert found[i].agreement == alone.agreement
        assert found[i].target == i % 2


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
    "options",
    [{"similar": -1}, {"pushed": -1}, {"regions": -1}, {"agreement": 0}],
    ids=lambda o: next(iter(o)),
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(InvalidSetting, match=next(iter(options))):
        explain_one(query(0), SIX, **options)
    with pytest.raises(InvalidSetting, match="2 classes"):
        explain_one(query(0), SIX, target=2)


def test_no_images_give_no_examples():
    assert examples.explain(DirectionClassifier(), queries([], [], []), [], SIX) == []


def test_an_image_known_under_another_name_brings_its_patient():
    reference = cases((10, 0, "p1", "a"), (50, 0, "p1", "b"), (90, 1, "p2", "c"))
    assert indices(explain_one(query(30, digest="a"), reference)) == [2]


# With a linear head whose right answer is known: class a has the logit x, class b the logit 3 y.
HEAD = np.array([[1.0, 0.0], [0.0, 3.0]], np.float32), np.zeros(2, np.float32)


def test_contribution_weighs_what_the_head_weighs():
    """By direction 20 degrees is nearer; what decides is x against 3 y, so 45 is nearer."""
    reference = cases((20, 0, "p0", "d0"), (45, 1, "p1", "d1"), (85, 1, "p2", "d2"))
    found = explain_one(query(30.1), reference, target=1, head=HEAD)
    assert indices(found)[0] == 0
    assert indices(found, "contribution")[0] == 1

    def weighed(degrees):
        x, y = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return np.array([-x, 3 * y]) / np.hypot(x, 3 * y)

    for neighbour in shown(found, "contribution"):
        expected = 1 - weighed(30.1) @ weighed((20, 45, 85)[neighbour.index])
        assert neighbour.distance == pytest.approx(expected, abs=5e-3)


def test_almost_is_the_nearest_of_the_class_with_a_small_margin():
    """The line is at tan y/x = 1/3, 18.4 degrees: class b lies above it."""
    above = [(19 + i, 1, f"p{i}", f"d{i}") for i in range(70)]
    reference = cases((10, 0, "n", "n"), (15, 1, "w", "w"), *above)
    reference = replace(reference, embeddings=unit(reference.embeddings))
    found = explain_one(query(60), reference, target=1, head=HEAD, almost=2)
    assert indices(found, "almost") == [8, 7], "of the seven nearest to the line"
    assert indices(found)[0] > 40


def test_a_label_that_the_network_contradicts_is_flagged():
    reference = cases(
        *((2 * i, 0, f"a{i}", f"a{i}") for i in range(5)),
        (4.5, 1, "wrong", "wrong"),
        *((80 + i, 1, f"b{i}", f"b{i}") for i in range(8)),
    )
    reference = replace(reference, embeddings=10 * unit(reference.embeddings))
    found = explain_one(query(5), reference, head=HEAD)
    notes = {case.index: case.note for group in found.groups for case in group.cases}
    assert notes.pop(5).partition(";")[0] == "label doubtful: the network gives it < 1 %"
    assert not any("doubtful" in note for note in notes.values())


def test_the_cases_that_pushed_are_of_the_class_and_those_that_pulled_are_not():
    random = np.random.default_rng(0)
    rows = [
        (float(d), int(d > 18.4), f"p{i}", f"d{i}") for i, d in enumerate(random.uniform(0, 90, 60))
    ]
    reference = cases(*rows)
    reference = replace(reference, embeddings=3 * unit(reference.embeddings))
    found = explain_one(query(70), reference, target=1, head=HEAD, pushed=4)
    pushed, pulled = shown(found, "pushed"), shown(found, "pulled")
    assert len(pushed) == len(pulled) == 4
    assert [case.distance for case in pushed] == sorted((c.distance for c in pushed), reverse=True)
    assert min(case.distance for case in pushed) > 0 > max(case.distance for case in pulled)
    for case in pushed + pulled:
        for_target = (reference.labels[case.index] == 1) == (case in pushed)
        assert for_target == (not case.note), "a case of the other class by being unlike the image"
    names = [group.name for group in found.groups]
    assert names == ["similar", "contribution", "contrast", "almost", "pushed", "pulled"]


def test_a_head_that_is_not_linear_leaves_out_what_needs_one():
    assert [group.name for group in explain_one(query(0), SIX).groups] == ["similar", "contrast"]


def test_no_group_is_made_that_was_not_asked_for():
    nothing = dict.fromkeys(("similar", "contribution", "contrast", "almost", "pushed"), 0)
    found = explain_one(query(0), SIX, head=HEAD, **nothing)
    assert found.groups == ()
    assert found.agreement == pytest.approx(4 / 6)


def test_credibility_is_the_share_of_held_out_cases_that_agree_no_better():
    reference = cases(*((i, int(i >= 45), f"p{i}", f"d{i}") for i in range(0, 90, 3)))
    angles = np.radians([5, 10, 44, 80])
    held = np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)
    reference = replace(reference, held_embeddings=held, held_labels=np.array([0, 0, 0, 0]))
    # The neighbours of the four agree with their labels 1, 1, 0.4 and 0 of the time.
    assert explain_one(query(2), reference, agreement=5).credibility == 1.0
    assert explain_one(query(82), reference, agreement=5).credibility == 0.25
    assert explain_one(query(43), reference, agreement=5).credibility == 0.5
    assert explain_one(query(2), SIX, agreement=5).credibility is None


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_own_patient_and_copies_are_never_shown(data):
    """Whatever the cases are: nothing of the query's patient, no content twice in a group."""
    rows = data.draw(
        st.lists(
            st.tuples(
                st.sampled_from([0.0, 10.0, 10.05, 30.0, 50.0, 50.0, 80.0]),
                st.integers(0, 1),
                st.sampled_from(["", "p1", "p2", "p3"]),
                st.sampled_from([f"d{i}" for i in range(8)]),
            ),
            min_size=1,
            max_size=12,
        )
    )
    patient, digest = (
        data.draw(st.sampled_from([None, "", "p1"])),
        data.draw(st.sampled_from(["q", "d1"])),
    )
    reference = cases(*rows)
    found = explain_one(query(10, patient, digest), reference, head=HEAD)
    patients = {row[2] for row in rows if row[3] == digest} | {patient}
    for group in found.groups:
        contents = [reference.digests[case.index] for case in group.cases]
        assert len(set(contents)) == len(contents)
        assert digest not in contents
        for case in group.cases:
            own = reference.patients[case.index]
            assert not own or own not in patients
    assert all(np.isfinite(case.distance) for group in found.groups for case in group.cases)


def unit(embeddings):
    return embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
