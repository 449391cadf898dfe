"""`zoo explain`: why a run says what it says, and whether to believe the explanation."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.explanations import AUTO
from zoo.base.registry import Registry, load_registry
from zoo.base.settings import assignments
from zoo.cli import completion, options
from zoo.cli.console import Console, graphs_as_traced, print_json, quiet_import
from zoo.cli.explained import record, tell
from zoo.data.queries import Skipped, find_images
from zoo.interpret.overview.concept_folders import named_folders
from zoo.runs import run_folder
from zoo.runs.run_folder import Run

FORMATS = "html, png, pdf, json"
OF_IMAGES = (
    "--run",
    "--target",
    "--trust/--no-trust",
    "--budget",
    "--format",
    "--jobs",
    "--backend",
    "--scheduler",
)
"""Options without an effect on --audit and --global."""


@click.command("explain")
@click.argument(
    "paths",
    metavar="[IMAGE]...",
    nargs=-1,
    shell_complete=completion.names(files=True),
)
@options.run_name
@options.runs_folder
@click.option(
    "--audit",
    metavar="RUN",
    shell_complete=completion.names(completion.runs),
    help="Instead of images: rank the methods of RUN by measuring them on --data.",
)
@click.option(
    "--global",
    "overall",
    metavar="RUN",
    shell_complete=completion.names(completion.runs),
    help="Instead of images: what RUN looks at and depends on over all of --data.",
)
@options.data("of --audit and --global: that of the run")
@click.option(
    "--sample",
    type=click.IntRange(min=10),
    metavar="IMAGES",
    help="Images of --data to measure.  [default: 100 for --audit, 400 for --global]",
)
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="NAME",
    shell_complete=completion.names(completion.methods),
    help="A method of `zoo list`, or auto: what the run's audit chose; may be repeated.  "
    "[default: those marked there]",
)
@click.option(
    "--target", metavar="CLASS", help="The class to explain.  [default: the predicted one]"
)
@options.settings
@click.option("--trust/--no-trust", default=True, show_default=True, help="Judge each map.")
@click.option(
    "--budget",
    "seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Time for judging the maps of an image.  [default: 10]",
)
@click.option(
    "--masks",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Lung masks, named as the images.",
)
@click.option(
    "--concept",
    "concepts",
    multiple=True,
    metavar="NAME=FOLDER",
    help="For --global: images that have something in common, tested as a concept; may be "
    "repeated.",
)
@click.option(
    "--format",
    "formats",
    default="html,png",
    show_default=True,
    metavar="LIST",
    help=f"Files for each image: any of {FORMATS}, separated by commas.",
)
@options.in_parallel
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where reports are written.  [default: explanations; below the run for the others]",
)
@options.as_json
def command(
    paths: tuple[str, ...],
    run_name: str | None,
    folder: Path | None,
    audit: str | None,
    overall: str | None,
    source: str | None,
    sample: int | None,
    output: Path | None,
    concepts: tuple[str, ...],
    as_json: bool,
    **asked: Any,
) -> None:
    """Explain what a run says of images and folders, with a verdict on each heat map.

    Each image gives an HTML page and a PNG panel; several give an index. What was explained before
    is kept. --audit and --global look at a run as a whole.
    """
    _one_kind(paths, audit, overall)
    folders = named_folders(concepts)
    registry, console = load_registry(), Console()
    for method in asked["methods"]:
        if method != AUTO:
            registry.explainer(method)
    named = audit or overall or run_name
    run = run_folder.open_run(named, run_folder.root(folder))
    console.note(f"Run: {run.name}")
    if audit is None and overall is None:
        asked |= {"registry": registry, "progress": console, "as_json": as_json}
        _explain(paths, run, console, output or Path("explanations"), **asked)
    else:
        written = _measure(
            run,
            registry,
            console,
            audit is not None,
            source,
            sample,
            output,
            asked["methods"],
            asked["masks"],
            assignments(asked["pairs"]),
            folders,
            quiet=as_json,
        )
        if as_json:
            print_json(json.loads(written.read_text("utf-8")))
    if as_json:
        return
    if run.record["data"]["synthetic"]:
        click.echo("This run was trained on SYNTHETIC DATA.")
    click.echo(DISCLAIMER)


def _one_kind(paths: tuple[str, ...], audit: str | None, overall: str | None) -> None:
    """Refuse options that do not go together: none is left out without a word."""
    if (bool(paths) + (audit is not None) + (overall is not None)) != 1:
        raise InvalidSetting(
            "Expected IMAGE (files or folders), or --audit RUN, or --global RUN: one of the three."
        )
    given = options.given()
    if paths and given & {"--data", "--sample"}:
        raise InvalidSetting(
            "--data and --sample belong to --audit and --global. Name the images themselves."
        )
    if "--concept" in given and overall is None:
        raise InvalidSetting("--concept belongs to --global RUN. Leave it out, or look at a run.")
    if not paths and (others := [name for name in OF_IMAGES if name in given]):
        belongs = "belongs" if len(others) == 1 else "belong"
        raise InvalidSetting(
            f"{' and '.join(others)} {belongs} to IMAGE. Leave that out, or name images."
        )
    if "--set" in given and overall is not None:
        raise InvalidSetting(
            "--set belongs to IMAGE and to --audit RUN. Leave it out: --global has no settings."
        )


def _explain(
    paths: tuple[str, ...],
    run: Run,
    console: Console,
    output: Path,
    *,
    pairs: tuple[str, ...],
    seconds: float | None,
    formats: str,
    as_json: bool,
    **asked: Any,
) -> None:
    files, changes = find_images(paths), assignments(pairs)
    with quiet_import():
        from zoo.report.cases.casebook import INDEX
        from zoo.report.cases.index import Entry
        from zoo.workflows.explain import explain

    if seconds is not None:
        asked["budget"] = seconds
    wanted = [part.strip() for part in formats.split(",")]
    results = explain(paths, run, changes=changes, output=output, formats=wanted, **asked)
    with graphs_as_traced():
        if as_json:
            told = record(run, results, output)
            console.stop()
            print_json(told)
            return
        for result in results:
            if len(files) == 1:
                console.stop()
            if isinstance(result, Skipped):
                console.warn(f"skipped: {result.reason}")
            elif isinstance(result, Entry):
                answer = f"{result.name}: {result.answer}, " if len(files) > 1 else ""
                written = ", ".join(str(output / name) for name in result.files.values())
                click.echo(f"  {answer}{written}")
            elif len(files) == 1:
                tell(result)
    if len(files) > 1:
        click.echo(f"Index: {output / INDEX}")


def _measure(
    run: Run,
    registry: Registry,
    console: Console,
    audited: bool,
    source: str | None,
    sample: int | None,
    output: Path | None,
    methods: tuple[str, ...],
    masks: Path | None,
    changes: Mapping[str, Any],
    concepts: Mapping[str, Path],
    *,
    quiet: bool,
) -> Path:
    """Look at a run as a whole, print what was found and return the file that holds it."""
    with quiet_import():
        from zoo.interpret.choice import AUDITS, OWN
        from zoo.report.pages.audit import said
        from zoo.runs.reference import keeps_pictures
        from zoo.runs.result_folder import result_folder
        from zoo.workflows import audit as auditing
        from zoo.workflows import overview

    asked: Any = {"methods": methods, "masks": masks, "registry": registry, "progress": console}
    found: Any
    write: Any
    if audited:
        found = auditing.audit(
            run, source, sample=sample or auditing.SAMPLE, changes=changes, **asked
        )
        sentences = tuple(f"{heading}: {sentence}" for heading, sentence in said(found))
        write, file, kept = auditing.write_audit, auditing.DATA, run.path / AUDITS
    else:
        found = overview.overview(
            run, source, sample=sample or overview.SAMPLE, concepts=concepts, **asked
        )
        sentences = found.sentences
        write, file = overview.write_overview, overview.DATA
        shown = keeps_pictures(run.record["recipe"])
        kept = (run.path if shown else Path(run.name)) / "global"
    places: contextlib.AbstractContextManager[Path] = (
        result_folder(kept, run, source, file, own=OWN)
        if output is None
        else contextlib.nullcontext(output)
    )
    with places as place:
        page = write(found, place, run)
    console.stop()
    if not quiet:
        for sentence in sentences:
            click.echo(sentence)
        click.echo(f"  {page}")
    return page.parent / file
