"""Where names are found that no list of the program holds as a whole."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import pkgutil
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from zoo.base import errors
from zoo.base.recipe import Recipe
from zoo.base.registry import load_registry
from zoo.base.strangers import is_own
from zoo.base.types import Architecture
from zoo.cli import main

ROOT = Path(__file__).parents[1]
UNCALLED = "no such word"


def project() -> Mapping[str, Any]:
    """Return the project as pyproject.toml describes it."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def own_architectures() -> dict[str, Architecture]:
    """Return the architectures that come along, and not those of other installed plugins."""
    registry = load_registry()
    return {
        name: one for name, one in registry.architectures.items() if is_own(registry.origins[name])
    }


def first_line(documented: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(documented) or "").partition("\n")[0]


def functions() -> Iterator[tuple[str, str]]:
    """Yield the functions of `import zoo` with what each does, without loading them."""
    door = ROOT / "zoo" / "__init__.pyi"
    imports = [one for one in _parsed(door).body if isinstance(one, ast.ImportFrom) and one.module]
    modules = {name.name: one.module or "" for one in imports for name in one.names}
    for name, module in sorted(modules.items()):
        for one in _parsed(door.parent.joinpath(*module.split(".")).with_suffix(".py")).body:
            if isinstance(one, ast.FunctionDef) and one.name == name:
                yield name, (ast.get_docstring(one) or "").partition("\n")[0]


@functools.cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def commands(
    command: click.Command = main, names: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, those below others too."""
    yield " ".join(names), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                yield from commands(inner, (*names, name))


def taken(setting: str) -> tuple[str, ...]:
    """Return what a setting of a training takes, as it is told to who gives another word."""
    try:
        Recipe(**{setting: UNCALLED})
    except errors.InvalidSetting as error:
        return tuple(str(error).partition("one of: ")[2].rstrip(".").split(", "))
    return ()


def readers() -> Iterator[tuple[str, ModuleType, Iterable[str]]]:
    """Yield each reader that comes along, its module and its options."""
    for origin in load_registry().readers:
        if is_own(origin):
            name = origin.partition(":")[2]
            module = importlib.import_module(project()["entry-points"]["zoo"][name])
            yield name, module, _options(module)


def _options(reader: ModuleType) -> Iterable[str]:
    """Return the options that a reader, or the module that it reads with, checks."""
    below = pkgutil.iter_modules(getattr(reader, "__path__", ()), f"{reader.__name__}.")
    for module in (reader, *(importlib.import_module(one.name) for one in below)):
        for name in ("OPTIONS", "LIMITS"):
            if hasattr(module, name):
                return tuple(getattr(module, name))
    raise LookupError(f"{reader.__name__} does not say its options")


def kinds_made(module: ModuleType, record: str) -> Iterable[str]:
    """Return the first words that a module gives a record, in the order of its lines."""
    made = [
        node
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == record
    ]
    kinds = [node.args[0] for node in sorted(made, key=lambda node: node.lineno)]
    return dict.fromkeys(kind.value for kind in kinds if isinstance(kind, ast.Constant))


def user_errors() -> list[type[errors.ZooError]]:
    """Return the errors that a person can mend."""
    found = vars(errors).values()
    return [one for one in found if inspect.isclass(one) and issubclass(one, errors.ZooError)]
