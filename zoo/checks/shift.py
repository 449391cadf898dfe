"""Do two sets of images come from the same place? A classifier tries to tell them apart.

Sources: Lopez-Paz and Oquab, "Revisiting classifier two-sample tests", 2017; Rabanser, Günnemann
and Lipton, "Failing loudly: an empirical study of methods for detecting dataset shift", 2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.number_text import percent, value_text
from zoo.base.progress import SILENT, Progress
from zoo.base.types import TEST, TRAIN, VALIDATION
from zoo.checks.findings import NOTE, WARNING, Finding
from zoo.checks.held_out import probabilities
from zoo.checks.source_images import OWN, SourceImages
from zoo.data.baselines import fold_numbers
from zoo.stats.delong import roc_auc
from zoo.stats.intervals import stands_out
from zoo.stats.sampling import in_proportion

WARNED = 0.6
SHOWN = 12
COMPARED = 20_000
"""Images of a side at most: a ROC-AUC among so many is known to one in a hundred."""
FEWEST_PATIENTS = 20
"""Parts with fewer are not compared: chance alone would tell them apart."""
PRIOR_P, PRIOR_GAP = 0.01, 0.05
"""Class shares are called different below this p and from this difference on."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of two sets: `features` is `(n, features)`, `labels` is `(n,)` int."""

    title: str
    features: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    names: np.ndarray
    class_names: tuple[str, ...]


