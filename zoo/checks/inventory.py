"""What is there: counts, sizes, kinds of pixels and exposure of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.number_text import percent
from zoo.base.parallel import over_samples
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import VALIDATION, Dataset, Header, Sample
from zoo.checks.findings import ERROR, NOTE, WARNING, Finding, counted
from zoo.data.splits import SMALLEST_VALIDATION_CLASS

UNDIVIDED = "undivided"
SIZES_SHOWN = 10
FLAT_CONTRAST = 5.0
"""Standard deviation of the gray values, 0-255, below which a picture shows next to nothing."""
IMBALANCE = 2.0
"""Images of the largest class for each of the smallest, from which a note is made."""


def counts(dataset: Dataset) -> dict[str, dict[str, int]]:
    """Count the images of each split ('undivided' where the source says none) by class name."""
    number = Counter((s.split or UNDIVIDED, s.label) for s in dataset.samples)
    return {
        split: {name: number[split, label] for label, name in enumerate(dataset.class_names)}
        for split in dict.fromkeys(s.split or UNDIVIDED for s in dataset.samples)
    }


def headers(
    dataset: Dataset,
    samples: Sequence[Sample],
    progress: Progress = SILENT,
    cluster: Cluster | None = None,
) -> list[Header]:
    """Read what each file says of itself; nothing when images are not files."""
    if dataset.header is None:
        return []
    read = over_samples(_header, dataset, samples, cluster)
    return list(track(progress, read, "file headers", len(samples)))


def _header(dataset: Dataset, sample: Sample) -> Header:
    assert dataset.header is not None  # noqa: S101 (looked at above)
    return dataset.header(sample)


def sizes(file_headers: Sequence[Header]) -> tuple[list[dict[str, int]], int]:
    """Return the ten most frequent {width, height, images}, and how many sizes there are."""
    number = Counter((h.width, h.height) for h in file_headers)
    frequent = [
        {"width": width, "height": height, "images": images}
        for (width, height), images in number.most_common(SIZES_SHOWN)
    ]
    return frequent, len(number)


def exposure(
    means: np.ndarray, labels: np.ndarray, class_names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return extremes and quartiles of the images' mean gray value, 0-255, by class name.

    `means` and `labels` are `(n,)`. A class without images is left out.
    """
    names = ("low", "quartile1", "median", "quartile3", "high")
    return {
        class_name: dict(
            zip(
                names,
                np.quantile(means[labels == label], np.linspace(0, 1, 5)).tolist(),
                strict=True,
            )
        )
        for label, class_name in enumerate(class_names)
        if (labels == label).any()
    }


def unreadable(reasons: Sequence[str], names: Sequence[str] = ()) -> list[Finding]:
    """Find images that cannot be read; without their names the reasons stand for them."""
    if not reasons:
        return []
    return [
        Finding(
            ERROR,
            "unreadable",
            f"{counted(len(reasons), 'image')} cannot be read: {reasons[0]}",
            "Mend or remove them, or train without them: --skip-broken.",
            names=tuple(names or reasons),
        )
    ]


def small_validation(dataset: Dataset) -> list[Finding]:
    """Find a validation part of the source that is too small to choose anything by."""
    part = [s for s in dataset.samples if s.split == VALIDATION]
    if not part:
        return []
    fewest = min(sum(s.label == c for s in part) for c in range(len(dataset.class_names)))
    if fewest >= SMALLEST_VALIDATION_CLASS:
        return []
    return [
        Finding(
            WARNING,
            "small validation",
            f"The validation part has {counted(len(part), 'image')}, {fewest} of its smallest "
            f"class; at least {SMALLEST_VALIDATION_CLASS} of each are needed to choose anything.",
            "Training joins it with the training part and splits a new one off by patient.",
        )
    ]


def imbalance(dataset: Dataset) -> list[Finding]:
    """Find classes of very different size."""
    number = Counter(s.label for s in dataset.samples)
    (large, most), *_, (small, fewest) = number.most_common()
    if most < IMBALANCE * fewest:
        return []
    names = dataset.class_names
    return [
        Finding(
            NOTE,
            "imbalance",
            f"{names[large]} has {most:,} images, {names[small]} {fewest:,}: answering "
            f"{names[large]} always is right for {percent(most / len(dataset.samples), 0)}.",
            "Judge by balanced accuracy and areas, not by accuracy; keep class_weights on.",
        )
    ]


def modes(
    file_headers: Sequence[Header], labels: np.ndarray, class_names: Sequence[str]
) -> list[Finding]:
    """Find kinds of pixels that are mixed, and say whether one belongs to one class only."""
    number = Counter(h.mode for h in file_headers)
    if len(number) < 2:
        return []
    owners: Mapping[str, set[int]] = {
        mode: {int(label) for h, label in zip(file_headers, labels, strict=True) if h.mode == mode}
        for mode in number
    }
    listed = ", ".join(f"{mode} {images:,}" for mode, images in number.most_common())
    alone = [
        f"all {mode} are {class_names[min(labels)]}"
        for mode, labels in owners.items()
        if len(labels) == 1
    ]
    return [
        Finding(
            WARNING if alone else NOTE,
            "modes",
            f"The files hold different kinds of pixels ({listed})"
            f"{'; ' + ', '.join(alone) if alone else ''}.",
            "They are all read as 8-bit RGB, but they may come from different places: "
            "export all images in one way.",
        )
    ]


def flat(samples: Sequence[Sample], contrasts: np.ndarray) -> list[Finding]:
    """Find pictures that show next to nothing; `contrasts` is `(n,)`, 0-255."""
    names = tuple(samples[i].name for i in np.flatnonzero(contrasts < FLAT_CONTRAST).tolist())
    if not names:
        return []
    return [
        Finding(
            WARNING,
            "flat",
            f"{counted(len(names), 'picture')} nearly of one gray (contrast below "
            f"{FLAT_CONTRAST:g} of 255).",
            "Look at them; leave out those that show nothing.",
            names=names,
        )
    ]


def summary(file_headers: Sequence[Header]) -> dict[str, Any]:
    """Return sizes, distinct_sizes and modes for the result."""
    frequent, distinct = sizes(file_headers)
    return {
        "sizes": frequent,
        "distinct_sizes": distinct,
        "modes": dict(Counter(h.mode for h in file_headers).most_common()),
    }
