"""Write a small package with a plugin that works and a test of it: a place to begin."""

from __future__ import annotations

import keyword
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

from zoo.base.errors import InvalidSetting
from zoo.base.folders import replacing_folder
from zoo.base.formats import installed
from zoo.base.records import wrong_name
from zoo.base.registry import load_registry

TEMPLATES = Path(__file__).with_name("plugin_templates")
HOOKS, FORMATS = "zoo", '"zoo.image_formats"'
LETTERS = 4


@dataclass(frozen=True)
class Kind:
    """What a plugin of a kind is called, and how it is found, checked and used."""

    description: str
    check: str
    use: str
    group: str = HOOKS
    entry: str = "{module}"


KINDS = {
    "architecture": Kind(
        "An architecture", "zoo plugin check {name}", "zoo train {name} --epochs 2"
    ),
    "explainer": Kind(
        "An explanation method",
        "zoo plugin check {name}",
        "zoo explain image.png --method {name}",
    ),
    "reader": Kind(
        "A reader of data sets",
        "zoo plugin check {name} --example set.{module}",
        "zoo check set.{module}",
    ),
    "image-format": Kind(
        "An image format",
        "zoo plugin check {name} --example image.{module}",
        "zoo predict image.{module}",
        FORMATS,
        "{module}:FORMAT",
    ),
}


def new_plugin(name: str, kind: str, folder: str | Path | None = None) -> Path:
    """Write a package for a plugin `name` and return its folder (default: that name, here).

    `kind` is 'architecture', 'explainer', 'reader' or 'image-format'. The folder holds
    `pyproject.toml` with the entry point, one module, its test and a README. Nothing that is there
    is overwritten.

    Raises:
        InvalidSetting: the name or the kind cannot be used, a plugin or an installed module has
            the name, or the folder is there.
        NotWritten: it cannot be written.

    Example:
        >>> folder = zoo.new_plugin("wide-net", "architecture", "wide")
        >>> sorted(path.name for path in folder.iterdir())
        ['README.md', 'pyproject.toml', 'test_wide_net.py', 'wide_net.py']
    """
    if kind not in KINDS:
        raise InvalidSetting(f"'{kind}' is no kind of plugin; expected one of: {', '.join(KINDS)}.")
    if fault := next(wrong_name(name), ""):
        raise InvalidSetting(f"A plugin cannot be called '{name}': {fault}.")
    module = name.replace("-", "_").replace(".", "_").replace("+", "_").lower()
    if not module.isidentifier() or keyword.iskeyword(module):
        raise InvalidSetting(
            f"'{name}' would be the module '{module}', which Python cannot import so. Begin the "
            "name with a letter, and take no word of Python."
        )
    _check_free(name, module)
    target = Path(name if folder is None else folder)
    if target.exists():
        raise InvalidSetting(f"'{target}' is there already. Name another --folder.")
    about = KINDS[kind]
    told = {
        "name": name,
        "module": module,
        "distribution": name.lower(),
        "description": about.description,
        "group": about.group,
        "entry": about.entry.format(module=module),
        "check": about.check.format(name=name, module=module),
        "use": about.use.format(name=name, module=module),
        "magic": (module.replace("_", "").upper() + "1" * LETTERS)[:LETTERS],
    }
    files = {
        "pyproject.toml": "pyproject.toml.txt",
        "README.md": "README.md.txt",
        f"{module}.py": f"{kind}.py.txt",
        f"test_{module}.py": f"test_{kind}.py.txt",
    }
    with replacing_folder(target) as new:
        for file, template in files.items():
            text = (TEMPLATES / template).read_text("utf-8")
            (new / file).write_text(Template(text).substitute(told), "utf-8")
    return target


def _check_free(name: str, module: str) -> None:
    """Refuse a name that another plugin has, or whose module would hide an installed one."""
    registry = load_registry()
    formats = (one.name for one in installed())
    if name in (*registry.origins, *registry.reader_names(), *formats):
        raise InvalidSetting(
            f"There is a plugin '{name}' already (zoo list), and the first of a name keeps it. "
            "Choose another name."
        )
    found = find_spec(module)
    if found is not None and found.origin is not None:  # a mere folder has none
        raise InvalidSetting(
            f"'{name}' would be the module '{module}', and one of that name is installed, which "
            "could not be imported any more. Choose another name."
        )
