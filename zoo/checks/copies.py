"""Search a source, and another one beside it, for identical and nearly identical images."""

from __future__ import annotations

import numpy as np

from zoo.checks import duplicates
from zoo.checks.duplicates import Place
from zoo.checks.findings import Finding
from zoo.checks.material import OWN, Material
from zoo.checks.similarity import similar_pairs


def copies(own: Material, other: Material | None) -> tuple[dict[str, int], list[Finding]]:
    """Return the numbers of `own` for the result, and the findings of both.

    Every image of another source counts as one more part, so a copy there is an error.
    """
    materials = [own] if other is None else [own, other]
    places = [place for material in materials for place in _places(material, other is not None)]
    digests = [digest for material in materials for digest in material.digests]
    identical = duplicates.identical(digests)
    # Of identical images one stands for all: 1,000 copies would make half a million pairs.
    first: dict[str, int] = {}
    for index, digest in enumerate(digests):
        first.setdefault(digest, index)
    unique = np.array(sorted(first.values()))
    seen = [m.features for m in materials if m.features is not None]
    pairs = [
        (int(unique[a]), int(unique[b]))
        for a, b, _ in similar_pairs(
            np.concatenate([m.gray for m in materials])[unique],
            np.concatenate([m.hashes for m in materials])[unique],
            np.concatenate(seen)[unique] if len(seen) == len(materials) else None,
        )
    ]
    members = {digests[group[0]]: group for group in identical}
    groups = [
        [index for one in group for index in members.get(digests[one], [one])]
        for group in duplicates.connected(pairs)
    ]
    inside = len(own.samples)
    own_groups = duplicates.identical(own.digests)
    near_pairs = sum(a < inside and b < inside for a, b in pairs)
    numbers = {
        "exact_groups": len(own_groups),
        "surplus": sum(len(group) - 1 for group in own_groups),
        "near_pairs": near_pairs,
        "pairs": near_pairs + sum(len(g) * (len(g) - 1) // 2 for g in own_groups),
    }
    return numbers, [*duplicates.exact(places, digests), *duplicates.near(places, groups)]


def _places(material: Material, beside_another: bool) -> list[Place]:
    names = material.dataset.class_names
    undivided = OWN if beside_another else ""
    return [
        Place(name, names[s.label], material.source or s.split or undivided)
        for s, name in zip(material.samples, material.names.tolist(), strict=True)
    ]
