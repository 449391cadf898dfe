"""Pictures to try the page with, drawn by the synthetic data set that is built in."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from PIL import Image

from zoo.base.errors import UnknownName
from zoo.base.registry import DEFAULT_SOURCE, Registry
from zoo.web.service.limits import Limits
from zoo.web.service.uploads import Upload, accept

COUNT = 4
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
        return accept(self.content(number), f"example-{number + 1}.png", limits)

    def content(self, number: int) -> bytes:
        """Return an example, from 0, as a PNG file.

        Raises:
            UnknownName: there is none of that number.
        """
        if not 0 <= number < COUNT:
            raise UnknownName(
                f"There is no example {number + 1}; there are {COUNT}. Choose one of these."
            )
        return self._drawn[number]

    @cached_property
    def _drawn(self) -> list[bytes]:
        dataset = self._registry.dataset(SOURCE)
        classes = range(len(dataset.class_names))
        by_class = [[one for one in dataset.samples if one.label == label] for label in classes]
        chosen = [by_class[at % len(by_class)][at // len(by_class)] for at in range(COUNT)]
        return [_png(dataset.read(sample, None)) for sample in chosen]


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
