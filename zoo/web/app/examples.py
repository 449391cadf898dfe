"""Pictures to try the page with, drawn by the synthetic data set that is built in."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from PIL import Image

from zoo.base.errors import UnknownName
from zoo.base.pictures.pixel_arrays import encode_jpeg, resize
from zoo.base.registry import DEFAULT_SOURCE, Registry
from zoo.web.service.limits import Limits
from zoo.web.service.uploads import Upload, accept

COUNT = 4
SMALL = 240
SOURCE = f"{DEFAULT_SOURCE}?images=24&size=512&seed=7"


class Examples:
    """A few pictures of each class in turn, drawn when they are first asked for."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def upload(self, number: int, limits: Limits) -> Upload:
        """Return an example, from 0, as if it had been sent; its name does not tell its class.

        Raises:
            UnknownName: there is no example of that number.
        """
        return accept(_png(self._pixels(number)), f"example-{number + 1}.png", limits)

    def small(self, number: int) -> bytes:
        """Return an example, from 0, as a small JPEG file to choose it by.

        Raises:
            UnknownName: there is none of that number.
        """
        return encode_jpeg(resize(self._pixels(number), (SMALL, SMALL)), quality=80)

    def _pixels(self, number: int) -> np.ndarray:
        if not 0 <= number < COUNT:
            raise UnknownName(
                f"There is no example {number + 1}; there are {COUNT}. Choose one of these."
            )
        return self._drawn[number]

    @cached_property
    def _drawn(self) -> list[np.ndarray]:
        dataset = self._registry.dataset(SOURCE)
        classes = range(len(dataset.class_names))
        by_class = [[one for one in dataset.samples if one.label == label] for label in classes]
        chosen = [by_class[at % len(by_class)][at // len(by_class)] for at in range(COUNT)]
        return [dataset.read(sample, None) for sample in chosen]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
