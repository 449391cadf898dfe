from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from zoo import BadInput, Dataset, Sample
from zoo.data import splits
from zoo.data.splits import Split, fold, folds, reduced, split


def indexed(samples: Iterable[Sample]) -> Dataset:
    def read(sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        raise AssertionError("a split needs no pixels")

    return Dataset(
        source="here",
        class_names=("NORMAL", "PNEUMONIA"),
        samples=tuple(samples),
        read=read,
        digest=lambda sample: sample.name,
    )


def cohort(patients: int, part: str = "", prefix: str = "p", images: int = 2) -> list[Sample]:
    """Return `images` samples of each patient; every third patient has the disease."""
    return [
        Sample(
            f"{part}/{prefix}{patient}-{take}", int(patient % 3 == 0), f"{prefix}{patient}", part
        )
        for patient in range(patients)
        for take in range(images)
    ]


def own_digests(samples: Sequence[Sample]) -> dict[str, str]:
    return {s.name: s.name for s in samples}


def divided(samples: Sequence[Sample], seed: int = 0) -> Split:
    return split(indexed(samples), own_digests(samples), seed)


def parts(done: Split) -> tuple[tuple[Sample, ...], ...]:
    return done.train, done.validation, done.test


def people(samples: Iterable[Sample]) -> set[str]:
    return {s.patient for s in samples}


def test_nothing_is_lost_and_no_patient_is_in_two_parts() -> None:
    samples = cohort(300)
    done = divided(samples)
    assert Counter(s for part in parts(done) for s in part) == Counter(samples)
    for a, b in combinations(parts(done), 2):
        assert not people(a) & people(b)


def test_shares_and_prevalence_are_kept() -> None:
    samples = cohort(300)
    done = divided(samples)
    shares = [len(part) / len(samples) for part in parts(done)]
    assert shares == pytest.approx([0.64, 0.16, 0.20], abs=0.02)
    for part in parts(done):
        assert np.mean([s.label for s in part]) == pytest.approx(1 / 3, abs=0.03)
    assert any(f"A test part of {len(done.test)} images" in note for note in done.notes)


@pytest.mark.parametrize("missing", [(0, 1), (1,)])
def test_a_training_part_without_a_class_is_refused(missing: tuple[int, ...]) -> None:
    train = [s for s in cohort(60, "train", "a") if s.label not in missing]
    samples = [*train, *cohort(90, "validation", "b"), *cohort(60, "test", "c")]
    name = ("NORMAL", "PNEUMONIA")[missing[0]]
    with pytest.raises(BadInput, match=f"leave {len(train)} images for training, .* '{name}'"):
        divided(samples)


def test_the_same_seed_divides_alike_and_another_does_not() -> None:
    samples = cohort(120)
    assert divided(samples, seed=3) == divided(samples, seed=3)
    assert divided(samples, seed=3).test != divided(samples, seed=4).test


def test_a_part_is_found_by_its_name() -> None:
    done = divided(cohort(120))
    assert [done.part(name) for name in ("train", "validation", "test")] == list(parts(done))


def test_a_usable_split_of_the_source_is_taken_as_it_is() -> None:
    given_parts = [cohort(99, "train"), cohort(99, "validation", "v"), cohort(30, "test", "t")]
    done = divided([sample for part in given_parts for sample in part])
    assert [list(part) for part in parts(done)] == given_parts
    assert done.notes == ()


def test_a_tiny_validation_part_is_rebuilt_with_a_note() -> None:
    train, tiny = cohort(150, "train"), cohort(8, "validation", "v")
    test = cohort(30, "test", "t")
    done = divided([*train, *tiny, *test])
    assert list(done.test) == test
    assert sorted((*done.train, *done.validation), key=str) == sorted([*train, *tiny], key=str)
    assert min(Counter(s.label for s in done.validation).values()) >= 10
    assert not people(done.train) & people(done.validation)
    (note,) = done.notes
    assert "only 16 images" in note


def test_the_sources_own_test_part_is_never_touched() -> None:
    train = cohort(150, "train")
    test = cohort(30, "test", "p")  # the same patients, as in some published sets
    done = divided([*train, *test])
    assert list(done.test) == test
    assert people(done.train) | people(done.validation) >= people(train)


def test_overlaps_that_come_with_the_source_are_told() -> None:
    train, test = cohort(150, "train"), [*cohort(30, "test", "t"), *cohort(3, "test", "p")]
    notes = " ".join(divided([*train, *test]).notes)
    assert "in both the train and the test part" in notes or "the validation and the test" in notes
    assert "'p0'" in notes or "'p1'" in notes or "'p2'" in notes


def test_patients_who_share_an_identical_image_stay_together() -> None:
    samples = cohort(120)
    digests = own_digests(samples)
    for first, second in ((0, 3), (3, 6), (10, 50)):  # a chain of three, and one pair
        digests[f"/p{first}-0"] = digests[f"/p{second}-1"] = f"same {min(first, 3)}"
    digests["/p3-0"], digests["/p6-1"] = "link", "link"
    digests["/p0-0"] = digests["/p3-1"] = "other link"
    for seed in range(5):
        done = split(indexed(samples), digests, seed)
        for group in ({"p0", "p3", "p6"}, {"p10", "p50"}):
            assert sum(bool(group & people(part)) for part in parts(done)) == 1


def test_too_few_patients_of_a_class_are_an_error_that_names_it() -> None:
    many_images_of_few = [
        *cohort(90),
        *(s for s in cohort(12, prefix="q", images=9) if s.label == 1),
    ]
    few = [s for s in many_images_of_few if s.label == 0 or s.patient.startswith("q")]
    with pytest.raises(BadInput, match="Class 'PNEUMONIA' has 4 patients to divide"):
        divided(few)


@hypothesis_settings(max_examples=25, deadline=None)
@given(
    labels=st.lists(
        st.lists(st.sampled_from([0, 1]), min_size=1, max_size=5), min_size=20, max_size=60
    ),
    twins=st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=4),
    seed=st.integers(0, 10_000),
)
def test_no_patient_or_picture_is_ever_in_two_parts(
    labels: list[list[int]], twins: list[tuple[int, int]], seed: int
) -> None:
    samples = [
        Sample(f"{patient}-{take}", label, f"p{patient}")
        for patient, own in enumerate(labels)
        for take, label in enumerate(own)
    ]
    digests = own_digests(samples)
    for a, b in twins:
        digests[f"{a}-0"] = digests[f"{b}-0"]
    try:
        done = split(indexed(samples), digests, seed)
    except BadInput as error:
        assert "patients to divide" in str(error)  # noqa: PT017 - other draws do not raise
        return
    assert sorted(s.name for part in parts(done) for s in part) == sorted(s.name for s in samples)
    for one, other in combinations(parts(done), 2):
        assert not people(one) & people(other)
        assert not {digests[s.name] for s in one} & {digests[s.name] for s in other}
    for part in parts(done):
        assert {s.label for s in part} == {0, 1}


