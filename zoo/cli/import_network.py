"""`zoo import`: make a run of a network that was trained elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from zoo.base.registry import load_registry
from zoo.base.settings import input_shape
from zoo.cli import options
from zoo.cli.console import Console, quiet_import


@click.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--classes", required=True, metavar="NAMES", help="Its outputs in order, as NORMAL,PNEUMONIA."
)
@click.option(
    "--data",
    "source",
    required=True,
    metavar="SOURCE",
    help="What it is calibrated and measured on; any that `zoo train` takes.",
)
@click.option(
    "--input-range",
    default="auto",
    show_default=True,
    metavar="RANGE",
    help="What it was fed: 0-255, 0-1, -1-1, imagenet, caffe, or auto: what fits best.",
)
@options.input_size
@options.positive
@click.option("--unseen", is_flag=True, help="It has seen none of these images in its training.")
@click.option(
    "--trust", is_flag=True, help="Load a SavedModel, which can read and write files meanwhile."
)
@options.skip_broken
@click.option(
    "--allow-findings", is_flag=True, help="Go on where the check of the data finds errors."
)
@options.runs_folder
@options.as_json
def command(
    path: Path,
    classes: str,
    source: str,
    input_range: str,
    size: str | None,
    positive: str | None,
    unseen: bool,
    trust: bool,
    skip_broken: bool,
    allow_findings: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Make a run of a network that was trained elsewhere, measured on --data.

    FILE is a .keras or .onnx file, or the folder of a SavedModel.
    Nothing is trained: what it is fed is found or named, its threshold and limits of refusal are
    chosen on the validation part, and the run is then used like any other.
    """
    registry, console = load_registry(), Console()
    registry.dataset(source)  # a wrong source answers before TensorFlow
    with quiet_import():
        from zoo.workflows.import_network import import_network

    try:
        run = import_network(
            path,
            source,
            classes=[name.strip() for name in classes.split(",")],
            input_range=input_range,
            input_shape=input_shape(size),
            positive=positive,
            unseen=unseen,
            trust=trust,
            skip_broken=skip_broken,
            allow_findings=allow_findings,
            folder=folder,
            registry=registry,
            progress=console,
            command=["zoo", *sys.argv[1:]],
        )
    finally:
        console.stop()
    from zoo.cli.train import print_made

    print_made(run, as_json=as_json)
