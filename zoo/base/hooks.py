"""The three hooks of the project. They return values; nobody registers callbacks.

A package joins by an entry point in the group `zoo` that names a module with `@hookimpl`
functions. Such a module must be cheap to import: import Keras inside functions.
"""

from __future__ import annotations

import pluggy

from zoo.base.explanations import Explainer
from zoo.base.types import Architecture, Dataset

GROUP = "zoo"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def zoo_architectures() -> list[Architecture]:  # type: ignore[empty-body]
    """Return the architectures that this plugin gives."""


@hookspec
def zoo_explainers() -> list[Explainer]:  # type: ignore[empty-body]
    """Return the explanation methods that this plugin gives."""


@hookspec(firstresult=True)
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Open a data set, or return None when the location is not this reader's kind.

    `--data 'LOCATION?key=value&key=value'` arrives split into location and options. A reader
    that takes the location refuses unknown options with UnknownName and raises BadInput when
    the data cannot be used.
    """
