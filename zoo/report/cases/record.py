"""A case as plain data: all that its page draws, for other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from zoo import DISCLAIMER
from zoo.base.explanations import Attribution, Examples, Group, Neighbour
from zoo.interpret.case import Case


def case_record(case: Case) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return a case as plain data for JSON, and the arrays that it names.

    `pixels` is `(height, width, channels)` uint8; a map is `(height, width)` float32, its key the
    record's `array`; matching regions are `(rows, columns)` float32.
    """
    arrays: dict[str, np.ndarray] = {"pixels": case.pixels}
    record = {
        "disclaimer": DISCLAIMER,
        "name": case.name,
        "run": case.run,
        "synthetic": case.synthetic,
        "answer": case.refused or case.class_names[case.predicted],
        "predicted": case.class_names[case.predicted],
        "refused": bool(case.refused),
        "reason": case.reason,
        "probabilities": dict(zip(case.class_names, case.probabilities, strict=True)),
        "threshold": case.threshold,
        "label": None if case.label is None else case.class_names[case.label],
        "notes": list(case.notes),
        "pixels": "pixels",
        "maps": [_map(case, found, arrays) for found in case.attributions],
        "examples": [_examples(case, found, arrays) for found in case.examples],
    }
    return record, arrays


def _map(case: Case, found: Attribution, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    name = f"maps/{found.method}"
    arrays[name] = found.values
    trust = case.trust.get(found.method)
    return {
        "method": found.method,
        "summary": case.summaries.get(found.method, ""),
        "target": case.class_names[found.target],
        "signed": found.signed,
        "details": dict(found.details),
        "array": name,
        "trust": None if trust is None else asdict(trust),
    }


def _examples(case: Case, found: Examples, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "method": found.method,
        "summary": case.summaries.get(found.method, ""),
        "target": case.class_names[found.target],
        "agreement": found.agreement,
        "credibility": found.credibility,
        "details": dict(found.details),
        "groups": [
            {
                "name": group.name,
                "title": group.title,
                "measure": group.measure,
                "cases": [
                    _neighbour(case, found.method, group, place, arrays)
                    for place in range(len(group.cases))
                ],
            }
            for group in found.groups
        ],
    }


def _neighbour(
    case: Case, method: str, group: Group, place: int, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    neighbour: Neighbour = group.cases[place]
    reference = case.reference
    regions = None
    if neighbour.regions is not None:
        regions = [f"regions/{method}/{group.name}/{place}/{side}" for side in ("image", "case")]
        arrays.update(zip(regions, neighbour.regions, strict=True))
    return {
        "name": None if reference is None else reference.names[neighbour.index],
        "label": None
        if reference is None
        else case.class_names[int(reference.labels[neighbour.index])],
        "distance": neighbour.distance,
        "note": neighbour.note,
        "regions": regions,
    }
