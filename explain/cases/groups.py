"""Which known cases are shown with an image, each for one reason, and how they vote."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from explain.cases import doubts, representers
from explain.cases.doubts import credibility
from explain.cases.neighbours import Index, cosine_distances, index_of, shares
from explain.cases.regions import Regions, matching
from explain.cases.representers import Contributions, Representers, contributions
from explain.kept import kept
from zoo import Classifier, Examples, Group, Images, Neighbour, Reference
from zoo.base.number_text import probability

CHUNK = 32
"""Images a step; a classifier remembers its last pass over an array that is no longer."""
ALMOST = 0.1
"""Share of a class's cases, those with the smallest margins, that count as almost over the line."""
FEWEST = 5
"""Cases that count so at least."""
COMPARED = ("similar", "contribution")
"""Groups whose first cases are compared with the image place by place."""
COSINE = "cosine distance"
UNLIKE = "the image looks different from this one"
"""A remark on a case that counts since the image does not resemble it."""


@dataclass(frozen=True, eq=False)
class Head:
    """What a linear last layer says of the reference cases.

    `logits` and `probabilities` are `(cases, classes)`, `doubtful` is `(cases,)` bool, `almost` is
    `(cases, classes)` bool: cases of the class that are almost over the line.
    """

    weights: np.ndarray
    bias: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    doubtful: np.ndarray
    almost: np.ndarray
    contributions: Contributions


@dataclass(frozen=True, eq=False)
class _Query:
    """One image and everything that is known of its cases."""

    target: int
    own: np.ndarray
    distances: np.ndarray
    deciding: np.ndarray | None
    """`(cases,)` distances by contribution; None without a linear head."""
    embedding: np.ndarray
    products: np.ndarray
    """`(cases,)` of the embedding with those of the cases."""


class Finder:
    """The cases of a run, ready to be chosen from: `counts` says how many a group shows."""

    def __init__(
        self, classifier: Classifier, reference: Reference, counts: Mapping[str, int]
    ) -> None:
        self.classifier, self.reference, self.counts = classifier, reference, counts
        self.index: Index = index_of(reference)

    def explain(self, method: str, images: Images, targets: Sequence[int]) -> list[Examples]:
        """Return the cases for each image, worked through in parts."""
        if len(targets) <= CHUNK:
            return self._explain(method, images, targets)
        return [
            examples
            for start in range(0, len(targets), CHUNK)
            for examples in self._explain(method, *_part(images, targets, start))
        ]

    def _explain(self, method: str, images: Images, targets: Sequence[int]) -> list[Examples]:
        if not len(targets):
            return []
        queries = self._queries(images, targets)
        votes = [self._voters(query) for query in queries]
        chosen = [list(self._groups(query)) for query in queries]
        wanted = [_compared(groups, self.counts["regions"]) for groups in chosen]
        alike = matching(self.classifier, images.pixels, targets, self.reference, wanted)
        return [
            Examples(
                method,
                query.target,
                tuple(_with_regions(group, regions, self.counts["regions"]) for group in groups),
                *self._vote(query, voters),
                details={
                    "neighbours": len(voters),
                    "left out": int(query.own.sum()),
                    "patient": "known" if patient else "unknown",
                },
            )
            for query, voters, groups, regions, patient in zip(
                queries, votes, chosen, alike, images.patients, strict=True
            )
        ]

    def _queries(self, images: Images, targets: Sequence[int]) -> list[_Query]:
        """Compare each image with all cases: two products serve all groups."""
        embeddings, wanted = self.classifier.embeddings(images.pixels), np.asarray(targets)
        units = self.index.unit(embeddings)
        deciding: Sequence[np.ndarray | None] = [None] * len(units)
        if self.head is not None and self.counts["contribution"]:
            of_head = self.head.contributions
            weighted = self.index.products(of_head.vectors(units, wanted))
            deciding = list(of_head.distances(weighted, units, wanted))
        products = self.index.products(units)
        distances, lengths = cosine_distances(products), np.linalg.norm(embeddings, axis=1)
        return [
            _Query(
                target=int(target),
                own=self.index.own(distances[i], images.patients[i], images.digests[i]),
                distances=distances[i],
                deciding=deciding[i],
                embedding=embeddings[i],
                products=products[i] * self.index.lengths * lengths[i],
            )
            for i, target in enumerate(wanted)
        ]

    def _voters(self, query: _Query) -> list[int]:
        everyone = np.ones(len(query.own), bool)
        return self.index.nearest(query.distances, everyone, self.counts["agreement"], query.own)

    def _vote(self, query: _Query, voters: Sequence[int]) -> tuple[float, float | None]:
        """Return agreement and credibility."""
        agreement = shares(self.index.labels, voters, query.target)
        told = credibility(self.reference, agreement, self.counts["agreement"]) if voters else None
        return agreement, told

    def _groups(self, query: _Query) -> Iterator[Group]:
        """Yield the groups that have a case, in their order."""
        everyone = np.ones(len(query.own), bool)
        name = self.classifier.class_names[query.target]
        title = f"Alike in what speaks for or against {name}"
        groups = [
            self._group(query, "similar", "Most alike to the network", query.distances, everyone),
            query.deciding is not None
            and self._group(query, "contribution", title, query.deciding, everyone),
            self._group(
                query,
                "contrast",
                "Nearest with another label",
                query.distances,
                self.index.labels != query.target,
            ),
            *self._judged_by_head(query, name),
        ]
        yield from (group for group in groups if group and group.cases)

    def _judged_by_head(self, query: _Query, name: str) -> Iterator[Group]:
        if self.head is None:
            return
        yield self._group(
            query,
            "almost",
            f"Nearest {name} that are almost over the line",
            query.distances,
            self.head.almost[:, query.target],
        )
        if not self.counts["pushed"]:
            return
        made_of = _representers(self.reference, self.head)
        likeness = made_of.likeness(query.products, query.embedding)
        values = made_of.values(likeness, query.target)
        for kind, title, signed in (
            ("pushed", f"What taught it most to answer {name} here", -values),
            ("pulled", "What taught it most not to", values),
        ):
            group = self._group(query, kind, title, signed, signed < 0, "added to the logit")
            yield replace(
                group,
                cases=tuple(
                    replace(
                        case,
                        distance=float(values[case.index]),
                        note=_joined(case.note, UNLIKE if likeness[case.index] < 0 else ""),
                    )
                    for case in group.cases
                ),
            )

    def _group(
        self,
        query: _Query,
        kind: str,
        title: str,
        distances: np.ndarray,
        allowed: np.ndarray,
        measure: str = COSINE,
    ) -> Group:
        count = self.counts["pushed" if kind == "pulled" else kind]
        rows = self.index.nearest(distances, allowed, count, query.own)
        cases = tuple(Neighbour(row, float(distances[row]), note=self._note(row)) for row in rows)
        return Group(kind, title, measure, cases)

    def _note(self, row: int) -> str:
        if self.head is None or not self.head.doubtful[row]:
            return ""
        chance = probability(float(self.head.probabilities[row, self.index.labels[row]]))
        return f"label doubtful: the network gives it {chance}"

    @functools.cached_property
    def head(self) -> Head | None:
        """What the network's last layer says of the cases; None when it is not linear."""
        return _head(self.classifier, self.reference)


