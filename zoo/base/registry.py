"""Find the plugins and return what they give as frozen data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy

from zoo.base import datasets, hooks
from zoo.base.displayed import Brief
from zoo.base.errors import BadInput, UnknownName, ZooError
from zoo.base.explanations import Explainer
from zoo.base.name_patterns import is_pattern, matching
from zoo.base.records import fault_of, folder_name, shown
from zoo.base.remote import is_address, mirrored
from zoo.base.sources import parse
from zoo.base.strangers import PluginFailure, ask, distribution_of, is_own, told
from zoo.base.types import Architecture, Dataset

DEFAULT_SOURCE = "phantom"

ARCHIVES = frozenset({".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar"})
TABLES = frozenset({".xlsx", ".xls", ".xlsm", ".ods", ".parquet", ".feather", ".json", ".txt"})
"""Endings of what holds a data set that no reader of this project opens."""

Named = TypeVar("Named", Architecture, Explainer)


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin, or the one thing `gives` of what it gives, that cannot be used, and why."""

    name: str
    reason: str
    gives: str = ""


@dataclass(frozen=True, repr=False)
class Registry(Brief):
    """Everything the installed plugins give; `origins` says which plugin gave a name."""

    architectures: Mapping[str, Architecture]
    explainers: Mapping[str, Explainer]
    readers: Mapping[str, Callable[..., Dataset | None]]
    origins: Mapping[str, str]
    broken: tuple[BrokenPlugin, ...]

    def architecture(self, name: str) -> Architecture:
        """Return the architecture of that name, or raise UnknownName with the closest one."""
        return self._named(self.architectures, "architecture", name)

    def matched(self, names: Iterable[str]) -> dict[str, list[str]]:
        """Return the architectures that each name or pattern, such as `keras:*`, stands for.

        Raises:
            UnknownName: one stands for none.
        """
        return {
            name: matching("architecture", name, self.architectures)
            if is_pattern(name) and name not in self.architectures
            else [self.architecture(name).name]
            for name in names
        }

    def explainer(self, name: str) -> Explainer:
        """Return the explanation method of that name, or raise UnknownName."""
        return self._named(self.explainers, "explanation method", name)

    def reader_names(self) -> dict[str, str]:
        """Return the readers' names by what commands take: these, and those without the package."""
        return {name.rpartition(":")[2]: name for name in self.readers} | {
            name: name for name in self.readers
        }

    def dataset(self, source: str = DEFAULT_SOURCE) -> Dataset:
        """Open `LOCATION?key=value` with the first reader that takes it.

        Raises:
            BadInput: no reader takes the location, or the data cannot be used.
            Unreachable: the location is an address, such as `s3://bucket/folder`, that cannot be
                read.
        """
        location, options = parse(source)
        if is_address(location):
            from zoo.base.pictures.images import is_image_name

            location = str(mirrored(location, fetched_when_read=is_image_name))
        failed: list[str] = []
        for name, reader in self.readers.items():
            try:
                dataset = datasets.opened(name, reader, location, dict(options))
            except datasets.ReaderFailure as failure:  # perhaps it is not even meant
                failed.append(str(failure))
                continue
            if dataset is not None:
                return replace(dataset, notes=(*failed, *dataset.notes))
        if failed:
            raise ZooError(f"'{location}' was read by none. {' '.join(failed)}")
        raise BadInput(
            f"'{location}' is not a data set that can be read. {_what_to_do(location)}Expected an "
            "existing folder of classes, a .csv or .npz file, or 'phantom' (synthetic). "
            f"Readers asked: {', '.join(self.readers) or 'none'}."
        )

    def _named(self, known: Mapping[str, Named], kind: str, name: str) -> Named:
        if name in known:
            return known[name]
        for broken in sorted(self.broken, key=lambda one: one.gives != name):
            if name in (broken.gives, broken.name.rpartition(":")[2]):
                raise ZooError(f"The plugin '{broken.name}' is broken: {broken.reason}")
        if is_pattern(name):
            found = matching(kind, name, known)
            raise UnknownName(
                f"'{name}' stands for {len(found)} names, and one is expected, such as "
                f"'{found[0]}'. See them: zoo list '{name}'"
            )
        raise UnknownName.among(kind, name, known)


def _what_to_do(location: str) -> str:
    """Say what to do with what nearly is a data set."""
    if not os.path.exists(location):  # noqa: PTH110 (Path.exists raises on overlong names)
        return "There is no such file or folder. "
    ending = PurePath(location).suffix.lower()
    if ending in ARCHIVES:
        return "Unpack the archive, and name the folder. "
    return "Save the table as a .csv file in UTF-8. " if ending in TABLES else ""


