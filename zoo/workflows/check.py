"""Check a data set before it is trusted: what is in it, what is wrong, and what gives it away.

`check` returns plain data that `json.dumps` takes (schema 1):

    schema        1
    source        str;  other: the source it was compared with, or null
    images, patients, broken: int;  patient_rule: str;  class_names: list of str
    positive      name of the class that is looked for
    notes         what the reader of the source says
    counts        {'train', 'validation', 'test' or 'undivided': {class: images}}
    sizes         the ten most frequent {width, height, images};  distinct_sizes: int
    modes         {Pillow's mode: images}; empty, as the sizes, when images are not files
    exposure      {class: {low, quartile1, median, quartile3, high}} of the images' mean, 0-255
    baselines     one {name, title, roc_auc: {value, low, high}, images} each
    shift         one {between: [a, b], roc_auc, names, prior: {a: {class: share}, b: ...},
                  prior_p} each; `names` are the images of b that are told most easily
    duplicates    exact_groups, surplus (images that repeat another), near_pairs (that differ in
                  content) and pairs (all that show the same picture), of this source
    suspected     at most 24 {name, label, predicted, probability}, most contradicted first
    features      the architecture whose backbone gave the features, or 'pixels'
    findings      one {level, kind, message, remedy, names, groups} each, worst first
    seconds       float

Baselines and suspected labels are about the images that are not in the source's test part. Names
of images of the other source are written 'SOURCE: NAME'.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.cluster import Cluster, connected
from zoo.base.errors import BadInput
from zoo.base.listeners import listener
from zoo.base.parallel import check_backend
from zoo.base.progress import Progress
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST, Dataset
from zoo.checks import embeddings, inventory, labels, shift, shortcuts
from zoo.checks.depths import depths
from zoo.checks.duplicates import copies
from zoo.checks.findings import NOTE, Checked, Finding, in_order
from zoo.checks.patients import unknown
from zoo.checks.polarity import negatives
from zoo.checks.quick import parts
from zoo.checks.source_images import SourceImages, comparable, read_source_images
from zoo.data import baseline_inputs, baselines
from zoo.data.baseline_inputs import FILE
from zoo.data.masks import find_masks
from zoo.data.verify import Verified, positive_index, verify
from zoo.runs.selection import numbered_as

SCHEMA = 1


def check(
    source: str,
    *,
    masks: str | Path | None = None,
    other: str | None = None,
    positive: str | None = None,
    backend: str = "loky",
    scheduler: str | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Check a data set; the module's docstring gives the schema of the result.

    Images that cannot be read are a finding and left out of the rest.

    Args:
        source: the data set.
        masks: a folder of lung masks named as the images, for two more baselines.
        other: another source, such as an external test set, to look for copies and a shift.
        positive: the class that is looked for; by default the last unhealthy one.
        backend: 'loky' for this machine, 'dask' for the workers of a cluster, which read images.
        scheduler: the address of the cluster.
        registry: what is installed.
        progress: told of the work; without one it is shown where the code runs.

    Raises:
        ZooError: a source, the masks or the class cannot be used, or a class has no readable image.

    Example:
        >>> checked = zoo.check("phantom?images=60&size=64")
        >>> checked.result["images"]
        60
        >>> [finding for finding in checked.findings if finding.level != "note"]
        []
    """
    check_backend(backend, scheduler)
    progress = listener(progress)
    registry = registry or load_registry()
    with connected(scheduler) as cluster:
        return _checked(source, masks, other, positive, registry, progress, cluster)


