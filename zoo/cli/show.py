"""`zoo show`: one architecture or explanation method with its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from zoo.base.errors import UnknownName
from zoo.base.explanations import Explainer
from zoo.base.recipe import BEST, FAST
from zoo.base.registry import load_registry
from zoo.base.types import Architecture, Option
from zoo.cli import completion, options
from zoo.cli.console import print_json, table
from zoo.training.recipe import preset_of, settings


@click.command("show")
@click.argument(
    "name", shell_complete=completion.names(completion.architectures, completion.methods)
)
@options.as_json
def command(name: str, as_json: bool) -> None:
    """Show an architecture or explanation method: source, options and training recipe."""
    registry = load_registry()
    if as_json and name in registry.origins:
        given = registry.architectures.get(name) or registry.explainers[name]
        print_json(record(given, registry.origins[name]))
    elif name in registry.architectures:
        _architecture(registry.architectures[name], registry.origins[name])
    elif name in registry.explainers:
        _head(registry.explainers[name], registry.origins[name])
    elif any(broken.name.endswith(f":{name}") for broken in registry.broken):
        registry.architecture(name)  # raises with the reason
    else:
        known = [*registry.architectures, *registry.explainers]
        raise UnknownName.among("architecture or explanation method", name, known)


def record(item: Architecture | Explainer, plugin: str) -> dict[str, Any]:
    """Return what is shown as plain data."""
    told: dict[str, Any] = {
        "name": item.name,
        "plugin": plugin,
        "summary": item.summary,
        "reference": item.reference,
        "options": [{"name": name, **asdict(option)} for name, option in item.options.items()],
    }
    if isinstance(item, Architecture):
        told |= {
            "input_shape": item.input_shape,
            "parameters": item.parameters,
            "pretrained": item.pretrained,
            "offline": item.offline,
            "recipe": asdict(settings(item, {})[0]),
            "presets": {preset: dict(preset_of(item, preset)) for preset in (FAST, BEST)},
        }
    return told


def _head(item: Architecture | Explainer, plugin: str) -> None:
    click.echo(click.style(item.name, bold=True) + f"  ({plugin})\n{item.summary}")
    if item.reference:
        click.echo(f"Source: {item.reference}")
    if item.options:
        click.echo()
        _options(item.options)


def _architecture(architecture: Architecture, plugin: str) -> None:
    _head(architecture, plugin)
    recipe, _ = settings(architecture, {})
    click.echo(
        f"\nInput: {'x'.join(map(str, architecture.input_shape))}  Parameters: "
        f"{architecture.parameters:,}  Pretrained: {architecture.pretrained or 'no'}"
        + ("" if architecture.offline else ", to be downloaded")
        + "\n"
    )
    rows = [[name, str(value)] for name, value in asdict(recipe).items()]
    table("Training recipe (change with --set KEY=VALUE)", ["setting", "value"], rows)
    for preset in (FAST, BEST):
        changed = preset_of(architecture, preset).items()
        rows = [[name, _text(value)] for name, value in changed]
        table(f"What --preset {preset} changes", ["setting", "value"], rows)


def _text(value: Any) -> str:
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _options(options: Mapping[str, Option]) -> None:
    rows = []
    for name, option in options.items():
        choices = ", ".join(option.choices)
        rows.append([name, str(option.default), option.help + (f" ({choices})" if choices else "")])
    table("Options (change with --set KEY=VALUE)", ["option", "default", "meaning"], rows)
