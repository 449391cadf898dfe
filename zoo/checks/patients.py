"""Patients who are in more than one part, and sets in which nobody is known."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

from zoo.base.types import SPLITS, Dataset
from zoo.checks.findings import ERROR, NOTE, Finding, counted


def overlap(dataset: Dataset) -> list[Finding]:
    """Find patients with images in two parts that the source gives, for each pair of parts."""
    images: dict[str, dict[str, list[str]]] = {part: defaultdict(list) for part in SPLITS}
    for sample in dataset.samples:
        if sample.split in images:
            images[sample.split][sample.patient].append(sample.name)
    findings = []
    for a, b in combinations(SPLITS, 2):
        shared = sorted(images[a].keys() & images[b].keys())
        if shared:
            findings.append(
                Finding(
                    ERROR,
                    "patients in two parts",
                    f"{counted(len(shared), 'patient')} in both the {a} and the {b} part, such as "
                    f"'{shared[0]}' (patient rule: {dataset.patient_rule}): scores on the {b} part "
                    "are too good.",
                    f"Move all images of a patient to one part, or take them out of {a}. If these "
                    "are different people, the patient rule is wrong: choose another, "
                    "'?patients=RULE', or name patients in a table.",
                    groups=tuple((*images[a][who], *images[b][who]) for who in shared),
                )
            )
    return findings


def unknown(dataset: Dataset) -> list[Finding]:
    """Find that every image counts as a patient of its own, so that no overlap can be seen."""
    if any(s.patient != s.name for s in dataset.samples):
        return []
    return [
        Finding(
            NOTE,
            "patients unknown",
            "No patient is known: every image counts as a patient of its own, and one patient in "
            "two parts goes unseen.",
            "Choose a rule that finds the patient in the file name, '?patients=RULE', or use a "
            "table with the column 'patient'.",
        )
    ]
