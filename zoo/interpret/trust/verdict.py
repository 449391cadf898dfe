"""The rules by which a heat map holds up, is weak or is not to be used, all in one place.

How far the maps of other methods agree comes on top: `zoo.interpret.trust.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.base.number_text import percent
from zoo.interpret.trust.comparison import MEASURES, MeasureRow, by_chance, compare, title
from zoo.interpret.trust.randomisation import ALIKE, Randomisation
from zoo.interpret.trust.stability import Stability

if TYPE_CHECKING:
    from zoo.interpret.trust.localisation import Shares
    from zoo.interpret.trust.perturbation import Faithfulness

HOLDS_UP, WEAK, DO_NOT_USE = "holds up", "weak", "do not use"
NOT_JUDGED = "not judged enough"
"""Nothing is known against the map, and too little for it."""
ENOUGH = 2
"""Tests by perturbation, of three, that must be able to tell a good map from a bad one."""

STABLE = 0.5
"""Rank correlation under noise that nobody sees. Its square is what the two maps share: below 0.5
less than a quarter, so that the map shows the noise rather than the image."""
ADDITIVE = 0.01
"""Share of the evidence by which parts may fail to add up to the whole. Sums are exact but for
rounding, or integrals but for their steps; one that is not comes from parts that were never
evaluated, or too few of them."""
ERRORS = ("additivity error", "completeness error")
"""Details by which a method says how far its parts miss the whole."""
FIT, FITTING = "R2 of the fit", 0.5
"""The detail by which a method says how well a simple model, whose weights it shows, tells the
network's answers that it was not fitted to; below half of their spread, it is another model."""
ONCE = " (one try)"
UNKNOWN = "not measured"
UNSHUFFLED = "not measured: the weights lie in an ONNX file and cannot be shuffled"


@dataclass(frozen=True)
class Trust:
    """Whether to believe a map, the most important reason in one sentence, and all that was seen.

    `depends` is False when the method gives (nearly) the same map whatever the network learned.
    `hurried`: time ran out before the map could be tested on the image.
    """

    level: str
    reason: str
    rows: tuple[MeasureRow, ...]
    depends: bool
    hurried: bool = False


@dataclass(frozen=True, eq=False, kw_only=True)
class Evidence:
    """All that is known of one map; what was not measured is None or empty.

    `values` is `(height, width)`. `scores` is the network's ROC-AUC on parts of its data, as
    `metrics.json` has it, by part. `controls` are of the same image; `shares` are of `place`.
    `shuffled` is False where the weights of the network cannot be.
    """

    values: np.ndarray
    details: Mapping[str, float | int | str] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    randomisation: Randomisation | None = None
    shuffled: bool = True
    faithfulness: Faithfulness | None = None
    controls: Mapping[str, Faithfulness] = field(default_factory=dict)
    stability: Stability | None = None
    shares: Shares | None = None
    place: str = "the lungs"


@dataclass(frozen=True)
class _Finding:
    level: str
    reason: str
    rows: tuple[MeasureRow, ...] = ()


def judge_map(evidence: Evidence) -> Trust:
    """Apply the rules in the order of their weight: the first that fails gives the reason.

    A map is not to be used when it could say nothing true: the network is not shown to be better
    than chance, the method ignores the network, the map is empty, changes with what nobody sees,
    does not add up, or marks nothing better than chance would. It is weak when it is of a model
    that does not fit, marks no more than the middle or the edges of the image do, or lies outside
    the lungs. Where fewer than two tests could have failed, it is not judged enough. Otherwise it
    holds up.
    """
    findings = [rule(evidence) for rule in RULES]
    level = next(
        (
            bad
            for bad in (DO_NOT_USE, WEAK, NOT_JUDGED)
            if any(one.level == bad for one in findings)
        ),
        HOLDS_UP,
    )
    reason = next((one.reason for one in findings if one.level == level and one.reason), "")
    rows = tuple(row for one in findings for row in one.rows)
    depends = evidence.randomisation is None or evidence.randomisation.depends
    return Trust(level, reason, rows, depends, hurried=evidence.faithfulness is None)


def _network(evidence: Evidence) -> _Finding:
    """A network that cannot tell the classes has no reasons that a map could show."""
    rows, shown = [], bool(evidence.scores)
    for part, score in evidence.scores.items():
        low = score.get("low")
        passed = low is not None and low > 0.5
        shown &= passed
        value = f"{score['value']:.2f}" + ("" if low is None else f" (from {low:.2f})")
        rows.append(MeasureRow(f"ROC-AUC of the network ({part})", value, "chance 0.50", passed))
    if not rows:
        rows.append(MeasureRow("ROC-AUC of the network", UNKNOWN, "chance 0.50", None))
    if shown:
        return _Finding(HOLDS_UP, "", tuple(rows))
    reason = "The network itself is not shown to be better than chance."
    return _Finding(DO_NOT_USE, reason, tuple(rows))


def _weights(evidence: Evidence) -> _Finding:
    """Randomisation, Adebayo 2018: see `ALIKE`."""
    name, randomisation = "likeness to maps of random networks", evidence.randomisation
    if randomisation is None:
        value = UNKNOWN if evidence.shuffled else UNSHUFFLED
        return _Finding(HOLDS_UP, "", (MeasureRow(name, value, f"below {ALIKE}", None),))
    row = MeasureRow(name, f"{randomisation.rank[-1]:.2f}", f"below {ALIKE}", randomisation.depends)
    if randomisation.depends:
        return _Finding(HOLDS_UP, "", (row,))
    reason = "The method gives nearly the same map for a network that has learned nothing."
    return _Finding(DO_NOT_USE, reason, (row,))


