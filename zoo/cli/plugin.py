"""`zoo plugin`: does a plugin keep what is promised?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.base import formats
from zoo.base.errors import BadInput, InvalidSetting, UnknownName
from zoo.base.formats import BrokenFormat
from zoo.base.registry import BrokenPlugin, Registry, load_registry
from zoo.cli import completion, options
from zoo.cli.console import print_json, quiet_import, table

if TYPE_CHECKING:
    from zoo.testing import Verdict

MISFITS = 1


@click.group("plugin", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Installed plugins: check whether one keeps what is promised."""


@command.command("check")
@click.argument("name", shell_complete=completion.names(completion.plugins))
@click.option(
    "--example",
    "examples",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="For a reader a data set of its kind, for an image format a whole file; may be repeated.",
)
@options.as_json
@click.pass_context
def check(context: click.Context, name: str, examples: tuple[Path, ...], as_json: bool) -> None:
    """Try the architecture, method, reader or image format NAME as its users will.

    The exit code is 1 where a promise is not kept.
    """
    verdicts = _verdicts(load_registry(), name, examples)
    if as_json:
        print_json([vars(one) for one in verdicts])
    else:
        rows = [[one.name, "ok" if one.fits else "FAILS", one.told] for one in verdicts]
        table("", ["promise", "kept", "what was seen"], rows)
        for one in verdicts:
            if not one.fits:
                click.echo(f"{one.name}: {one.remedy}")
    if any(not one.fits for one in verdicts):
        context.exit(MISFITS)


def _verdicts(registry: Registry, name: str, examples: Sequence[Path]) -> Sequence[Verdict]:
    readers = registry.reader_names()
    kinds = {known.name for known in formats.installed()}
    needs_example = name not in registry.architectures and name not in registry.explainers
    if needs_example and name not in readers and name not in kinds:
        faults: list[BrokenPlugin | BrokenFormat] = [*registry.broken, *formats.broken()]
        for broken in faults:
            if broken.name.rpartition(":")[2] == name:
                raise InvalidSetting(f"The plugin '{broken.name}' is broken: {broken.reason}")
        known = [*registry.architectures, *registry.explainers, *readers, *kinds]
        raise UnknownName.among("plugin", name, known)
    if needs_example and not examples:
        raise InvalidSetting(
            f"'{name}' is checked by what it reads. Give it something: --example FILE"
        )
    with quiet_import():
        import zoo.testing as testing

    if name in registry.architectures:
        return testing.check_architecture(name, registry=registry)
    if name in registry.explainers:
        return testing.check_explainer(name, registry=registry)
    if name in kinds:
        return testing.check_image_format(name, [_content(path) for path in examples])
    return [
        verdict
        for example in examples
        for verdict in testing.check_reader(name, str(example), registry=registry)
    ]


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"'{path}' cannot be read: {error.strerror}. Check the path.") from error