def test_every_image_is_in_one_test_fold_and_no_patient_in_two_parts() -> None:
    samples = cohort(150)
    done = folds(indexed(samples), own_digests(samples), 5, 0)
    assert Counter(s for one in done for s in one.test) == Counter(samples)
    for one in done:
        assert Counter(s for part in parts(one) for s in part) == Counter(samples)
        for a, b in combinations(parts(one), 2):
            assert not people(a) & people(b)


def test_folds_leave_the_sources_own_test_part_alone() -> None:
    test = cohort(30, "test", "t")
    samples = [*cohort(150, "train"), *test]
    for one in folds(indexed(samples), own_digests(samples), 3, 0):
        assert not people(test) & (people(one.train) | people(one.validation) | people(one.test))
        assert f"The {len(test)} images" in one.notes[0]


def test_another_seed_folds_differently() -> None:
    samples = cohort(150)
    first, again, other = (
        folds(indexed(samples), own_digests(samples), 3, seed) for seed in (0, 0, 1)
    )
    assert first == again
    assert first[0].test != other[0].test


def test_one_fold_is_that_of_all_and_the_others_are_not_divided_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    samples = cohort(60)
    dataset, digests = indexed(samples), own_digests(samples)
    every = folds(dataset, digests, 4, 3)
    divided = []

    class Counted(StratifiedGroupKFold):
        def split(self, *given: object) -> Iterator[tuple[np.ndarray, np.ndarray]]:
            divided.append(self.n_splits)
            return super().split(*given)

    monkeypatch.setattr("sklearn.model_selection.StratifiedGroupKFold", Counted)
    assert fold(dataset, digests, 4, 3, 2) == every[2]
    assert divided == [4, 5]


def test_a_smaller_share_of_the_patients_is_part_of_a_larger_one() -> None:
    samples = cohort(300)
    whole, digests = divided(samples), own_digests(samples)
    few, more = (reduced(whole, digests, share, seed=1) for share in (0.1, 0.5))
    assert set(few.train) < set(more.train) < set(whole.train)
    assert len(people(more.train)) == pytest.approx(0.5 * len(people(whole.train)), abs=2)
    assert {s.label for s in few.train} == {0, 1}
    assert (few.validation, few.test, few.notes) == (whole.validation, whole.test, whole.notes)
    for patient in people(few.train):  # whole patients only
        assert sum(s.patient == patient for s in few.train) == sum(
            s.patient == patient for s in whole.train
        )
    assert reduced(whole, digests, 1.0, seed=1) is whole


