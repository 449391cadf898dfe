"""How the explanation methods stand with one network: means over images, a ranking, verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from zoo.base.displayed import Tabled
from zoo.interpret.trust.controls import CENTRE, EDGES, MOVED
from zoo.interpret.trust.localisation import SIZES
from zoo.interpret.trust.randomisation import Randomisation
from zoo.interpret.trust.verdict import DO_NOT_USE, HOLDS_UP, STABLE, WEAK
from zoo.stats import intervals

SCHEMA = 2
RESAMPLES = 2000
TESTS: Mapping[str, int] = {"deletion": -1, "insertion": 1, "road": -1}
"""The tests of faithfulness, and the direction in which they are better."""
ELSEWHERE: Mapping[str, str] = {test: f"{test} {MOVED}" for test in TESTS}
"""What these tests gave for the map put elsewhere."""
RIVALS = (MOVED, CENTRE, EDGES)
"""What a map is compared with: itself elsewhere, and two that know no network."""
LOCATED = ("pointing", "close", "near", "auprc", "iou", "inside", "area")
SHARES = frozenset({"pointing", "close", "near"})
"""Measures that are yes or no for an image: an interval is known even when all are alike."""

Measured = Mapping[str, float | None]
"""A mean with its 95 % interval: value, low, high; None where there is none."""
Key = tuple[bool, str]
"""Whether a map is a control, and its name."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Standing:
    """What was measured of one method, or control, over all images.

    `score` is its lead over the best of its rivals, mean of the three tests, in probability: these
    are the same map elsewhere ('moved'), 'centre' and 'edges'; `best` names the best of each test.
    `measures` holds deletion, insertion and road (mean heights of the curves), the same of the map
    elsewhere, noise and repeat (stability), lungs and lungs_area; `over_best` and `over_moved` its
    lead in each test over the best rival and over the map elsewhere. `located` holds the measures
    of a Localisation for the images with a known place, by 'right' (those classified right), 'all',
    and the sizes of places among all of them. `ahead` is the lead of `score` over the next in the
    ranking, `over` that over each other method; `seconds` is what an image costs, None for a
    control.
    """

    name: str
    control: bool
    score: Measured
    measures: Mapping[str, Measured]
    over_best: Mapping[str, Measured]
    over_moved: Mapping[str, Measured]
    best: Mapping[str, str]
    located: Mapping[str, Mapping[str, Measured]]
    likeness: float | None
    """Rank correlation with the maps of random networks; None where it was not measured."""
    level: str = ""
    reason: str = ""
    ahead: Measured | None = None
    over: Mapping[str, Measured] = field(default_factory=dict)
    seconds: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Audit(Tabled):
    """The explanation methods of a run, ranked on a sample of a data set."""

    run: str
    network: str
    """Digest of the run's network, by which it is known whether the audit is of it."""
    source: str
    own: bool
    """Whether the images belong to the data the run was trained on (its test part)."""
    notes: tuple[str, ...]
    images: int
    available: int
    patients: int
    right: int
    """Images whose class is called right."""
    located: Mapping[str, int]
    """Images where the place of the finding is known, by 'right', 'all' and its size."""
    lungs: int
    steps: int
    seed: int
    synthetic: bool
    standings: tuple[Standing, ...]
    """Methods and controls, the best score first."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"schema": SCHEMA, **asdict(self)}


@dataclass(frozen=True, eq=False)
class Measurements:
    """Everything measured of every map, `(images,)` each; NaN where it was not.

    `values[control, name][measure]` has the measures of TESTS and ELSEWHERE, noise, repeat, lungs,
    lungs_area and LOCATED; `right` is `(images,)` bool; `seconds` is what an image costs, by
    method.
    """

    values: Mapping[Key, Mapping[str, np.ndarray]]
    patients: np.ndarray
    right: np.ndarray
    random: Mapping[str, Randomisation | None]
    seconds: Mapping[str, float] = field(default_factory=dict)

    def groups(self) -> dict[str, np.ndarray]:
        """Tell `(images,)` which images belong to each group whose findings are told apart."""
        area = np.fmax.reduce([of_map["area"] for of_map in self.values.values()])
        known = np.isfinite(area)
        sizes = {size: known & (low <= area) & (area < high) for size, (low, high) in SIZES.items()}
        return {"right": known & self.right, "all": known, **sizes}


def standings(
    measurements: Measurements, scores: Mapping[str, Measured], seed: int = 0
) -> tuple[Standing, ...]:
    """Rank methods and controls.

    The score of a map is the mean, over deletion, insertion and ROAD, of its lead over the rival
    that does best in that test: the same map elsewhere, the middle or the edges. The three tests
    give mean probabilities of the same class on the same images, so that their differences can be
    averaged as they are; a test in which nothing changes then counts for nothing. `scores` is the
    network's ROC-AUC on parts of its own data.
    """
    means = _Means(measurements.patients, seed)
    best = {key: _best(measurements, key) for key in measurements.values}
    leads = {key: _leads(measurements, key, best[key]) for key in measurements.values}
    elsewhere, groups = dict.fromkeys(TESTS, MOVED), measurements.groups()
    overall = {key: np.mean(list(lead.values()), axis=0) for key, lead in leads.items()}
    ranking = sorted(measurements.values, key=lambda key: -float(overall[key].mean()))
    ranked = []
    for place, key in enumerate(ranking):
        control, name = key
        of_method, after = measurements.values[key], ranking[place + 1 : place + 2]
        random = measurements.random.get(name) if not control else None
        facts: dict[str, Any] = {
            "measures": {
                measure: means(values)
                for measure, values in of_method.items()
                if measure not in LOCATED
            },
            "best": best[key],
            "over_best": {test: means(lead) for test, lead in leads[key].items()},
            "over_moved": {
                test: means(lead) for test, lead in _leads(measurements, key, elsewhere).items()
            },
            "located": {
                group: {
                    m: means(np.where(among, of_method[m], np.nan), m in SHARES) for m in LOCATED
                }
                for group, among in groups.items()
            },
        }
        excess = {
            place: means(of_method[inside] - of_method[area])
            for place, inside, area in (
                ("finding", "inside", "area"),
                ("lungs", "lungs", "lungs_area"),
            )
        }
        level, reason = ("", "") if control else _verdict(facts, excess, random, scores)
        ranked.append(
            Standing(
                name=name,
                control=control,
                score=means(overall[key]),
                likeness=None if random is None else random.rank[-1],
                level=level,
                reason=reason,
                ahead=means(overall[key] - overall[after[0]]) if after else None,
                over={
                    other: means(overall[key] - overall[False, other])
                    for is_control, other in measurements.values
                    if not is_control and not control and other != name
                },
                seconds=None if control else measurements.seconds.get(name),
                **facts,
            )
        )
    return tuple(ranked)


class _Means:
    """Means of values of images, with intervals by resampling patients."""

    def __init__(self, patients: np.ndarray, seed: int) -> None:
        self.rows, count = intervals.patient_rows(patients)
        self.weights = intervals.resample(count, RESAMPLES, seed)[:, self.rows]

    def __call__(self, values: np.ndarray, share: bool = False) -> Measured:
        """Return {value, low, high} of the values that are known."""
        known = np.isfinite(values)
        if not known.any():
            return {"value": None, "low": None, "high": None}
        value, weights = float(values[known].mean()), self.weights[:, known]
        with np.errstate(invalid="ignore"):  # a resample may have none of these patients
            drawn = weights @ values[known] / weights.sum(axis=1)
        interval = intervals.percentile_interval(drawn)
        if interval is None and share and value in (0.0, 1.0):
            interval = intervals.exact_bound(value, len(np.unique(self.rows[known])))
        low, high = interval or (None, None)
        return {"value": value, "low": low, "high": high}


def _best(measurements: Measurements, key: Key) -> dict[str, str]:
    """Return the rival of a map that does best in each test."""
    return {
        test: max(RIVALS, key=lambda name: sign * _rival(measurements, key, name, test).mean())
        for test, sign in TESTS.items()
    }


def _rival(measurements: Measurements, key: Key, name: str, test: str) -> np.ndarray:
    if name == MOVED:
        return measurements.values[key][ELSEWHERE[test]]
    return measurements.values[True, name][test]


def _leads(measurements: Measurements, key: Key, over: Mapping[str, str]) -> dict[str, np.ndarray]:
    return {
        test: sign * (measurements.values[key][test] - _rival(measurements, key, over[test], test))
        for test, sign in TESTS.items()
    }


def _verdict(
    facts: Mapping[str, Any],
    excess: Mapping[str, Measured],
    random: Randomisation | None,
    scores: Mapping[str, Measured],
) -> tuple[str, str]:
    """Apply the rules of a single map to means: the first that fails gives the reason."""
    if not scores or not all(_above(score, 0.5) for score in scores.values()):
        return DO_NOT_USE, "The network itself is not shown to be better than chance."
    if random is not None and not random.depends:
        return (
            DO_NOT_USE,
            "The method gives nearly the same map for a network that has learned nothing.",
        )
    for measure, reason in (
        ("noise", "Noise that nobody can see gives another map."),
        ("repeat", "The same image gives another map when it is explained again."),
    ):
        value = facts["measures"][measure]["value"]
        if value is not None and value < STABLE:
            return DO_NOT_USE, reason
    over_moved, over_best = (
        sum(_above(lead, 0) for lead in facts[kind].values())
        for kind in ("over_moved", "over_best")
    )
    if 2 * over_moved <= len(TESTS):
        reason = (
            "What its maps mark is not shown to matter more to the network than the same maps "
            "put elsewhere."
        )
        return DO_NOT_USE, reason
    if 2 * over_best <= len(TESTS):
        reason = (
            "Its maps are better than chance, but are not shown to be better than the middle of "
            "the image or its edges."
        )
        return WEAK, reason
    for place, lead in excess.items():
        if lead["value"] is not None and not _above(lead, 0):
            where = "where the findings are" if place == "finding" else "inside the lungs"
            return WEAK, f"Its evidence is not shown to lie {where} more than by chance."
    return (
        HOLDS_UP,
        (
            "What its maps mark matters more to the network than what any control marks, on "
            f"{over_best} of {len(TESTS)} tests."
        ),
    )


def _above(measured: Measured, limit: float) -> bool:
    return measured["low"] is not None and measured["low"] > limit
