"""The check at the start of every training: what needs no further reading of the images."""

from __future__ import annotations

from zoo.base.types import Dataset
from zoo.checks import depths, duplicates, inventory, patients
from zoo.checks.findings import Finding
from zoo.data.verify import Verified


def quick(verified: Verified) -> list[Finding]:
    """Find patients in two parts, copies, mixed depths, small or very unequal parts.

    Only parts that the source itself gives are compared: what training divides on its own keeps
    patients and identical images together. Unreadable images and unknown patients are not named
    again: reading the data has refused the ones and told of the others.
    """
    dataset = verified.dataset
    digests = [verified.digests[s.name] for s in dataset.samples]
    return [
        *parts(dataset),
        *depths.depths(verified.levels, dataset.bits),
        *duplicates.exact(duplicates.places(dataset), digests),
    ]


def parts(dataset: Dataset) -> list[Finding]:
    """Find what the index alone tells: patients in two parts, small or very unequal parts."""
    return [
        *patients.overlap(dataset),
        *inventory.small_validation(dataset),
        *inventory.imbalance(dataset),
    ]