def _checked(
    source: str,
    masks: str | Path | None,
    other: str | None,
    positive: str | None,
    registry: Registry,
    progress: Progress,
    cluster: Cluster | None,
) -> Checked:
    began = time.monotonic()
    dataset = registry.dataset(source)
    names = dataset.class_names
    looked_for = positive_index(names, positive)
    lungs = None
    if masks is not None:
        lungs = find_masks(Path(masks), dataset.samples, dataset.digest)
    strange = None if other is None else _numbered_as(dataset, registry.dataset(other))
    for note in dataset.notes:
        progress.note(note)

    backbone = embeddings.backbone(registry)
    size = None if backbone is None else tuple(backbone.model.input_shape[1:3])
    verified = verify(dataset, skip_broken=True, progress=progress, size=size, cluster=cluster)
    faults = [*_unreadable(dataset, verified), *parts(verified.dataset)]
    faults += [*unknown(verified.dataset), *depths(verified.levels, verified.dataset.bits)]
    if backbone is None:
        faults.append(embeddings.missing())
    own, against = read_source_images(verified, backbone, progress, cluster=cluster), None
    if strange is not None:
        checked = verify(strange, skip_broken=True, progress=progress, size=size, cluster=cluster)
        faults += _unreadable(strange, checked, f"{other}: ")
        against = read_source_images(checked, backbone, progress, other or "", cluster)

    headers = inventory.headers(own.dataset, own.samples, progress, cluster)
    measured = baseline_inputs.baseline_inputs(
        own.dataset, own.samples, mask=lungs, progress=progress, cluster=cluster
    )
    faults += inventory.modes(headers, own.labels, names)
    faults += negatives(own.samples, own.gray)
    faults += inventory.flat(own.samples, measured[FILE][:, -1])
    duplicated, repeated = copies(own, against, progress)

    features = comparable([own] if against is None else [own, against], progress)
    shifted, moved = shift.shifts(own, features[0], against, features[-1], progress)
    guessed, suspected, learned = _learned(own, features[0], measured, looked_for, progress)
    faults += [*repeated, *shortcuts.without_mask(measured), *moved, *learned]
    findings = in_order(faults)
    result = {
        "schema": SCHEMA,
        "source": source,
        "other": other,
        "images": len(own.samples),
        "patients": len(set(own.patients)),
        "broken": len(verified.broken),
        "patient_rule": dataset.patient_rule,
        "class_names": list(names),
        "positive": names[looked_for],
        "notes": list(dataset.notes),
        "counts": inventory.counts(own.dataset),
        **inventory.summary(headers),
        "exposure": inventory.exposure(measured[FILE][:, -2], own.labels, names),
        "baselines": guessed,
        "shift": shifted,
        "duplicates": duplicated,
        "suspected": suspected,
        "features": "pixels" if backbone is None else backbone.name,
        "findings": [_plain(finding) for finding in findings],
        "seconds": round(time.monotonic() - began, 1),
    }
    return Checked(findings, result, own.dataset)


def _learned(
    own: SourceImages,
    features: np.ndarray,
    measured: Mapping[str, np.ndarray],
    looked_for: int,
    progress: Progress,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Finding]]:
    """Score baselines and suspect labels, out of fold, among the images that are not to test on."""
    rows = np.flatnonzero([s.split != TEST for s in own.samples])
    rows = rows if len(rows) else np.arange(len(own.samples))
    truth, patients, names = own.labels[rows], own.patients[rows], own.dataset.class_names
    try:
        folds = baselines.fold_numbers(truth, patients)
    except BadInput as error:
        message = f"Shortcuts and labels could not be checked: {error}"
        return [], [], [Finding(NOTE, "too few", message, "Check again with more patients.")]
    guessed, gave_away = shortcuts.shortcuts(
        measured,
        rows,
        truth == looked_for,
        patients,
        folds,
        names[looked_for],
        progress,
    )
    suspected, doubted = labels.suspected(
        features[rows], truth, folds, own.names[rows].tolist(), names, progress
    )
    return guessed, suspected, [*gave_away, *doubted]


def _unreadable(dataset: Dataset, verified: Verified, prefix: str = "") -> list[Finding]:
    kept = {sample.name for sample in verified.dataset.samples}
    names = [prefix + sample.name for sample in dataset.samples if sample.name not in kept]
    return inventory.unreadable(verified.broken, names)


def _numbered_as(dataset: Dataset, other: Dataset) -> Dataset:
    """Number the other source's classes in the same way, where they are the same classes."""
    if set(other.class_names) != set(dataset.class_names):
        return other
    return numbered_as(dataset.class_names, other)


def _plain(finding: Finding) -> dict[str, Any]:
    return asdict(finding) | {
        "names": list(finding.names),
        "groups": [list(group) for group in finding.groups],
    }