def shifts(
    own: SourceImages,
    features: np.ndarray,
    other: SourceImages | None,
    other_features: np.ndarray,
    progress: Progress = SILENT,
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Compare the training part with the source's other parts and with another source.

    `features` is `(n, features)`, comparable with `other_features`. Parts of fewer than 20
    patients are passed over.
    """
    entries, findings = [], []
    for a, b in _sides(own, features, other, other_features):
        entry, told = shift_between(a, b, progress)
        entries.append(entry)
        findings += told
    return entries, findings


def _sides(
    own: SourceImages, features: np.ndarray, other: SourceImages | None, other_features: np.ndarray
) -> Iterator[tuple[Side, Side]]:
    """Yield what is compared, one pair after the other: each is a copy of its features."""
    split = np.array([s.split for s in own.samples])
    base = np.flatnonzero(split != TEST)  # what will be trained on, divided or not
    for part in (VALIDATION, TEST):
        rows, train = np.flatnonzero(split == part), np.flatnonzero(split == TRAIN)
        if min(len(np.unique(own.patients[r])) for r in (rows, train)) >= FEWEST_PATIENTS:
            yield _side(own, features, train, TRAIN), _side(own, features, rows, part)
    if other is not None:
        rows = base if len(base) else np.arange(len(split))
        title = TRAIN if (split == TRAIN).any() else OWN
        everything = np.arange(len(other.samples))
        there = _side(other, other_features, everything, other.source)
        yield _side(own, features, rows, title), there


def _side(material: SourceImages, features: np.ndarray, rows: np.ndarray, title: str) -> Side:
    return Side(
        title,
        features[rows],
        material.labels[rows],
        material.patients[rows],
        material.names[rows],
        material.dataset.class_names,
    )


def shift_between(
    a: Side, b: Side, progress: Progress = SILENT
) -> tuple[dict[str, Any], list[Finding]]:
    """Compare two sets: plain data for the result, and the findings.

    Where both have the same classes, `a` is thinned out to the class shares of `b` first, so that
    the ROC-AUC speaks of how the images look and the shares are compared on their own. Of more
    than 20,000 images of a side so many are told apart, the classes in proportion. `names` are the
    images of `b` that are told most easily.
    """
    same_classes = a.class_names == b.class_names
    kept_a, kept_b = _matched(a.labels, b.labels) if same_classes else _everything(a, b)
    kept_a, kept_b = _fewer(kept_a, a.labels), _fewer(kept_b, b.labels)
    features = np.concatenate([a.features[kept_a], b.features[kept_b]])
    truth = np.repeat([False, True], [len(kept_a), len(kept_b)])
    patients = np.concatenate([a.patients[kept_a], b.patients[kept_b]])
    prior = {side.title: _shares(side) for side in (a, b)}
    p = _prior_p(a, b) if same_classes else None
    entry: dict[str, Any] = {
        "between": [a.title, b.title],
        "roc_auc": {"value": None, "low": None, "high": None},
        "names": [],
        "prior": prior,
        "prior_p": p,
    }
    findings = _prior_findings(a.title, b.title, prior, p)
    try:
        folds = fold_numbers(truth, patients)
        # Where the chance of `b` rounds to 1, that of `a` still tells one from another.
        chances = probabilities(features, truth.astype(np.int64), folds, progress, "shift")
        scores = -chances[:, 0]
    except (BadInput, ValueError) as error:
        return entry, [*findings, _not_measured(a.title, b.title, str(error))]
    entry["roc_auc"] = roc_auc(truth, scores, patients)
    order = np.argsort(-scores[truth], kind="stable")[:SHOWN]
    entry["names"] = b.names[kept_b][order].tolist()
    if stands_out(entry["roc_auc"], WARNED):
        findings.insert(0, _apart(entry))
    return entry, findings


def _fewer(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return rows[in_proportion(labels[rows], COMPARED)]


def _everything(a: Side, b: Side) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(len(a.labels)), np.arange(len(b.labels))


def _matched(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose rows of both so that the shares of their common classes are those of `b`."""
    random = np.random.default_rng(0)
    common = sorted(set(a.tolist()) & set(b.tolist()))
    if not common:
        return np.arange(len(a)), np.arange(len(b))
    times = min((a == label).sum() / (b == label).sum() for label in common)
    kept = [
        random.permutation(np.flatnonzero(a == label))[: max(1, round(times * (b == label).sum()))]
        for label in common
    ]
    return np.sort(np.concatenate(kept)), np.flatnonzero(np.isin(b, common))


def _shares(side: Side) -> dict[str, float]:
    number = np.bincount(side.labels, minlength=len(side.class_names))
    return {
        name: float(share)
        for name, share in zip(side.class_names, number / max(1, number.sum()), strict=True)
    }


def _prior_p(a: Side, b: Side) -> float | None:
    """Return the p of a chi-square test that both have the same share of patients per class."""
    from scipy.stats import chi2_contingency

    table = np.array([_patients_of_classes(side) for side in (a, b)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return None
    return float(chi2_contingency(table).pvalue)


def _patients_of_classes(side: Side) -> list[int]:
    return [
        len(np.unique(side.patients[side.labels == label]))
        for label in range(len(side.class_names))
    ]


def _apart(entry: dict[str, Any]) -> Finding:
    a, b = entry["between"]
    return Finding(
        WARNING,
        "shift",
        f"Images of {a} and {b} can be told apart: ROC-AUC {value_text(entry['roc_auc'])}, where "
        "0.5 is no difference.",
        "A score on one says less about the other: look at those that are told most easily, and "
        "find out how they were made.",
        names=tuple(entry["names"]),
    )


def _prior_findings(
    a: str, b: str, prior: dict[str, dict[str, float]], p: float | None
) -> list[Finding]:
    if p is None or p >= PRIOR_P:
        return []
    gaps = {name: abs(share - prior[b][name]) for name, share in prior[a].items()}
    name = max(gaps, key=lambda key: gaps[key])
    if gaps[name] < PRIOR_GAP:
        return []
    return [
        Finding(
            NOTE,
            "class shares",
            f"{name} is {percent(prior[a][name], 0)} of {a} and {percent(prior[b][name], 0)} of "
            f"{b} (chi-square by patient, p = {p:.2g}).",
            "Probabilities and thresholds that fit one do not fit the other.",
        )
    ]


def _not_measured(a: str, b: str, reason: str) -> Finding:
    return Finding(
        NOTE,
        "shift",
        f"Whether {a} and {b} can be told apart could not be measured: {reason}",
        "Check again with more patients.",
    )
