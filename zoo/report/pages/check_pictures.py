"""Small pictures of a data set for the page of its check, within a budget of bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.base.errors import BadInput
from zoo.base.pictures.pixel_arrays import encode_jpeg
from zoo.base.types import Dataset
from zoo.data.proportions import read_proportioned
from zoo.report.figures.contact_sheet import Tile

SIDE, QUALITY = 160, 80
BUDGET = 2_000_000
"""Bytes of all pictures; as text in the page they take a third more."""
OF_A_CLASS = 12
SEED = 0


class Pictures:
    """Reads images when they are shown; each is read once."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._samples = {sample.name: sample for sample in dataset.samples}
        self._encoded: dict[str, bytes | None] = {}
        self._left = BUDGET

    def tile(self, name: str, text: str | None = None) -> Tile | None:
        """Return the picture of a name, captioned with its class unless `text` is given.

        None for a name that is not of this data set, an image that cannot be read, or when the
        budget is spent.
        """
        sample = self._samples.get(name)
        encoded = self._jpeg(name)
        if sample is None or encoded is None or len(encoded) > self._left:
            return None
        self._left -= len(encoded)
        if text is None:
            part = f", {sample.split}" if sample.split else ""
            text = f"{self.dataset.class_names[sample.label]}{part}"
        return Tile(encoded, name, text)

    def tiles(self, names: Sequence[str]) -> list[Tile]:
        """Return the pictures of these names, as far as there are any."""
        return [tile for name in names if (tile := self.tile(name))]

    def of_class(self, label: int) -> list[Tile]:
        """Return 12 images of a class, drawn with a fixed seed."""
        names = sorted(sample.name for sample in self.dataset.samples if sample.label == label)
        order = np.random.default_rng(SEED).permutation(len(names))[:OF_A_CLASS]
        samples = ((name, self._samples[name]) for name in (names[place] for place in order))
        return [tile for name, sample in samples if (tile := self.tile(name, sample.split))]

    def _jpeg(self, name: str) -> bytes | None:
        if name in self._samples and name not in self._encoded:
            try:
                pixels = read_proportioned(self.dataset, self._samples[name], SIDE)
                self._encoded[name] = encode_jpeg(pixels, quality=QUALITY)
            except BadInput:  # a finding of its own
                self._encoded[name] = None
        return self._encoded.get(name)
