"""Images to learn on: a student commits to an answer and a place before the network's is told.

Whether the place is right is the pointing game of Jianming Zhang et al., "Top-down neural attention
by excitation backprop", 2016, without their margin: the mark lies on the finding, or it does not.
"""

from __future__ import annotations

import random
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from zoo.base.errors import BadInput, InvalidSetting, UnknownName
from zoo.base.types import Dataset, Sample
from zoo.runs.run_folder import Run
from zoo.runs.selection import with_classes_of
from zoo.workflows.predict import Prediction

MOST = 100
"""Lessons that are remembered; the oldest makes room. Of their images only the names are held."""
LONGEST = 50
"""Images of one lesson."""

Mask = Callable[[tuple[int, int]], np.ndarray]
Mark = tuple[float, float]
"""From the left and from the top, as shares of width and height."""


@dataclass(eq=False)
class Exercise:
    """One image whose class is known, and where its finding is, if that is.

    `read()` gives `(height, width, 3)` uint8, `mask(size)` `(height, width)` bool. What follows is
    empty until the student has committed; `hit` stays None where no place is known or marked.
    """

    name: str
    truth: str
    read: Callable[[], np.ndarray] = field(repr=False)
    mask: Mask | None = field(repr=False, default=None)
    said: str = ""
    mark: Mark | None = None
    hit: bool | None = None
    network: Prediction | None = None
    network_mark: Mark | None = None
    network_hit: bool | None = None

    @property
    def has_finding(self) -> bool:
        """Tell whether it is known where something is in it."""
        return self.mask is not None and bool(self.mask(self.read().shape[:2]).any())

    @property
    def network_is_right(self) -> bool:
        """Tell whether the network named the right class; one it did not name is not right."""
        return self.network is not None and self.network.label == self.truth


@dataclass(eq=False)
class Lesson:
    """The images of one student, in order."""

    owner: str
    run: str
    source: str
    synthetic: bool
    class_names: tuple[str, ...]
    exercises: tuple[Exercise, ...]
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def next(self) -> int | None:
        """Return the number of the first image without an answer, from 1; None: all have one."""
        return next((n for n, one in enumerate(self.exercises, 1) if not one.said), None)

    def exercise(self, number: int) -> Exercise:
        """Return an image by its number, from 1.

        Raises:
            UnknownName: there is none of that number.
        """
        if not 1 <= number <= len(self.exercises):
            raise UnknownName(f"There is no image {number} in this lesson.")
        return self.exercises[number - 1]

    def commit(
        self,
        number: int,
        said: str,
        mark: Mark | None,
        network: Prediction,
        network_mark: Mark | None = None,
    ) -> None:
        """Keep what the student says of an image; it cannot be changed once the rest was told.

        `network_mark` is where a map of the network is highest.

        Raises:
            InvalidSetting: it has an answer already, the class is unknown or the mark outside.
        """
        one = self.exercise(number)
        self.check(number, said, mark)
        hit, network_hit = _hit(one, mark), _hit(one, network_mark)
        with self._lock:
            self.check(number, said, mark)  # it may have come twice at once
            one.said, one.mark, one.hit, one.network = said, mark, hit, network
            one.network_mark, one.network_hit = network_mark, network_hit

    def check(self, number: int, said: str, mark: Mark | None) -> None:
        """Look whether an answer can be one.

        Raises:
            InvalidSetting: as for `commit`.
        """
        if self.exercise(number).said:
            raise InvalidSetting("This image has your answer already.")
        if said not in self.class_names:
            raise InvalidSetting("Choose what you see first: one of the classes.")
        if mark is not None and not all(0 <= share <= 1 for share in mark):
            raise InvalidSetting("The mark lies outside the image. Set it again.")

    def summary(self) -> dict[str, Any]:
        """Return how often the student and the network were right, with 95 % intervals."""
        done = [one for one in self.exercises if one.said]
        own = [one.said == one.truth for one in done]
        other = [one.network_is_right for one in done]
        pairs = list(zip(own, other, strict=True))
        hits = [one.hit for one in done if one.hit is not None]
        of_network = [one.network_hit for one in done if one.network_hit is not None]
        return {
            "images": len(done),
            "student": share_of(own),
            "network": share_of(other),
            "refused": sum(bool(one.network and one.network.refused) for one in done),
            "both": pairs.count((True, True)),
            "student_alone": pairs.count((True, False)),
            "network_alone": pairs.count((False, True)),
            "neither": pairs.count((False, False)),
            "pointed": share_of(hits),
            "network_pointed": share_of(of_network),
        }