def load_registry(*extra_plugins: Any) -> Registry:
    """Register `extra_plugins` and the installed entry points, and ask each what it gives.

    A plugin that fails to import, takes too long (`ZOO_PLUGIN_SECONDS`), has a hook that does not
    exist, or gives a record that breaks a promise or a name that is taken, is listed as broken with
    its reason and breaks nothing else. This project's own plugins come first: a name of theirs
    stays theirs.

    Example:
        >>> registry = zoo.load_registry()
        >>> registry.architecture("efficientnet").input_shape
        (160, 160, 3)
    """
    broken: list[BrokenPlugin] = []
    versions: dict[str, str] = {}
    manager = pluggy.PluginManager(hooks.GROUP)
    manager.add_hookspecs(hooks)
    installed = _named_entry_points(entry_points(group=hooks.GROUP))
    _load([pair for pair in installed if is_own(pair[0])], manager, versions, broken)
    for plugin in extra_plugins:
        _register(manager, plugin, getattr(plugin, "__name__", repr(plugin)), broken)
    _load(sorted(p for p in installed if not is_own(p[0])), manager, versions, broken)

    origins: dict[str, str] = {}
    given = manager.hook
    architectures = _collect(
        manager, given.zoo_architectures, Architecture, origins, versions, broken
    )
    explainers = _collect(manager, given.zoo_explainers, Explainer, origins, versions, broken)
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
        distribution, _ = distribution_of(entry)
        named.setdefault((f"{distribution}:{entry.name}", entry.value), entry)
    return [(name, entry) for (name, _), entry in named.items()]


def _load(
    entries: Iterable[tuple[str, EntryPoint]],
    manager: pluggy.PluginManager,
    versions: dict[str, str],
    broken: list[BrokenPlugin],
) -> None:
    for name, entry in entries:
        try:
            plugin = ask(name, entry.load)
        except PluginFailure as failure:
            broken.append(BrokenPlugin(name, f"cannot be imported: {failure}"))
        else:
            _register(manager, plugin, name, broken)
            versions[name] = distribution_of(entry)[1]


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
        broken.append(BrokenPlugin(name, f"does not fit the hooks: {told(error)}"))


def _collect(
    manager: pluggy.PluginManager,
    caller: pluggy.HookCaller,
    kind: type[Named],
    origins: dict[str, str],
    versions: Mapping[str, str],
    broken: list[BrokenPlugin],
) -> dict[str, Named]:
    """Ask each plugin on its own, so that one which fails leaves the others standing."""
    collected: dict[str, Named] = {}
    registered = [name for name, _ in manager.list_name_plugin()]
    for implementation in sorted(
        caller.get_hookimpls(), key=lambda one: registered.index(one.plugin_name)
    ):
        plugin = implementation.plugin_name
        give: Any = implementation.function
        try:
            given = ask(plugin, lambda: list(give()))  # noqa: B023 (called at once)
        except PluginFailure as failure:
            broken.append(BrokenPlugin(plugin, f"fails when asked what it gives: {failure}"))
            continue
        for item in given:
            name, fault = _fault(item, kind, collected, origins)
            if fault:
                broken.append(BrokenPlugin(plugin, fault, name))
            else:
                origin = f"{plugin} {versions.get(plugin, '')}".rstrip()
                collected[name] = replace(item, origin=origin)
                origins[name] = plugin
    return dict(sorted(collected.items()))


def _fault(
    item: object, kind: type[Named], collected: Mapping[str, Named], origins: Mapping[str, str]
) -> tuple[str, str]:
    """Return the name of a record, and what keeps it from being used; empty when nothing does."""
    if not isinstance(item, kind):
        return "", f"gives {type(item).__name__}; expected {kind.__name__}"
    if fault := fault_of(item):
        name = item.name if isinstance(item.name, str) else ""
        return name, f"gives the {kind.__name__} {shown(item.name)}, but {fault}"
    # Folders are named after it, and many file systems do not tell capitals from small letters.
    taken = {_folder(name): name for name in collected}.get(_folder(item.name))
    if taken is None:
        return item.name, ""
    return item.name, (f"gives '{item.name}', which '{origins[taken]}' gives already: rename it")


def _folder(name: str) -> str:
    return folder_name(name).lower()
