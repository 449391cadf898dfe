"""Divide a data set by patient into train, validation and test."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.types import SPLITS, TEST, TRAIN, VALIDATION, Dataset, Sample

TEST_SHARE = 0.20
VALIDATION_SHARE = 0.16
FOLD_VALIDATION_SHARE = 0.20
SMALLEST_VALIDATION_CLASS = 20
"""With fewer cases of a class, sensitivity moves by more than 5 points for a single case."""

DRAWN = 20
"""Divisions that are tried for one whose parts have images of each class."""


@dataclass(frozen=True)
class Split:
    """Which samples are for training, validation and test, and how that came about."""

    train: tuple[Sample, ...]
    validation: tuple[Sample, ...]
    test: tuple[Sample, ...]
    notes: tuple[str, ...]

    def part(self, name: str) -> tuple[Sample, ...]:
        """Return the samples of 'train', 'validation' or 'test'."""
        return {TRAIN: self.train, VALIDATION: self.validation, TEST: self.test}[name]


def split(dataset: Dataset, digests: Mapping[str, str], seed: int) -> Split:
    """Take the source's own split where it has one that is usable, and make the rest by patient.

    A missing test part is split off the training cases (20 %). A validation part that is missing,
    or has fewer than 20 cases of a class, is rebuilt from the training cases (16 % of all).
    Nothing is ever moved out of, or into, a test part that the source gives. Patients that share
    an identical image are kept together.

    Args:
        dataset: the index.
        digests: content digest by sample name.
        seed: fixes the random choice.

    Raises:
        BadInput: too few patients of a class to divide, or none of it in the source's own training
            part.
    """
    named = {part: [s for s in dataset.samples if s.split == part] for part in SPLITS}
    undivided = [s for s in dataset.samples if s.split not in SPLITS]
    notes: list[str] = []
    classes = range(len(dataset.class_names))

    train, validation, test = named[TRAIN] + undivided, named[VALIDATION], named[TEST]
    rebuild = min(sum(s.label == c for s in validation) for c in classes) < (
        SMALLEST_VALIDATION_CLASS
    )
    if rebuild:
        if validation:
            notes.append(
                f"The source's validation part has only {len(validation)} images; expected at "
                f"least {SMALLEST_VALIDATION_CLASS} of each class. It was joined with the training "
                "part and a new one was split off by patient."
            )
        train, validation = train + validation, []
    groups = _groups(train, digests)
    share = VALIDATION_SHARE
    if not test:
        train, test = _divide(train, groups, TEST_SHARE, seed, dataset.class_names)
        notes.append(f"A test part of {len(test)} images was split off by patient.")
        share = VALIDATION_SHARE / (1 - TEST_SHARE)
    if rebuild:
        train, validation = _divide(train, groups, share, seed, dataset.class_names)
    _refuse_untrained(train, dataset.class_names)
    notes.extend(_overlaps({TRAIN: train, VALIDATION: validation, TEST: test}))
    return Split(tuple(train), _validating(validation), tuple(test), tuple(notes))


def folds(dataset: Dataset, digests: Mapping[str, str], count: int, seed: int) -> tuple[Split, ...]:
    """Divide by patient into `count` parts, each the test part of one split, the rest trained on.

    A test part that the source gives stays out altogether, so that it can still check what was
    claimed. Each split's validation part is 20 % of what is not tested. Patients that share an
    identical image are kept together.

    Raises:
        BadInput: too few patients of a class to divide.
    """
    return _folds(dataset, digests, count, seed, range(count))


def fold(dataset: Dataset, digests: Mapping[str, str], count: int, seed: int, number: int) -> Split:
    """Return the split of that number among `folds`, without dividing the others further.

    Dividing 100,000 patients takes ten seconds each time.
    """
    return _folds(dataset, digests, count, seed, (number,))[0]


def _folds(
    dataset: Dataset, digests: Mapping[str, str], count: int, seed: int, numbers: Collection[int]
) -> tuple[Split, ...]:
    pool = [s for s in dataset.samples if s.split != TEST]
    groups = _groups(pool, digests)
    held_out = len(dataset.samples) - len(pool)
    notes = (
        (f"The {held_out} images of the source's own test part were left alone.",)
        if held_out
        else ()
    )
    splits = []
    divided = _divisions(pool, groups, count, seed, dataset.class_names, used=count)
    for number, (rest, test) in enumerate(divided):
        if number not in numbers:
            continue
        train, validation = _divide(rest, groups, FOLD_VALIDATION_SHARE, seed, dataset.class_names)
        splits.append(Split(tuple(train), _validating(validation), tuple(test), notes))
    return tuple(splits)


def reduced(whole: Split, digests: Mapping[str, str], share: float, seed: int) -> Split:
    """Keep a share of the training patients, the classes in proportion; nothing else changes.

    A smaller share is a part of a larger one with the same seed.
    """
    if share >= 1:
        return whole
    groups = _groups(whole.train, digests)
    label = {groups[s.patient]: s.label for s in whole.train}
    random = np.random.default_rng(seed)
    place: dict[int, float] = {}
    for wanted in sorted(set(label.values())):
        members = random.permutation([g for g in sorted(label) if label[g] == wanted]).tolist()
        place.update({group: rank / len(members) for rank, group in enumerate(members)})
    train = tuple(s for s in whole.train if place[groups[s.patient]] < share)
    return Split(train, whole.validation, whole.test, whole.notes)


def _groups(samples: Sequence[Sample], digests: Mapping[str, str]) -> dict[str, int]:
    """Number the patients so that those who share an identical image have the same number."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    patients = {p: i for i, p in enumerate(sorted({s.patient for s in samples}))}
    contents = {d: i for i, d in enumerate(sorted({digests[s.name] for s in samples}))}
    rows = [patients[s.patient] for s in samples]
    columns = [len(patients) + contents[digests[s.name]] for s in samples]
    total = len(patients) + len(contents)
    links = coo_array((np.ones(len(rows)), (rows, columns)), shape=(total, total))
    _, component = connected_components(links, directed=False)
    return {patient: int(component[index]) for patient, index in patients.items()}


