"""`zoo list`: what the installed plugins give."""

from __future__ import annotations

import fnmatch
from typing import Any

import click

from zoo.base import formats
from zoo.base.errors import UnknownName
from zoo.base.formats import BrokenFormat
from zoo.base.registry import BrokenPlugin, Registry, load_registry
from zoo.cli import options
from zoo.cli.console import print_json, table


@click.command("list")
@click.argument("pattern", default="*")
@options.as_json
def command(pattern: str, as_json: bool) -> None:
    """List architectures, explanation methods, readers and image formats.

    PATTERN filters names ('*net*').
    """
    registry = load_registry()
    listed = contents(registry, pattern)
    if as_json:
        print_json(listed)
        return
    if not any(listed.values()):
        raise UnknownName.among("name", pattern, [*registry.architectures, *registry.explainers])

    if listed["architectures"]:
        table(
            "Architectures",
            ["name", "parameters", "input", "pretrained", "plugin", "summary"],
            [
                [
                    a["name"],
                    f"{a['parameters']:,}",
                    "x".join(map(str, a["input_shape"])),
                    a["pretrained"] or "no",
                    a["plugin"],
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
    if listed["readers"] and pattern == "*":
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


def contents(registry: Registry, pattern: str) -> dict[str, list[Any]]:
    """Return plain data of everything whose name fits the wildcard."""
    broken: list[BrokenPlugin | BrokenFormat] = [*registry.broken, *formats.broken()]
    return {
        "architectures": [
            {
                "name": name,
                "parameters": a.parameters,
                "input_shape": list(a.input_shape),
                "pretrained": a.pretrained,
                "plugin": registry.origins[name],
                "summary": a.summary,
            }
            for name, a in registry.architectures.items()
            if fnmatch.fnmatch(name, pattern)
        ],
        "explainers": [
            {
                "name": name,
                "default": e.default,
                "plugin": registry.origins[name],
                "summary": e.summary,
            }
            for name, e in registry.explainers.items()
            if fnmatch.fnmatch(name, pattern)
        ],
        "readers": [name for name in registry.readers if fnmatch.fnmatch(name, pattern)],
        "image_formats": [
            {"name": f.name, "extensions": list(f.extensions), "summary": f.summary}
            for f in formats.installed()
            if fnmatch.fnmatch(f.name, pattern)
        ],
        "broken": [
            {"name": b.name, "reason": b.reason}
            for b in broken
            if fnmatch.fnmatch(b.name, f"*{pattern}*")
        ],
    }
