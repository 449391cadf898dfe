"""Find the plugins and return what they give as frozen data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy

from zoo.base import hooks
from zoo.base.errors import BadInput, UnknownName, ZooError
from zoo.base.explanations import Explainer
from zoo.base.sources import parse
from zoo.base.types import Architecture, Dataset

DEFAULT_SOURCE = "phantom"

Named = TypeVar("Named", Architecture, Explainer)


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin, or one thing it gives, that cannot be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Registry:
    """Everything the installed plugins give; `origins` says which plugin gave a name."""

    architectures: Mapping[str, Architecture]
    explainers: Mapping[str, Explainer]
    readers: Mapping[str, Callable[..., Dataset | None]]
    origins: Mapping[str, str]
    broken: tuple[BrokenPlugin, ...]

    def architecture(self, name: str) -> Architecture:
        """Return the architecture of that name, or raise UnknownName with the closest one."""
        return self._named(self.architectures, "architecture", name)

    def explainer(self, name: str) -> Explainer:
        """Return the explanation method of that name, or raise UnknownName."""
        return self._named(self.explainers, "explanation method", name)

    def dataset(self, source: str = DEFAULT_SOURCE) -> Dataset:
        """Open `LOCATION?key=value` with the first reader that takes it.

        Raises:
            BadInput: no reader takes the location, or the data cannot be used.
        """
        location, options = parse(source)
        for name, reader in self.readers.items():
            dataset = reader(location, options)
            if isinstance(dataset, Dataset):
                return dataset
            if dataset is not None:
                raise ZooError(
                    f"The reader '{name}' is broken: it gave {type(dataset).__name__} for "
                    f"'{location}'; expected a Dataset or None. Tell its author, or uninstall it."
                )
        raise BadInput(
            f"'{location}' is not a data set that can be read. Expected an existing folder of "
            "classes, a .csv or .npz file, or 'phantom' (synthetic). "
            f"Readers asked: {', '.join(self.readers) or 'none'}."
        )

    def _named(self, known: Mapping[str, Named], kind: str, name: str) -> Named:
        if name in known:
            return known[name]
        for broken in self.broken:
            if broken.name.rpartition(":")[2] == name:
                raise ZooError(f"The plugin '{broken.name}' is broken: {broken.reason}")
        raise UnknownName.among(kind, name, known)


def load_registry(*extra_plugins: Any) -> Registry:
    """Register `extra_plugins` and the installed entry points, and ask each what it gives.

    A plugin that fails to import, has a hook that does not exist, or gives a name that is taken
    is listed as broken with its reason and breaks nothing else.

    Example:
        >>> registry = zoo.load_registry()
        >>> registry.architecture("efficientnet").input_shape
        (160, 160, 3)
    """
    broken: list[BrokenPlugin] = []
    versions: dict[str, str] = {}
    manager = pluggy.PluginManager(hooks.GROUP)
    manager.add_hookspecs(hooks)
    for plugin in extra_plugins:
        _register(manager, plugin, getattr(plugin, "__name__", repr(plugin)), broken)
    for name, entry in _named_entry_points(entry_points(group=hooks.GROUP)):
        try:
            plugin = entry.load()
        except (Exception, SystemExit) as error:  # a stranger's import may fail in any way
            broken.append(BrokenPlugin(name, f"cannot be imported: {_told(error)}"))
        else:
            _register(manager, plugin, name, broken)
            versions[name] = entry.dist.version if entry.dist else ""

    origins: dict[str, str] = {}
    given = manager.hook
    architectures = _collect(given.zoo_architectures, Architecture, origins, versions, broken)
    explainers = _collect(given.zoo_explainers, Explainer, origins, versions, broken)
    # pluggy calls the last registered first; here the first registered is asked first, after those
    # that say `tryfirst`.
    impls = given.zoo_read_dataset.get_hookimpls()
    ordered = sorted(impls, key=lambda i: (i.trylast, not i.tryfirst))
    readers: dict[str, Any] = {i.plugin_name: i.function for i in ordered}
    return Registry(
        MappingProxyType(architectures),
        MappingProxyType(explainers),
        MappingProxyType(readers),
        MappingProxyType(origins),
        tuple(broken),
    )


def _named_entry_points(entries: Iterable[EntryPoint]) -> list[tuple[str, EntryPoint]]:
    """Name each entry point `distribution:name`: pluggy would skip a second one of a bare name."""
    named: dict[tuple[str, str], EntryPoint] = {}
    for entry in entries:
        distribution = entry.dist.name if entry.dist else "unknown"
        named.setdefault((f"{distribution}:{entry.name}", entry.value), entry)
    return [(name, entry) for (name, _), entry in named.items()]


def _register(
    manager: pluggy.PluginManager, plugin: Any, name: str, broken: list[BrokenPlugin]
) -> None:
    if manager.has_plugin(name) or manager.is_registered(plugin):
        broken.append(BrokenPlugin(name, "is declared twice"))
        return
    try:
        manager.register(plugin, name)
        manager.check_pending()  # a misspelt hook would otherwise never be called, in silence
    except pluggy.PluginValidationError as error:
        manager.unregister(name=name)
        broken.append(BrokenPlugin(name, f"does not fit the hooks: {_told(error)}"))


def _collect(
    caller: pluggy.HookCaller,
    kind: type[Named],
    origins: dict[str, str],
    versions: Mapping[str, str],
    broken: list[BrokenPlugin],
) -> dict[str, Named]:
    """Ask each plugin on its own, so that one which fails leaves the others standing."""
    collected: dict[str, Named] = {}
    for implementation in caller.get_hookimpls():
        plugin = implementation.plugin_name
        try:
            ask: Any = implementation.function
            given = list(ask())
        except Exception as error:
            broken.append(BrokenPlugin(plugin, f"fails when asked what it gives: {_told(error)}"))
            continue
        for item in given:
            if not isinstance(item, kind):
                reason = f"gives {type(item).__name__}; expected {kind.__name__}"
                broken.append(BrokenPlugin(plugin, reason))
            elif item.name in collected:
                reason = f"gives '{item.name}', which '{origins[item.name]}' gives already"
                broken.append(BrokenPlugin(plugin, reason))
            else:
                origin = f"{plugin} {versions.get(plugin, '')}".rstrip()
                collected[item.name] = replace(item, origin=origin)
                origins[item.name] = plugin
    return dict(sorted(collected.items()))


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
