"""Does anything but the lungs tell the class? Baselines that cannot see them, out of fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.number_text import value_text
from zoo.base.progress import SILENT, Progress, track
from zoo.checks.findings import NOTE, WARNING, Finding, counted
from zoo.data import baseline_inputs, baselines
from zoo.data.baseline_inputs import FILE, LUNGS
from zoo.stats.delong import influence, roc_auc
from zoo.stats.intervals import stands_out

WARNED = 0.6
"""ROC-AUC above which a baseline that cannot see the lungs is a warning."""
FILE_REMEDY = (
    "Some of it may be the disease, which changes mean and contrast; the rest is where the image "
    "comes from. Save all images in one size and one format, and ask a network for far more."
)
REMEDY = (
    "A network may learn this instead of the lungs: look at corners and edges, crop or cover what "
    "differs, and check where its explanations point."
)


def shortcuts(
    measured: Mapping[str, np.ndarray],
    among: np.ndarray,
    truth: np.ndarray,
    patients: np.ndarray | Sequence[str],
    folds: np.ndarray,
    positive: str,
    progress: Progress = SILENT,
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Score each baseline out of fold: plain data for the result, and the findings.

    `measured` is what `baseline_inputs` gives; of it the rows `among`, `(n,)` int, are used, and
    those with NaN are left out. `truth` is `(n,)` bool, whether an image shows the class
    `positive`; `folds` is `(n,)` int.
    """
    entries: list[dict[str, Any]] = []
    findings: list[Finding] = []
    patients = np.asarray(patients)
    for name, values in track(progress, measured.items(), "shortcuts", len(measured)):
        usable = np.isfinite(values).all(axis=1)[among]
        seen, rows, who = values[among[usable]], truth[usable], patients[usable]
        try:
            scores = baselines.out_of_fold(seen, rows, who, folds[usable])
        except BadInput as error:  # too few masks
            findings.append(_not_measured(name, str(error)))
            continue
        area, title = roc_auc(rows, scores, who), baseline_inputs.title(name, values)
        entries.append({"name": name, "title": title, "roc_auc": area, "images": len(rows)})
        if name != LUNGS and stands_out(area, WARNED):
            findings.append(_found(name, area, positive, seen, rows))
    return entries, findings


def without_mask(measured: Mapping[str, np.ndarray]) -> list[Finding]:
    """Say how many images have no mask."""
    if LUNGS not in measured:
        return []
    missing = int(np.isnan(measured[LUNGS]).any(axis=1).sum())
    if not missing:
        return []
    return [
        Finding(
            NOTE,
            "masks missing",
            f"{counted(missing, 'image')} of {len(measured[LUNGS]):,} without a mask, left out of "
            "the baselines 'lungs' and 'outside'.",
            "A mask has the file name of its image, whatever its folder and its suffix.",
        )
    ]


def _found(
    name: str, area: dict[str, Any], positive: str, values: np.ndarray, truth: np.ndarray
) -> Finding:
    strongest = f" {_strongest(values, truth)}" if name == FILE else ""
    return Finding(
        WARNING,
        f"shortcut {name}",
        f"Without seeing the lungs, {positive} is told with ROC-AUC {value_text(area)} by the "
        f"baseline {baseline_inputs.title(name, values)}.{strongest}",
        FILE_REMEDY if name == FILE else REMEDY,
    )


def _strongest(values: np.ndarray, truth: np.ndarray) -> str:
    """Say which single measurement tells most."""
    names = baseline_inputs.FILE_VALUES[-values.shape[1] :]
    areas = [influence(truth, column)[0] for column in values.T]
    best = int(np.argmax([abs(area - 0.5) for area in areas]))
    word = "higher" if areas[best] > 0.5 else "lower"
    return f"Strongest alone: {names[best]} ({word}, {max(areas[best], 1 - areas[best]):.3f})."


def _not_measured(name: str, reason: str) -> Finding:
    return Finding(
        NOTE,
        f"no {name}",
        f"The baseline '{name}' could not be measured: {reason}",
        "Check again with more patients of each class.",
    )
