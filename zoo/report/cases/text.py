"""What a report of one explained image needs, as plain data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.base.explanations import Examples, Explanation, Neighbour
from zoo.base.number_text import percent, probability
from zoo.interpret.case import Case

if TYPE_CHECKING:
    from zoo.interpret.trust.agreement import Agreement

PAIRS_TOLD = 3
"""Pairs of maps that are told one by one."""
RARE = 0.05
"""Share of the validation cases below which an agreement is said to be unusual."""


def prediction_text(case: Case) -> str:
    """Say the prediction: `PNEUMONIA, probability 93 %`, or that none is made and why."""
    if case.refused:
        return f"{case.refused}. {case.reason}"
    return (
        f"{case.class_names[case.predicted]}, probability {probability_texts(case)[case.predicted]}"
    )


def probability_texts(case: Case) -> tuple[str, ...]:
    """Write the probabilities; none is ever certain."""
    return tuple(probability(float(value)) for value in case.probabilities)


def agreement_text(case: Case, examples: Examples) -> str:
    """Say how many of the nearest cases share the target's label."""
    target = case.class_names[examples.target]
    number = examples.details.get("neighbours", 0)
    if not isinstance(number, int) or number < 1:
        return "There is no case to compare with"
    return f"{round(examples.agreement * number)} of {number} nearest training cases are {target}"


def credibility_text(examples: Examples) -> str:
    """Say how usual such an agreement is; empty when it cannot be told."""
    if examples.credibility is None:
        return ""
    share = percent(examples.credibility, 0)
    told = f"Credibility {share}: of the validation cases, {share} have neighbours that agree"
    worse = f"{told} no better with their label."
    return f"{worse} That is unusual: doubt the answer." if examples.credibility < RARE else worse


def agreement_of(case: Case) -> float | None:
    """Return the share of the nearest cases with the target's label, or None without any."""
    for examples in case.examples:
        if any(group.cases for group in examples.groups):
            return examples.agreement
    return None


def likeness_texts(case: Case) -> list[str]:
    """Say in a line or a few how alike the maps are; of many, how many pairs are."""
    pairs = case.agreements
    if len(pairs) <= PAIRS_TOLD:
        return [_pair_text(pair) for pair in pairs]
    agreeing = sum(pair.agrees for pair in pairs)
    least = _pair_text(min(pairs, key=lambda pair: pair.overlap))
    return [f"Of {len(pairs)} pairs of maps {agreeing} mark the same places. Least alike: {least}"]


def _pair_text(pair: Agreement) -> str:
    places = "the same places" if pair.agrees else "different places"
    return (
        f"{' and '.join(pair.methods)} mark {places}: {percent(pair.overlap, 0)} of the highest "
        f"tenth in common, rank correlation {pair.rank:.2f}."
    )


def tally(case: Case) -> dict[str, int]:
    """Count the maps that are shown by what they are worth."""
    levels = [case.trust[a.method].level for a in case.attributions if a.method in case.trust]
    return {level: levels.count(level) for level in dict.fromkeys(levels)}


def neighbour_label(case: Case, neighbour: Neighbour) -> str:
    """Return the class name of a reference case; empty when the run keeps none."""
    if case.reference is None:
        return ""
    return case.class_names[int(case.reference.labels[neighbour.index])]


def thumbnail(case: Case, neighbour: Neighbour) -> bytes | None:
    """Return the encoded picture of a reference case, or None when there is none."""
    if case.reference is None or not case.reference.thumbnails:
        return None
    return case.reference.thumbnails[neighbour.index]


def fact(key: str, value: float | int | str) -> tuple[str, str]:
    """Write one detail of an explanation in plain words and few digits."""
    return key.replace("_", " "), f"{value:.3g}" if isinstance(value, float) else str(value)


def explanation_text(case: Case, explanation: Explanation) -> str:
    """Say in one line what a method found and whether to believe it, for a terminal."""
    if isinstance(explanation, Examples):
        return agreement_text(case, explanation)
    if judged := case.trust.get(explanation.method):
        return f"{judged.level}. {judged.reason}".rstrip()
    facts = ", ".join(
        f"{name} {text}" for name, text in (fact(*item) for item in explanation.details.items())
    )
    target = case.class_names[explanation.target]
    return f"evidence for {target}" + (f" ({facts})" if facts else "")
