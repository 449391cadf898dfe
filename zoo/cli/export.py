"""`zoo export`: write a run's network for use without this package."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from zoo import DISCLAIMER
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import
from zoo.network import export_formats
from zoo.runs import run_folder


@click.command("export")
@click.argument(
    "run_name",
    metavar="[RUN]",
    required=False,
    shell_complete=completion.names(completion.runs),
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(tuple(export_formats.FORMATS)),
    required=True,
    help="TensorFlow Serving, ONNX Runtime, or LiteRT on small machines.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder to be made.  [default: export/FORMAT in the run]",
)
@options.data("small pictures of training cases that the run keeps")
@click.option(
    "--images",
    type=click.IntRange(1, 1000),
    default=8,
    show_default=True,
    help="Images that original and export are compared on.",
)
@options.runs_folder
@options.as_json
def command(
    run_name: str | None,
    kind: str,
    output: Path | None,
    source: str | None,
    images: int,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Write the network of RUN (default: the newest finished one) for use without xray-zoo.

    Raw pixels in, logits and calibrated probabilities out. What was written is compared with the
    original, and removed when a probability differs by more than 0.0001.
    """
    export_formats.named(kind).check_packages()
    run, console = run_folder.open_run(run_name, run_folder.root(folder)), Console()
    console.note(f"Run: {run.name}")
    with quiet_import():
        from zoo.workflows.export import CARD, WITHOUT_REFUSALS, export

    done = export(run, kind, output, source=source, images=images, progress=console)
    if as_json:
        answer = {**asdict(done), "path": str(done.path), "disclaimer": DISCLAIMER}
        print_json(answer)
        return
    if run.record["data"]["synthetic"]:
        click.echo("This run was trained on SYNTHETIC DATA.")
    click.echo(
        f"Written: {done.path / export_formats.FORMATS[kind].file} ({done.bytes / 1e6:.1f} MB)\n"
        f"Read first: {done.path / CARD}\n"
        f"Outputs: {', '.join(done.outputs)}; classes in order: {', '.join(run.class_names)}\n"
        f"Largest difference to the original on {done.images} images: probabilities "
        f"{done.largest_difference:.1e}, logits {done.largest_logit_difference:.1e}\n"
        f"{WITHOUT_REFUSALS}\n{DISCLAIMER}"
    )