def _divide(
    samples: Sequence[Sample],
    groups: Mapping[str, int],
    share: float,
    seed: int,
    class_names: Sequence[str],
) -> tuple[list[Sample], list[Sample]]:
    """Split `share` of the samples off, whole groups at a time, with the classes in proportion."""
    count = max(2, round(1 / share))
    return _divisions(samples, groups, count, seed, class_names, used=1)[0]


def _divisions(
    samples: Sequence[Sample],
    groups: Mapping[str, int],
    count: int,
    seed: int,
    class_names: Sequence[str],
    used: int,
) -> list[tuple[list[Sample], list[Sample]]]:
    """Divide whole groups into `count` parts; return the rest and the part, for the first `used`.

    Where patients have images of several classes a part may miss one: then others are tried.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    labels = np.array([s.label for s in samples])
    members = np.array([groups[s.patient] for s in samples])
    for index, name in enumerate(class_names):
        patients = len(set(members[labels == index]))
        if patients < count:
            raise BadInput(
                f"Class '{name}' has {patients} patients to divide; expected at least {count}. "
                "Add images, or check how patients are recognised (?patients=none)."
            )
    found: list[tuple[list[Sample], list[Sample]]] = []
    for drawn in range(DRAWN):
        state = np.random.default_rng([seed, drawn]).integers(2**32) if drawn else seed
        folding = StratifiedGroupKFold(count, shuffle=True, random_state=int(state))
        parts = list(itertools.islice(folding.split(samples, labels, members), used))
        whole = all(len(set(labels[part])) == len(class_names) for pair in parts for part in pair)
        if whole or not found:
            found = [([samples[i] for i in a], [samples[i] for i in b]) for a, b in parts]
        if whole:
            break
    return found


def _validating(samples: list[Sample]) -> tuple[Sample, ...]:
    """Return a validation part; one of a single class could choose no epoch and no threshold.

    Raises:
        BadInput: it is of a single class.
    """
    if len({sample.label for sample in samples}) < 2:
        raise BadInput(
            f"All {len(samples)} images of the validation part would have the same class: too few "
            "patients have one alone. Add patients, or check how they are recognised "
            "(?patients=none)."
        )
    return tuple(samples)


def _refuse_untrained(train: Sequence[Sample], class_names: Sequence[str]) -> None:
    """Refuse a training part that is empty or lacks a class: only the source can give such."""
    missing = [n for i, n in enumerate(class_names) if not any(s.label == i for s in train)]
    if missing:
        raise BadInput(
            f"The source's own parts leave {len(train):,} images for training, and none of "
            f"'{missing[0]}'. Expected some of each class in the part '{TRAIN}': mark more images "
            "so, or take the parts out, and they are made by patient."
        )


def _overlaps(parts: Mapping[str, Sequence[Sample]]) -> list[str]:
    """Say which parts share patients; only a split that came with the source can."""
    patients = {name: {s.patient for s in samples} for name, samples in parts.items()}
    pairs = ((TRAIN, VALIDATION), (TRAIN, TEST), (VALIDATION, TEST))
    return [
        f"{len(shared)} patients are in both the {a} and the {b} part that the source gives, such "
        f"as '{min(shared)}': scores on the {b} part are too good."
        for a, b in pairs
        if (shared := patients[a] & patients[b])
    ]
