"""`zoo list`: what the installed plugins give."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from zoo.base import formats
from zoo.base.errors import InvalidSetting, UnknownName
from zoo.base.formats import BrokenFormat
from zoo.base.name_patterns import whole_family
from zoo.base.registry import BrokenPlugin, Registry, load_registry
from zoo.base.types import Architecture
from zoo.cli import options
from zoo.cli.console import print_json, table

KINDS = {
    "architecture": "architectures",
    "method": "explainers",
    "reader": "readers",
    "format": "image_formats",
}
"""What can be asked for, and what it is called in the listing."""
FACTORS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
BYTES = 4
"""Of a weight as it is kept."""


class Count(click.ParamType):
    """A number that may end in K, M or G, such as 10M."""

    name = "count"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail with what was expected."""
        if isinstance(value, float):
            return value
        found = re.fullmatch(r"(\d+(?:\.\d+)?)([KMG]?)", str(value).upper())
        if found is None:
            told = f"'{value}' is no number; expected one such as 800000, 800K, 10M or 1.5G"
            self.fail(told, param, ctx)
        return float(found[1]) * FACTORS[found[2]]


@dataclass(frozen=True)
class Limits:
    """What an architecture may be to be listed."""

    parameters: float | None = None
    multiply_adds: float | None = None
    offline: bool = False

    @property
    def any(self) -> bool:
        """Tell whether there is a limit, which only architectures can keep."""
        return self != Limits()

    def hold(self, one: Architecture) -> bool:
        """Tell whether an architecture keeps them; a cost that is not said keeps none."""
        return (
            (self.parameters is None or one.parameters <= self.parameters)
            and (self.multiply_adds is None or 0 < one.multiply_adds <= self.multiply_adds)
            and (one.offline or not self.offline)
        )


@click.command("list")
@click.argument("pattern", default="*")
@click.option("--kind", type=click.Choice(list(KINDS)), help="List these alone.")
@click.option("--offline", is_flag=True, help="Architectures whose weights are on this machine.")
@click.option(
    "--max-parameters", type=Count(), metavar="N", help="Architectures of at most so many, as 10M."
)
@click.option(
    "--max-multiply-adds", type=Count(), metavar="N", help="The same of an image's cost, as 1.5G."
)
@options.as_json
def command(
    pattern: str,
    kind: str | None,
    offline: bool,
    max_parameters: float | None,
    max_multiply_adds: float | None,
    as_json: bool,
) -> None:
    """List architectures, explanation methods, readers and image formats.

    PATTERN filters names ('*net*', 'keras:VGG*', 'keras:').
    """
    registry = load_registry()
    limits = Limits(max_parameters, max_multiply_adds, offline)
    if limits.any and kind not in (None, "architecture"):
        raise InvalidSetting(
            f"--kind {kind} was asked for with a limit that only architectures have. Leave out "
            "--kind, or the limits."
        )
    listed = contents(registry, pattern, "architecture" if limits.any else kind, limits)
    if as_json:
        print_json(listed)
        return
    if not any(listed.values()):
        if limits.any or kind:
            raise UnknownName(
                f"Nothing called '{pattern}' is of that kind and within these limits."
            )
        raise UnknownName.among("name", pattern, [*registry.architectures, *registry.explainers])
    show(listed)


def show(listed: Mapping[str, list[Any]]) -> None:
    """Print what is listed as tables."""
    if listed["architectures"]:
        table(
            "Architectures",
            [
                "name",
                "parameters",
                "MB",
                "multiply-adds",
                "input",
                "pretrained",
                "offline",
                "summary",
            ],
            [
                [
                    a["name"],
                    f"{a['parameters']:,}",
                    f"{a['bytes'] / 1e6:.1f}",
                    f"{a['multiply_adds'] / 1e6:,.0f} M" if a["multiply_adds"] else "",
                    "x".join(map(str, a["input_shape"])),
                    a["pretrained"] or "no",
                    "yes" if a["offline"] else "no",
                    a["summary"],
                ]
                for a in listed["architectures"]
            ],
        )
    if listed["explainers"]:
        click.echo()
        table(
            "Explanation methods",
            ["name", "by default", "plugin", "summary"],
            [
                [e["name"], "yes" if e["default"] else "no", e["plugin"], e["summary"]]
                for e in listed["explainers"]
            ],
        )
    if listed["readers"]:
        click.echo(f"\nReaders: {', '.join(listed['readers'])}")
    if listed["image_formats"]:
        click.echo()
        table(
            "Image formats",
            ["name", "extensions", "summary"],
            [[f["name"], " ".join(f["extensions"]), f["summary"]] for f in listed["image_formats"]],
        )
    if listed["broken"]:
        click.echo()
        table(
            "Broken plugins",
            ["plugin", "reason"],
            [[b["name"], b["reason"]] for b in listed["broken"]],
        )


def contents(
    registry: Registry, pattern: str, kind: str | None, limits: Limits
) -> dict[str, list[Any]]:
    """Return plain data of everything whose name fits the wildcard, of one kind or of all."""
    wanted = {KINDS[kind]} if kind else {*KINDS.values(), "broken"}
    everything = _everything(registry, whole_family(pattern.lower()), limits)
    return {name: found if name in wanted else [] for name, found in everything.items()}


def _fits(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name.lower(), pattern)


def _everything(registry: Registry, pattern: str, limits: Limits) -> dict[str, list[Any]]:
    broken: list[BrokenPlugin | BrokenFormat] = [*registry.broken, *formats.broken()]
    return {
        "architectures": [
            {
                "name": name,
                "parameters": a.parameters,
                "bytes": BYTES * a.parameters,
                "multiply_adds": a.multiply_adds,
                "offline": a.offline,
                "input_shape": list(a.input_shape),
                "pretrained": a.pretrained,
                "plugin": registry.origins[name],
                "summary": a.summary,
            }
            for name, a in registry.architectures.items()
            if _fits(name, pattern) and limits.hold(a)
        ],
        "explainers": [
            {
                "name": name,
                "default": e.default,
                "plugin": registry.origins[name],
                "summary": e.summary,
            }
            for name, e in registry.explainers.items()
            if _fits(name, pattern)
        ],
        "readers": [name for name in registry.readers if _fits(name, pattern)],
        "image_formats": [
            {"name": f.name, "extensions": list(f.extensions), "summary": f.summary}
            for f in formats.installed()
            if _fits(f.name, pattern)
        ],
        "broken": [
            {"name": b.name, "reason": b.reason} for b in broken if _fits(b.name, f"*{pattern}*")
        ],
    }
