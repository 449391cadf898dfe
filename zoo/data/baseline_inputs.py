"""What a baseline sees of an image: file and exposure, borders, lungs, all outside the lungs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.parallel import over_samples
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import SILENT, Progress, track
from zoo.base.types import Dataset, Sample
from zoo.data.pixels import keeping

FILE, BORDER, LUNGS, OUTSIDE = "file", "border", "lungs", "outside"


TITLES: Mapping[str, str] = MappingProxyType(
    {
        BORDER: "border: the outer 11 % of the picture",
        LUNGS: "lungs: inside the lung masks only",
        OUTSIDE: "outside: all but the lungs",
    }
)
"""What each baseline sees; for 'file' it depends on the images (see `title`)."""


FILE_VALUES = ("width", "height", "aspect", "bytes", "mean", "contrast")
"""The columns of 'file'; only the last two where images are not files."""


SIDE = 56


MARGIN = 6


Mask = Callable[[Sample, tuple[int, int]], np.ndarray | None]


def title(name: str, values: np.ndarray) -> str:
    """Say what a baseline sees; images that are not files have only the last measurements."""
    if name == FILE:
        return f"{FILE}: {', '.join(FILE_VALUES[-values.shape[1] :])}"
    return TITLES[name]


def baseline_inputs(
    dataset: Dataset,
    samples: Sequence[Sample],
    *,
    mask: Mask | None = None,
    progress: Progress = SILENT,
    cluster: Cluster | None = None,
) -> dict[str, np.ndarray]:
    """Measure every image for each baseline; each is read once, at 56 x 56, as gray 0-255.

    Returns by name `(images, values)`: 'file' (width, height, aspect, log of the bytes, mean,
    contrast; mean and contrast only where images are not files), float32; 'border' (the 6 outermost
    of the 56 rows and columns) and, with masks, 'lungs' (pixels outside are 0) and 'outside'
    (pixels inside are 0), float16, which holds gray values as they are.

    Args:
        dataset: reads the images.
        samples: which images.
        mask: gives where the lungs are, `(height, width)` bool, or None for an image without a
            mask; its rows are NaN.
        progress: told of each image.
        cluster: its workers measure, but where there are masks, of which only this process knows.

    Raises:
        BadInput: an image cannot be read.
    """
    measure = functools.partial(_values, mask=mask)
    of_all: dict[str, np.ndarray] = {}
    with keeping(dataset):
        read_ones = over_samples(measure, dataset, samples, cluster if mask is None else None)
        for place, measured in enumerate(track(progress, read_ones, "baselines", len(samples))):
            for name, row in measured.items():
                if not place:
                    kind = np.float32 if name == FILE else np.float16
                    of_all[name] = np.empty((len(samples), len(row)), kind)
                of_all[name][place] = row
    return of_all


def _values(dataset: Dataset, sample: Sample, mask: Mask | None) -> dict[str, np.ndarray]:
    size = (SIDE, SIDE)
    edge = np.ones(size, bool)
    edge[MARGIN:-MARGIN, MARGIN:-MARGIN] = False
    gray = to_channels(dataset.read(sample, size), 1)[..., 0].astype(np.float32)
    measured = {FILE: _file_values(dataset, sample, gray), BORDER: gray[edge]}
    if mask is not None:
        inside = mask(sample, size)
        if inside is None:
            inside = np.full(size, np.nan, np.float32)
        measured[LUNGS] = (gray * inside).ravel()
        measured[OUTSIDE] = (gray * (1 - inside)).ravel()
    return measured


def _file_values(dataset: Dataset, sample: Sample, gray: np.ndarray) -> np.ndarray:
    exposure = [float(gray.mean()), float(gray.std())]
    if dataset.header is None:
        return np.array(exposure)
    header = dataset.header(sample)
    shape = [header.width, header.height, header.width / header.height]
    return np.array([*shape, np.log(max(1, header.bytes)), *exposure])
