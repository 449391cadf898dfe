"""Examples: the training cases that look most alike to the network, with and against the target."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explain.checks import check_at_least, check_targets
from zoo.errors import BadInput
from zoo.hookspecs import hookimpl
from zoo.types import Classifier, Examples, Explainer, Images, Neighbour, Option, Reference

if TYPE_CHECKING:
    import numpy as np

NAME = "examples"
CHUNK = 32


@hookimpl
def zoo_explainers() -> list[Explainer]:
    """Declare explanation by examples."""
    return [
        Explainer(
            name=NAME,
            summary="The most similar training cases, and how many of them share the target.",
            explain=explain,
            reference=(
                "Papernot, McDaniel. Deep k-Nearest Neighbors: Towards Confident, Interpretable "
                "and Robust Deep Learning, 2018"
            ),
            options={
                "similar": Option(5, "nearest cases shown, of any label"),
                "contrast": Option(3, "nearest cases shown whose label is not the target"),
                "agreement": Option(15, "nearest cases whose labels are counted"),
            },
            default=True,
        )
    ]


def explain(
    classifier: Classifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None = None,
    *,
    similar: int = 5,
    contrast: int = 3,
    agreement: int = 15,
) -> list[Examples]:
    """Find the reference cases nearest to each image by the cosine distance of embeddings.

    The distance is 0 (same direction) to 2. The image itself, cases of its own patient (when the
    patient is known) and further copies of a case are left out. With fewer cases than asked for
    there are as many as there are; without any the agreement is 0.

    Details: 'metric', 'neighbours' (how many the agreement counts), 'left out' (how many cases
    are the image itself or of its own patient), 'patient' ('known' or 'unknown').

    Raises:
        BadInput: no reference cases, or cases of another network.
        InvalidSetting: a target that is not one of the classes, a negative number of cases to
            show, or an agreement of fewer than one.
    """
    check_targets(classifier, targets)
    check_at_least("similar", similar, 0)
    check_at_least("contrast", contrast, 0)
    check_at_least("agreement", agreement, 1)
    if reference is None or not len(reference.labels):
        raise BadInput(
            "There are no reference cases to compare with; 'examples' needs the training cases "
            "that a run keeps. Train the run again and let it keep some."
        )
    found: list[Examples] = []
    for start in range(0, len(targets), CHUNK):
        part = slice(start, start + CHUNK)
        distances = _distances(classifier, images.pixels[part], reference)
        for row, target, patient, digest in zip(
            distances, targets[part], images.patients[part], images.digests[part], strict=True
        ):
            own = _own(reference, patient, digest)
            nearest = _ranked(row, own, reference)
            against = [case for case in nearest if reference.labels[case.index] != target]
            counted = nearest[:agreement]
            agreeing = sum(reference.labels[case.index] == target for case in counted)
            found.append(
                Examples(
                    NAME,
                    int(target),
                    similar=tuple(nearest[:similar]),
                    contrast=tuple(against[:contrast]),
                    agreement=float(agreeing / len(counted)) if counted else 0.0,
                    details={
                        "metric": "cosine distance",
                        "neighbours": len(counted),
                        "left out": len(own),
                        "patient": "known" if patient else "unknown",
                    },
                )
            )
    return found


def _ranked(
    distances: np.ndarray, left_out: frozenset[int], reference: Reference
) -> list[Neighbour]:
    """Return the cases from the nearest on, without those left out and without copies."""
    seen: set[str] = set()
    ranked: list[Neighbour] = []
    for index in distances.argsort(kind="stable").tolist():
        digest = reference.digests[index]
        if index not in left_out and digest not in seen:
            seen.add(digest)
            ranked.append(Neighbour(index, float(distances[index])))
    return ranked


def _own(reference: Reference, patient: str | None, digest: str) -> frozenset[int]:
    """Return the rows that show the image itself or its patient.

    An image that is a reference case under another name has that case's patient.
    """
    cases = list(zip(reference.patients, reference.digests, strict=True))
    patients = {other for other, content in cases if content == digest} | {patient} - {None}
    return frozenset(
        index
        for index, (other, content) in enumerate(cases)
        if content == digest or (other and other in patients)
    )


def _distances(classifier: Classifier, pixels: np.ndarray, reference: Reference) -> np.ndarray:
    """Return `(batch, cases)` cosine distances; an embedding of zeros is at 1 from all others."""
    import numpy as np

    queries = classifier.embeddings(pixels)
    cases = _directions(reference)
    if queries.shape[1] != cases.shape[1]:
        raise BadInput(
            f"The reference cases have {cases.shape[1]} features and this network gives "
            f"{queries.shape[1]}: they come from another network. Use the run's own cases."
        )
    return np.clip(1 - _unit(queries) @ cases.T, 0, 2)


@functools.lru_cache(maxsize=2)
def _directions(reference: Reference) -> np.ndarray:
    return _unit(reference.embeddings)


def _unit(embeddings: np.ndarray) -> np.ndarray:
    from sklearn.preprocessing import normalize

    return normalize(embeddings)
