"""`zoo train`: train an architecture and keep a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.recipe import AUTO, DEFAULT, PRECISIONS
from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.base.settings import assignments, input_shape
from zoo.cli import completion, options
from zoo.cli import diagnose as diagnose_command
from zoo.cli.console import Console, print_json, quiet_import
from zoo.data.verify import positive_index
from zoo.runs import run_folder
from zoo.runs.diagnosis import diagnose
from zoo.runs.run_folder import Run
from zoo.training.devices import ONE, asked_for
from zoo.training.recipe import settings


@click.command("train")
@click.argument("name", required=False, shell_complete=completion.names(completion.architectures))
@options.data("phantom, synthetic chest radiographs")
@options.preset
@options.epochs
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    help="Fixes all that is random but the division of the data.",
)
@options.input_size
@click.option(
    "--precision",
    type=click.Choice((AUTO, *PRECISIONS)),
    help="What is computed in while training on pixels.  [default: auto, what is faster here]",
)
@click.option(
    "--devices",
    metavar="N",
    default=ONE,
    show_default=True,
    help="How many to train on, 'all', or the numbers of some, as 0,1.",
)
@options.positive
@click.option(
    "--sensitivity",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Choose the threshold that reaches it on validation.  [default: greatest Youden index]",
)
@options.settings
@options.skip_broken
@click.option(
    "--allow-findings", is_flag=True, help="Train on data whose faults make scores wrong."
)
@click.option(
    "--masks",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Masks, named as the images, of what these are cut to.  [default: lungs are found]",
)
@click.option(
    "--reference",
    type=click.Choice(("pictures", "none")),
    default="pictures",
    show_default=True,
    help="Whether the run folder keeps small pictures of patients.",
)
@click.option(
    "--verdicts/--no-verdicts",
    default=True,
    show_default=True,
    help="Prepare verdicts on heat maps at the end; else the first one takes longer.",
)
@options.on_cluster
@options.track
@options.runs_folder
@options.as_json
@click.option(
    "--resume",
    metavar="RUN",
    shell_complete=completion.names(completion.unfinished),
    help="Go on with a training that was stopped.",
)
def command(
    name: str | None,
    source: str | None,
    preset: str,
    epochs: int | None,
    seed: int | None,
    size: str | None,
    precision: str | None,
    devices: str,
    positive: str | None,
    sensitivity: float | None,
    pairs: tuple[str, ...],
    skip_broken: bool,
    allow_findings: bool,
    masks: Path | None,
    reference: str,
    verdicts: bool,
    backend: str,
    scheduler: str | None,
    track: str | None,
    folder: Path | None,
    as_json: bool,
    resume: str | None,
) -> None:
    """Train the architecture NAME and keep everything that using it needs in a run folder.

    Settings for --set are shown by `zoo show NAME`.
    """
    if (name is None) == (resume is None):
        raise InvalidSetting("Expected an architecture's name, or --resume RUN. See: zoo list")
    pictures = False if reference == "none" else None
    given = {
        "epochs": epochs,
        "seed": seed,
        "precision": precision,
        "sensitivity": sensitivity,
        "pictures": pictures,
    }
    changes: dict[str, Any] = {
        **assignments(pairs),
        **{setting: value for setting, value in given.items() if value is not None},
    }
    if resume is not None and (
        changes
        or source
        or size
        or positive
        or skip_broken
        or allow_findings
        or masks
        or preset != DEFAULT
    ):
        raise InvalidSetting(
            "--resume goes on with the settings it was started with; give no others but "
            "--devices, --backend, or --track."
        )
    shape = input_shape(size)
    asked_for(devices)
    registry, console = load_registry(), Console()
    if name is not None:
        settings(
            registry.architecture(name), changes, preset
        )  # a wrong setting answers before TensorFlow
        if source is None:
            source = DEFAULT_SOURCE
            console.note("No --data given: training on the built-in phantom, synthetic X-rays.")
        positive_index(registry.dataset(source).class_names, positive)
    if resume is not None:
        run_folder.locate(resume, run_folder.root(folder))
    with quiet_import():
        from zoo.workflows import train

    try:
        if resume is not None:
            run = train.resume(
                resume,
                devices=devices,
                verdicts=verdicts,
                backend=backend,
                scheduler=scheduler,
                track=track,
                folder=folder,
                registry=registry,
                progress=console,
            )
        else:
            run = train.train(
                str(name),
                str(source),
                preset=preset,
                changes=changes,
                input_shape=shape,
                positive=positive,
                skip_broken=skip_broken,
                allow_findings=allow_findings,
                masks=masks,
                devices=devices,
                verdicts=verdicts,
                backend=backend,
                scheduler=scheduler,
                track=track,
                folder=folder,
                registry=registry,
                progress=console,
                command=["zoo", *sys.argv[1:]],
            )
    finally:
        console.stop()
    print_made(run, as_json=as_json)


def print_made(run: Run, *, as_json: bool) -> None:
    """Print what came out of a new run, in a few lines or as JSON."""
    if as_json:
        print_json(record(run))
    else:
        click.echo(summary(run))


def record(run: Run) -> dict[str, Any]:
    """Return what a new run is and scores on its test part, as plain data."""
    return {
        **diagnose_command.record(run),
        "path": str(run.path),
        "synthetic": run.record["data"]["synthetic"],
        "test": run.metrics()["test"],
        "disclaimer": DISCLAIMER,
    }


def summary(run: Run) -> str:
    """Return what came out of a training, in a few lines."""
    from zoo.report.facts import best_epoch
    from zoo.report.tables import metrics_table

    trained = run.record["training"]
    test = run.metrics()["test"]
    mark = "SYNTHETIC DATA.\n" if run.record["data"]["synthetic"] else ""
    return (
        f"\n{mark}{diagnose_command.summary(diagnose(run))}\n\n"
        f"Test part, {test['images']} images of {test['patients']} patients:\n"
        f"{metrics_table(test)}\n\n"
        f"Best epoch {best_epoch(trained)}, "
        f"{trained['seconds']:.0f} s, peak memory {trained['peak_memory_mb']} MB.\n"
        f"Run: {run.path}"
    )