def _content(evidence: Evidence) -> _Finding:
    """A map without a difference between places says nothing about places."""
    if not np.isfinite(evidence.values).all():
        return _Finding(DO_NOT_USE, "The map has values that are not numbers.")
    if evidence.values.min() == evidence.values.max():
        return _Finding(DO_NOT_USE, "The map is empty: it has the same value everywhere.")
    return _Finding(HOLDS_UP, "")


def _stability(evidence: Evidence) -> _Finding:
    stability = evidence.stability or Stability(None, None)
    tried = (
        (
            "same under noise of one gray level",
            stability.noise,
            stability.tries,
            "Noise that nobody can see gives another map.",
        ),
        (
            "same with other random numbers",
            stability.repeat,
            stability.repeats,
            "The same image gives another map when it is explained again.",
        ),
    )
    against = f"{STABLE} or more"
    rows = tuple(
        MeasureRow(name, f"{value:.2f}{ONCE * (times == 1)}", against, value >= STABLE)
        for name, value, times, _ in tried
        if value is not None
    ) or (MeasureRow(tried[0][0], UNKNOWN, against, None),)
    for _, value, _, reason in tried:
        if value is not None and value < STABLE:
            return _Finding(DO_NOT_USE, reason, rows)
    return _Finding(HOLDS_UP, "", rows)


def _additivity(evidence: Evidence) -> _Finding:
    """A method that claims to share out the evidence tells how far its parts miss the whole."""
    name = next((one for one in ERRORS if one in evidence.details), "")
    error = evidence.details.get(name)
    if not isinstance(error, (int, float)):
        return _Finding(HOLDS_UP, "")
    evidence_in_all = float(np.abs(evidence.values).sum(dtype=np.float64))
    share = error / evidence_in_all if evidence_in_all else 0.0
    row = MeasureRow(
        name, percent(share), f"at most {percent(ADDITIVE, 0)}", bool(share <= ADDITIVE)
    )
    if row.passed:
        return _Finding(HOLDS_UP, "", (row,))
    return _Finding(DO_NOT_USE, "The map's parts do not add up to the network's answer.", (row,))


def _fit(evidence: Evidence) -> _Finding:
    """A method that explains a simple model tells how alike that is to the network."""
    fit = evidence.details.get(FIT)
    if not isinstance(fit, (int, float)):
        return _Finding(HOLDS_UP, "")
    row = MeasureRow(FIT, f"{fit:.2f}", f"{FITTING} or more", bool(fit >= FITTING))
    if row.passed:
        return _Finding(HOLDS_UP, "", (row,))
    reason = "The simple model that the map shows does not answer as the network does."
    return _Finding(WEAK, reason, (row,))


def _faithfulness(evidence: Evidence) -> _Finding:
    """What the map marks must matter more to the network than what the controls mark."""
    if evidence.faithfulness is None:
        rows = tuple(MeasureRow(title(*m[:2]), UNKNOWN, "", None) for m in MEASURES)
        reason = "Time ran out before the map could be tested on this image."
        return _Finding(NOT_JUDGED, reason, rows)
    tests = [compare(evidence.faithfulness, evidence.controls, *measure) for measure in MEASURES]
    rows = tuple(test.row for test in tests)
    if not by_chance(evidence.controls):
        reason = "The map was not compared with itself put elsewhere, so it cannot be judged."
        return _Finding(NOT_JUDGED, reason, rows)
    told = sum(test.told for test in tests)
    over_random = sum(test.told and test.over_random for test in tests)
    over_all = sum(test.told and test.over_all for test in tests)
    if not told:
        reason = (
            "The answer hardly changes with what is removed from this image, so that the map "
            "cannot be tested on it."
        )
        return _Finding(NOT_JUDGED, reason, rows)
    if told < ENOUGH:
        reason = (
            f"Only {told} of {len(tests)} tests could have failed on this image, which is too few "
            "to judge the map."
        )
        return _Finding(NOT_JUDGED, reason, rows)
    if 2 * over_random < told:
        reason = "What the map marks matters no more to the network than itself put elsewhere."
        return _Finding(DO_NOT_USE, reason, rows)
    if 2 * over_random == told:
        reason = "The map beats itself put elsewhere on only half of the tests."
        return _Finding(WEAK, reason, rows)
    if 2 * over_all <= told:
        reason = (
            "The map is better than chance, but the middle of the image or its edges would do as "
            "well."
        )
        return _Finding(WEAK, reason, rows)
    reason = (
        f"What the map marks matters more to the network than every control does, on "
        f"{over_all} of {told} tests."
    )
    return _Finding(HOLDS_UP, reason, rows)


def _located(evidence: Evidence) -> _Finding:
    shares, place = evidence.shares, evidence.place
    if shares is None:
        return _Finding(HOLDS_UP, "")
    row = MeasureRow(
        f"evidence inside {place}",
        percent(shares.inside, 0),
        f"{percent(shares.area, 0)} of the area",
        bool(shares.inside > shares.area),
    )
    if row.passed:
        return _Finding(HOLDS_UP, "", (row,))
    reason = f"The evidence lies no more inside {place} than it would by chance."
    return _Finding(WEAK, reason, (row,))


RULES: tuple[Callable[[Evidence], _Finding], ...] = (
    _network,
    _weights,
    _content,
    _stability,
    _additivity,
    _fit,
    _faithfulness,
    _located,
)
