"""A saved network with layers of a plugin: they are known again once its architecture is built.

No module is imported because a file names it. The run's record says which architecture of which
plugin the network is; where that plugin is installed, it is found by its entry point and builds the
architecture, and the classes of the layers in it are those that the file may use.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.errors import UnknownName, ZooError
from zoo.base.registry import Registry, load_registry
from zoo.network.building import build_network
from zoo.network.graph import PACKAGE


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What a network was built by, and with what: enough to build it again.

    `plugin` is `distribution:entry point`, or the name of a module that is not installed.
    """

    architecture: str
    plugin: str
    version: str
    options: Mapping[str, Any]
    input_shape: tuple[int, int, int]
    classes: int

    def to_record(self) -> dict[str, Any]:
        """Return it as plain JSON data."""
        return {**asdict(self), "input_shape": list(self.input_shape)}

    @classmethod
    def of(
        cls,
        registry: Registry,
        name: str,
        options: Mapping[str, Any],
        input_shape: tuple[int, int, int],
        classes: int,
    ) -> Origin:
        """Say where an architecture of a registry comes from, and how it is built here."""
        plugin = registry.origins[name]
        return cls(
            architecture=name,
            plugin=plugin,
            version=registry.architecture(name).origin.removeprefix(plugin).strip(),
            options=dict(options),
            input_shape=input_shape,
            classes=classes,
        )

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Origin:
        """Read what `to_record` gave; raises KeyError or TypeError when it is not that."""
        return cls(**{**record, "input_shape": tuple(record["input_shape"])})

    @property
    def installed(self) -> bool:
        """Tell whether an entry point gives it, so that another process finds it, too."""
        return ":" in self.plugin


def load(path: Path, origins: Sequence[Origin]) -> Any:
    """Load a .keras file in safe mode; `origins` are those of the network, or of its members.

    Raises:
        ZooError: it has layers of a plugin that is not installed or cannot build them any more.
    """
    import keras

    import zoo.network.boxes  # registers the layers of a frame
    import zoo.network.onnx_graph  # noqa: F401  # and that of a network from elsewhere

    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except TypeError as error:  # a class that Keras does not know
        if not origins:
            raise
        known: dict[str, type] = {}
        for origin in origins:
            known |= _classes_of(origin, error)
    return keras.models.load_model(path, custom_objects=known, compile=False, safe_mode=True)


def own_classes(model: Any) -> dict[str, type]:
    """Return the classes of layers that are neither Keras's nor zoo's, by their registered name."""
    import keras

    found: dict[str, type] = {}
    for operation in model.operations:
        parts = operation._flatten_layers() if isinstance(operation, keras.Layer) else [operation]
        for kind in map(type, parts):
            name = keras.saving.get_registered_name(kind)
            of_keras = kind.__module__.partition(".")[0] == "keras"
            if not of_keras and not name.startswith(f"{PACKAGE}>"):
                found[name] = kind
    return found


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Forget all registered classes but zoo's own meanwhile, as a fresh process knows none."""
    import keras

    known = keras.saving.get_custom_objects()
    kept = dict(known)
    try:
        for name in kept:
            if not name.startswith(f"{PACKAGE}>"):
                del known[name]
        yield
    finally:
        known.update(kept)


def _classes_of(origin: Origin, unknown: Exception) -> dict[str, type]:
    """Build the architecture and return its classes."""
    registry = load_registry()
    named = f"the plugin '{origin.plugin}' {origin.version}".rstrip()
    if registry.origins.get(origin.architecture) != origin.plugin:
        broken = next((b.reason for b in registry.broken if b.name == origin.plugin), "")
        raise UnknownName(
            f"The network has layers of {named}, which "
            + (f"is broken here: {broken}. Mend it" if broken else "is not installed here. Install")
            + " it to use the run."
        ) from unknown
    try:
        model = build_network(
            registry.architecture(origin.architecture),
            origin.classes,
            input_shape=origin.input_shape,
            options=origin.options,
        )
    except ZooError as error:
        raise ZooError(
            f"The network has layers of {named}, which does not build '{origin.architecture}' any "
            f"more: {error}"
        ) from error
    return own_classes(model)
