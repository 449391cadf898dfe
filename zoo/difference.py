"""What tells other data from those a run was trained on: class shares, and how the images look."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.checks.shift import Side, compare
from zoo.outputs import Outputs
from zoo.runs import Run
from zoo.types import TRAIN, Reference

TRAINED, OTHER = "training cases", "these data"


def difference(
    run: Run, cases: Reference, outputs: Outputs, embeddings: np.ndarray
) -> dict[str, Any]:
    """Compare images with the training cases that a run keeps.

    `embeddings` is `(images, features)`, in the order of `outputs`. Returns the class shares of
    both and how well a classifier on embeddings tells them apart: {prior: {run, data}, shift_auc,
    names, sentence}.
    """
    names = run.class_names
    there = Side(
        TRAINED,
        cases.embeddings,
        cases.labels,
        np.array(cases.patients),
        np.array(cases.names),
        names,
    )
    here = Side(OTHER, embeddings, outputs.labels, outputs.patients, outputs.names, names)
    entry, _ = compare(there, here)
    counts = run.record["splits"][TRAIN]["classes"]
    return {
        "prior": {
            "run": {n: c / sum(counts) for n, c in zip(names, counts, strict=True)},
            "data": entry["prior"][OTHER],
        },
        "shift_auc": entry["roc_auc"],
        "names": entry["names"],
        "sentence": sentence(entry["roc_auc"]),
    }


def sentence(area: dict[str, Any]) -> str:
    """Say in plain words how far the images can be told from the training cases."""
    if area["value"] is None:
        return "Whether these images look like the training cases could not be measured."
    written = f"ROC-AUC {area['value']:.3f}, where 0.5 is no difference"
    if area["low"] <= 0.5:
        return f"These images cannot be told from the training cases ({written})."
    if area["value"] < 0.75:
        return f"These images differ a little from the training cases ({written})."
    return f"These images look unlike the training cases ({written}): the score is of another kind."