def of_classes(*patients: int, part: str = "", images: int = 1) -> list[Sample]:
    """Return the images of so many patients of each class."""
    return [
        Sample(f"{part}{label}-{patient}-{take}", label, f"{part}{label}-{patient}", part)
        for label, number in enumerate(patients)
        for patient in range(number)
        for take in range(images)
    ]


@pytest.mark.parametrize(
    ("counts", "rebuilt"),
    [((20, 20), False), ((19, 60), True), ((60, 19), True), ((25, 25, 10), True)],
)
def test_a_validation_part_needs_twenty_of_each_class(
    counts: tuple[int, ...], rebuilt: bool
) -> None:
    held = of_classes(*counts, part="validation")
    more = (40,) * len(counts)
    samples = [*of_classes(*more, part="train"), *held, *of_classes(*more, part="test")]
    dataset = replace(indexed(samples), class_names=("A", "B", "C")[: len(counts)])
    done = split(dataset, own_digests(samples), 0)
    assert (list(done.validation) != held) is rebuilt
    assert bool(done.notes) is rebuilt


def test_a_new_validation_part_is_a_sixth_beside_a_test_part_of_the_source() -> None:
    pool, test = of_classes(90, 90), of_classes(30, 30, part="test")
    done = divided([*pool, *test])
    assert list(done.test) == test
    assert len(done.validation) == 30
    assert done.notes == (), "nothing was taken from what the source gives"


def test_a_source_with_validation_alone_lends_its_test_part_from_the_others() -> None:
    held = of_classes(20, 20, part="validation")
    done = divided([*of_classes(50, 50), *held])
    assert list(done.validation) == held
    assert (len(done.train), len(done.test)) == (80, 20)


def test_a_fifth_of_what_a_fold_does_not_test_validates() -> None:
    samples = of_classes(50, 50)
    for one in folds(indexed(samples), own_digests(samples), 5, 0):
        assert (len(one.train), len(one.validation), len(one.test)) == (64, 16, 20)
        assert one.notes == ()


def test_as_many_patients_of_a_class_as_parts_are_enough() -> None:
    test = of_classes(30, 30, part="test")
    done = divided([*of_classes(30, 6), *test])  # one of six validates
    assert Counter(s.label for s in done.validation) == {0: 5, 1: 1}
    with pytest.raises(BadInput, match="Class 'PNEUMONIA' has 5 patients to divide; expected at "):
        divided([*of_classes(30, 5), *test])


def followed(seed: int) -> list[Sample]:
    """Return twelve patients of one, two or eight images; five fall ill or recover meanwhile."""
    counts = np.random.default_rng(seed).choice([1, 2, 8], 12)
    return [
        Sample(f"p{patient}-{n}", int(n % 2 if patient < 5 else patient < 9), f"p{patient}")
        for patient, count in enumerate(counts)
        for n in range(count)
    ]


def test_another_division_is_drawn_where_a_part_would_lack_a_class(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert all(len({s.label for s in part}) == 2 for part in parts(divided(followed(2))))
    monkeypatch.setattr(splits, "DRAWN", 1)
    with pytest.raises(BadInput, match="validation part would have the same class"):
        divided(followed(2))


@pytest.mark.parametrize(("share", "kept"), [(0.1, 1), (0.5, 5), (0.55, 6), (0.99, 10), (1.0, 10)])
def test_a_share_of_each_class_is_kept_and_no_patient_more(share: float, kept: int) -> None:
    whole = Split(tuple(of_classes(10, 10, 10, images=2)), (), (), ("A note.",))
    few = reduced(whole, own_digests(whole.train), share, seed=0)
    by_class = Counter(label for _, label in {(s.patient, s.label) for s in few.train})
    assert by_class == {0: kept, 1: kept, 2: kept}
    assert len(few.train) == 6 * kept
    assert few.notes == ("A note.",)


def test_who_is_in_two_parts_of_the_source_is_counted_and_named() -> None:
    train, held = of_classes(30, 30, part="train"), of_classes(25, 25, part="validation")
    test = of_classes(30, 30, part="test")
    leaking = [
        *(replace(s, patient=f"x{n}") if n < 3 else s for n, s in enumerate(train)),
        *(replace(s, patient=f"x{n}") if n < 2 else s for n, s in enumerate(held)),
        *(replace(s, patient="x2") if n < 1 else s for n, s in enumerate(test)),
    ]
    first, second = divided(leaking).notes
    assert first.startswith("2 patients are in both the train and the validation part")
    assert "such as 'x0': scores on the validation part are too good" in first
    assert second.startswith("1 patients are in both the train and the test part")
    assert "such as 'x2': scores on the test part are too good" in second
