"""Copies: identical images and near duplicates, between parts, between labels or inside one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.base.progress import SILENT, Progress
from zoo.base.types import Dataset
from zoo.checks.findings import ERROR, NOTE, Finding, counted
from zoo.checks.similarity import similar_pairs
from zoo.checks.source_images import OWN, SourceImages

ACROSS_PARTS = "Keep each picture in one part only; scores on the other part are too good."

ACROSS_LABELS = "Look at them: all but one of these labels are wrong, or all of them are unsure."


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image stands: its class, and the part of the source that it is in ('' if none)."""

    name: str
    label: str
    part: str


def places(dataset: Dataset) -> list[Place]:
    """Return the place of every image."""
    return [Place(s.name, dataset.class_names[s.label], s.split) for s in dataset.samples]


def identical(digests: Sequence[str]) -> list[list[int]]:
    """Return the groups of images, by number, whose stored content is the same."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, digest in enumerate(digests):
        members[digest].append(index)
    return [group for group in members.values() if len(group) > 1]


def exact(everything: Sequence[Place], digests: Sequence[str]) -> list[Finding]:
    """Find identical images: errors between parts or labels, a note inside one part and class."""
    groups = identical(digests)
    return _findings(everything, groups, "duplicates", "identical images")


def near(everything: Sequence[Place], groups: Sequence[Sequence[int]]) -> list[Finding]:
    """Find near duplicates, given as groups of images, by number, that show the same picture."""
    return _findings(everything, groups, "near duplicates", "pictures that are nearly the same")


def connected(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Join pairs that share an image into groups."""
    group_of: dict[int, list[int]] = {}
    for a, b in pairs:
        first, second = group_of.setdefault(a, [a]), group_of.setdefault(b, [b])
        if first is not second:
            first.extend(second)
            for member in second:
                group_of[member] = first
    unique = {id(group): sorted(group) for group in group_of.values()}
    return sorted(unique.values())


def _findings(
    everything: Sequence[Place], groups: Sequence[Sequence[int]], kind: str, noun: str
) -> list[Finding]:
    kinds: Mapping[str, list[tuple[str, ...]]] = {"parts": [], "labels": [], "": []}
    pairs_of_parts: set[str] = set()
    for group in groups:
        members = [everything[index] for index in group]
        names = tuple(member.name for member in members)
        parts = {member.part for member in members} - {""}
        labels = {member.label for member in members} - {""}
        if len(parts) > 1:
            kinds["parts"].append(names)
            pairs_of_parts.add(" and ".join(sorted(parts)))
        if len(labels) > 1:
            kinds["labels"].append(names)
        if len(parts) < 2 and len(labels) < 2:
            kinds[""].append(names)
    findings = []
    if listed := kinds["parts"]:
        between = "; ".join(sorted(pairs_of_parts))
        findings.append(
            Finding(
                ERROR,
                f"{kind} between parts",
                f"{counted(len(listed), 'group')} of {noun} in more than one part ({between}).",
                ACROSS_PARTS,
                groups=tuple(listed),
            )
        )
    if listed := kinds["labels"]:
        findings.append(
            Finding(
                ERROR,
                f"{kind} with different labels",
                f"{counted(len(listed), 'group')} of {noun} under different labels.",
                ACROSS_LABELS,
                groups=tuple(listed),
            )
        )
    if listed := kinds[""]:
        surplus = sum(len(names) - 1 for names in listed)
        findings.append(
            Finding(
                NOTE,
                kind,
                f"{counted(len(listed), 'group')} of {noun} ({surplus:,} surplus), each inside one "
                "part and class.",
                "They weigh more than once; keep one of each. Identical images stay together when "
                "parts are split off.",
                groups=tuple(listed),
            )
        )
    return findings


def copies(
    own: SourceImages, other: SourceImages | None, progress: Progress = SILENT
) -> tuple[dict[str, int], list[Finding]]:
    """Return the numbers of `own` for the result, and the findings of both.

    Every image of another source counts as one more part, so a copy there is an error.
    """
    materials = [own] if other is None else [own, other]
    places = [place for material in materials for place in _places(material, other is not None)]
    digests = [digest for material in materials for digest in material.digests]
    same = identical(digests)
    # Of identical images one stands for all: 1,000 copies would make half a million pairs.
    first: dict[str, int] = {}
    for index, digest in enumerate(digests):
        first.setdefault(digest, index)
    gray = own.gray if other is None else np.concatenate([m.gray for m in materials])
    pairs = similar_pairs(gray, np.array(sorted(first.values())), progress)
    members = {digests[group[0]]: group for group in same}
    groups = [
        [index for one in group for index in members.get(digests[one], [one])]
        for group in connected(pairs.tolist())
    ]
    inside = len(own.samples)
    own_groups = identical(own.digests)
    near_pairs = int((pairs < inside).all(axis=1).sum())
    numbers = {
        "exact_groups": len(own_groups),
        "surplus": sum(len(group) - 1 for group in own_groups),
        "near_pairs": near_pairs,
        "pairs": near_pairs + sum(len(g) * (len(g) - 1) // 2 for g in own_groups),
    }
    return numbers, [*exact(places, digests), *near(places, groups)]


def _places(material: SourceImages, beside_another: bool) -> list[Place]:
    names = material.dataset.class_names
    undivided = OWN if beside_another else ""
    return [
        Place(name, names[s.label], material.source or s.split or undivided)
        for s, name in zip(material.samples, material.names.tolist(), strict=True)
    ]