@kept
def _head(classifier: Classifier, reference: Reference) -> Head | None:
    head = classifier.linear_head()
    if head is None:
        return None
    from scipy.special import softmax

    weights, bias = head
    index = index_of(reference)
    logits = reference.embeddings @ weights + bias
    probabilities = softmax(logits / classifier.temperature, axis=1)
    return Head(
        weights,
        bias,
        logits,
        probabilities,
        doubts.doubtful(probabilities, index.labels),
        np.stack([_almost(logits, index.labels, target) for target in range(len(bias))], axis=1),
        contributions(index.directions, weights),
    )


@kept
def _representers(reference: Reference, head: Head) -> Representers:
    return representers.fit_representers(reference.embeddings, head.logits, head.weights, head.bias)


def _almost(logits: np.ndarray, labels: np.ndarray, target: int) -> np.ndarray:
    """Return `(cases,)` bool: cases of the class, answered so, whose margin is among the least."""
    others = np.delete(logits, target, axis=1)
    margins = logits[:, target] - others.max(axis=1, initial=-np.inf)
    right = np.flatnonzero((labels == target) & (margins > 0))
    count = max(FEWEST, round(ALMOST * len(right)))
    chosen = np.zeros(len(labels), bool)
    chosen[right[np.argsort(margins[right], kind="stable")[:count]]] = True
    return chosen


def _compared(groups: Sequence[Group], count: int) -> list[int]:
    rows = [c.index for group in groups if group.name in COMPARED for c in group.cases[:count]]
    return list(dict.fromkeys(rows))


def _with_regions(group: Group, regions: Mapping[int, Regions], count: int) -> Group:
    if group.name not in COMPARED:
        return group
    cases = tuple(
        replace(case, regions=regions.get(case.index)) if place < count else case
        for place, case in enumerate(group.cases)
    )
    return replace(group, cases=cases)


def _joined(*notes: str) -> str:
    return "; ".join(note for note in notes if note)


def _part(images: Images, targets: Sequence[int], start: int) -> tuple[Images, Sequence[int]]:
    part = slice(start, start + CHUNK)
    some = Images(
        images.pixels[part], images.names[part], images.patients[part], images.digests[part]
    )
    return some, targets[part]