class Lessons:
    """The lessons of all students; each sees only their own, and has one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lessons: OrderedDict[str, Lesson] = OrderedDict()

    def keep(self, lesson: Lesson) -> None:
        """Keep a lesson in the place of its owner's last one."""
        with self._lock:
            self._lessons.pop(lesson.owner, None)
            self._lessons[lesson.owner] = lesson
            while len(self._lessons) > MOST:
                self._lessons.popitem(last=False)

    def of(self, owner: str) -> Lesson | None:
        """Return the lesson of a student."""
        return self._lessons.get(owner)

    def find(self, owner: str, key: str) -> Lesson:
        """Return a student's lesson.

        Raises:
            UnknownName: it was forgotten, or is another student's.
        """
        lesson = self._lessons.get(owner)
        if lesson is None or lesson.id != key:
            raise UnknownName("This lesson is not here any more. Begin another one.")
        return lesson


def highest(values: np.ndarray) -> Mark:
    """Return the middle of the pixel at which a map `(height, width)` is highest, as a mark."""
    row, column = np.unravel_index(int(np.argmax(np.nan_to_num(values, nan=-np.inf))), values.shape)
    return (float(column) + 0.5) / values.shape[1], (float(row) + 0.5) / values.shape[0]


def of_dataset(dataset: Dataset, run: Run, count: int, seed: int) -> list[Exercise]:
    """Draw images of a data set, as many of each class as can be, without those that a run learned.

    Raises:
        BadInput: the data have other classes than the run, or the run learned from all of them.
    """
    dataset = with_classes_of(run, dataset)
    learned = learned_by(run)
    drawn = _in_turn(
        dataset.samples,
        lambda sample: sample.label,
        lambda sample: dataset.digest(sample) not in learned,
        seed,
    )

    def exercise(sample: Sample) -> Exercise:
        mask = dataset.mask
        return Exercise(
            sample.name,
            dataset.class_names[sample.label],
            lambda: dataset.read(sample, None),
            None if mask is None else lambda size: mask(sample, size),
        )

    return _first(drawn, exercise, count)


def of_cases(cases: Iterable[Any], run: Run, count: int, seed: int, read: Any) -> list[Exercise]:
    """Draw saved cases with a label, as `of_dataset` does; `read(case)` gives the picture.

    Raises:
        BadInput: there is none that the run knows the class of and did not learn.
    """
    learned = learned_by(run)
    drawn = _in_turn(
        [one for one in cases if one.label in run.class_names],
        lambda case: case.label,
        lambda case: case.digest not in learned,
        seed,
    )
    return _first(drawn, lambda case: Exercise(case.name, case.label, lambda: read(case)), count)


def learned_by(run: Run) -> set[str]:
    """Return the digests of the images that a run was trained or tuned on."""
    splits = run.record["splits"]
    return {one for part in ("train", "validation") for one in splits[part]["members"]}


def share_of(right: Sequence[bool]) -> dict[str, Any] | None:
    """Return a share with its exact 95 % interval; None of nothing.

    Source: Clopper and Pearson, "The use of confidence or fiducial limits", 1934.
    """
    if not right:
        return None
    from scipy.stats import binomtest

    interval = binomtest(sum(right), len(right)).proportion_ci(0.95, "exact")
    return {"right": sum(right), "of": len(right), "low": interval.low, "high": interval.high}


def _in_turn(
    items: Sequence[Any],
    class_of: Callable[[Any], Any],
    fits: Callable[[Any], bool],
    seed: int,
) -> Iterator[Any]:
    """Give those that fit in random order, one of each class after the other while there are any.

    Whether one fits is asked only when its turn has come: files are read for it.
    """
    chance = random.Random(seed)  # noqa: S311 (nothing is kept secret by it)
    groups: dict[Any, list[Any]] = {}
    for item in chance.sample(list(items), len(items)):
        groups.setdefault(class_of(item), []).append(item)
    left = [filter(fits, group) for group in groups.values()]
    while left:
        found = [(group, next(group, None)) for group in left]
        left = [group for group, item in found if item is not None]
        among = [item for _, item in found if item is not None]
        yield from chance.sample(among, len(among))


def _first(items: Iterable[Any], make: Callable[[Any], Exercise], count: int) -> list[Exercise]:
    found = [make(item) for item in islice(items, count)]
    if not found:
        raise BadInput(
            "None of these images can be used: the run learned from all of them, or knows none of "
            "their classes. Choose other images or another run."
        )
    return found


def _hit(one: Exercise, mark: Mark | None) -> bool | None:
    if mark is None or one.mask is None:
        return None
    height, width = one.read().shape[:2]
    mask = one.mask((height, width))
    if not mask.any():
        return None
    row, column = min(height - 1, int(mark[1] * height)), min(width - 1, int(mark[0] * width))
    return bool(mask[row, column])
