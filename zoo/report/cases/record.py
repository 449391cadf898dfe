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
    record's `array`; matching regions are `(height, width)` float32.
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
        "box": case.box,
        "maps": [_map(case, explanation, arrays) for explanation in case.attributions],
        "agreement": [
            {"methods": list(one.methods), "rank": one.rank, "overlap": one.overlap}
            for one in case.agreements
        ],
        "chosen": case.chosen,
        "examples": [_examples(case, explanation, arrays) for explanation in case.examples],
    }
    return record, arrays


def _map(case: Case, attribution: Attribution, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    name = f"maps/{attribution.method}"
    arrays[name] = attribution.values
    trust = case.trust.get(attribution.method)
    return {
        "method": attribution.method,
        "summary": case.summaries.get(attribution.method, ""),
        "target": case.class_names[attribution.target],
        "signed": attribution.signed,
        "details": dict(attribution.details),
        "array": name,
        "trust": None if trust is None else asdict(trust),
    }


def _examples(case: Case, examples: Examples, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    return {
        "method": examples.method,
        "summary": case.summaries.get(examples.method, ""),
        "target": case.class_names[examples.target],
        "agreement": examples.agreement,
        "credibility": examples.credibility,
        "details": dict(examples.details),
        "groups": [
            {
                "name": group.name,
                "title": group.title,
                "measure": group.measure,
                "cases": [
                    _neighbour(case, examples.method, group, place, arrays)
                    for place in range(len(group.cases))
                ],
            }
            for group in examples.groups
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
