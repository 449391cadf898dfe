"""The check at the start of every training: what needs no further reading of the images."""

from __future__ import annotations

from zoo.check import duplicates, inventory, patients
from zoo.check.findings import Finding
from zoo.types import Dataset
from zoo.verification import Verified


def quick(verified: Verified) -> list[Finding]:
    """Find unreadable images, patients in two parts, copies, small or very unequal parts.

    Only parts that the source itself gives are compared: what training divides on its own keeps
    patients and identical images together.
    """
    dataset = verified.dataset
    digests = [verified.digests[s.name] for s in dataset.samples]
    return [
        *inventory.unreadable(verified.broken),
        *parts(dataset),
        *duplicates.exact(duplicates.places(dataset), digests),
    ]


def parts(dataset: Dataset) -> list[Finding]:
    """Find what the index alone tells: patients in two parts, small or very unequal parts."""
    return [
        *patients.overlap(dataset),
        *patients.unknown(dataset),
        *inventory.small_validation(dataset),
        *inventory.imbalance(dataset),
    ]
