"""Options that several commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from zoo.base.recipe import DEFAULT, PRESETS
from zoo.base.settings import assignments, input_shape
from zoo.cli import completion
from zoo.network.engines.engine import NAMES

runs_folder = click.option(
    "--runs",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Where runs are kept.  [default: $ZOO_RUNS or 'runs']",
)

run_name = click.option(
    "--run",
    "run_name",
    metavar="RUN",
    shell_complete=completion.names(completion.runs),
    help="A run's name or folder.  [default: the newest finished run]",
)

several_runs = click.argument(
    "names",
    metavar="RUN...",
    nargs=-1,
    required=True,
    shell_complete=completion.names(completion.runs),
)

settings = click.option(
    "--set", "pairs", metavar="KEY=VALUE", multiple=True, help="Change a setting; may be repeated."
)

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
json_instead = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON instead of sentences."
)

skip_broken = click.option(
    "--skip-broken", is_flag=True, help="Leave out images that cannot be read instead of stopping."
)

preset = click.option(
    "--preset",
    type=click.Choice(PRESETS),
    default=DEFAULT,
    show_default=True,
    help="How much time a training takes: minutes, some more, or most of an hour.",
)

epochs = click.option("--epochs", type=click.IntRange(min=1), help="Epochs at most.")

input_size = click.option(
    "--input", "size", metavar="SIZE", help="Input as 180, 180x160 or 180x160x1."
)

positive = click.option("--positive", metavar="CLASS", help="The class that is looked for.")

prevalence = click.option(
    "--prevalence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="How frequent the class looked for is where this is used.",
)

sensitivity = click.option(
    "--sensitivity",
    type=click.FloatRange(0, 1, min_open=True),
    metavar="SHARE",
    help="Choose the threshold that reaches it on validation.  [default: the run's own threshold]",
)


def engine(default: str) -> Callable[[Any], Any]:
    """Return the option --engine."""
    return click.option(
        "--engine",
        type=click.Choice(NAMES),
        default=default,
        show_default=True,
        help="What computes the answers; 'auto' is the fastest that was found to agree with Keras.",
    )


track = click.option(
    "--track",
    type=click.Choice(("mlflow",)),
    help="Tell MLflow of it too: at MLFLOW_TRACKING_URI, or in a database beside the runs.",
)


def on_cluster(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whether this machine works or a cluster."""
    for option in (
        click.option(
            "--scheduler", metavar="ADDRESS", help="Of a Dask cluster, as tcp://HOST:PORT."
        ),
        click.option(
            "--backend",
            type=click.Choice(("loky", "dask")),
            default="loky",
            show_default=True,
            help="This machine, or a Dask cluster.",
        ),
    ):
        command = option(command)
    return command


def in_parallel(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where trainings run side by side."""
    jobs = click.option(
        "--jobs",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Processes at a time on this machine.",
    )
    return jobs(on_cluster(command))


def experiment(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that commands of many trainings share; `asked` makes arguments of them."""
    shared = (
        runs_folder,
        track,
        in_parallel,
        skip_broken,
        settings,
        positive,
        input_size,
        epochs,
        preset,
    )
    for option in shared:
        command = option(command)
    return command


def asked(
    *, epochs: int | None, size: str | None, pairs: tuple[str, ...], **others: Any
) -> dict[str, Any]:
    """Return what `experiment` was given as arguments of the function behind the command.

    Raises:
        InvalidSetting: a setting or the input cannot be read.
    """
    return {
        **others,
        "changes": {**assignments(pairs), **({"epochs": epochs} if epochs else {})},
        "input_shape": input_shape(size),
        "command": ["zoo", *sys.argv[1:]],
    }


def given() -> set[str]:
    """Return the options of the command line, as they are called in the help."""
    context = click.get_current_context()
    return {
        "/".join(option.opts + option.secondary_opts)
        for option in context.command.params
        if context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
    }


def data(default: str) -> Callable[[Any], Any]:
    """Return the option --data, whose help names what is used without it."""
    return click.option(
        "--data",
        "source",
        metavar="SOURCE",
        shell_complete=completion.names(completion.sources, files=True),
        help="A folder of classes, a .csv or .npz file, or 'phantom'; options after a question "
        f"mark, as in 'folder?patients=none'.  [default: {default}]",
    )
