"""`zoo compare`: architectures on the same folds, or finished runs on the same images."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from zoo import DISCLAIMER
from zoo.base.errors import InvalidSetting
from zoo.base.registry import DEFAULT_SOURCE, Registry, load_registry
from zoo.base.settings import seconds_of
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.runs import run_folder
from zoo.training.recipe import shared_settings

OF_RUNS = ("names", "source", "skip_broken", "folder", "as_json")
"""What a comparison of finished runs takes; the rest says how architectures are trained."""


@click.command("compare")
@click.argument(
    "names",
    metavar="NAME...",
    nargs=-1,
    required=True,
    shell_complete=completion.names(completion.architectures, completion.runs),
)
@options.data("for architectures the phantom, for runs the data the first was trained on")
@click.option(
    "--folds", type=click.IntRange(min=2), default=5, show_default=True, help="Parts, by patient."
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Divisions and random starts.",
)
@click.option(
    "--budget",
    metavar="TIME",
    help="Time for trainings, as 90s, 60m or 2h; those that lose are stopped early.",
)
@options.experiment
@options.as_json
@click.pass_context
def command(
    context: click.Context,
    names: tuple[str, ...],
    source: str | None,
    folds: int,
    seeds: int,
    budget: str | None,
    as_json: bool,
    **given: Any,
) -> None:
    """Compare architectures or finished runs with paired tests.

    NAMEs of architectures are trained on the same folds by patient; a comparison that was stopped
    goes on when the command is given again. 'keras:*Net*' stands for all that match it, 'keras:'
    for a family; those of them that cannot be built here are left out. NAMEs of runs are scored on
    the same images, which none of them may have seen.
    """
    seconds = None if budget is None else seconds_of(budget, "--budget")
    registry, console = load_registry(), Console()
    asked = {**options.asked(**given), "registry": registry, "progress": console}
    folder = asked["folder"]
    of_runs = _are_runs(names, registry, run_folder.root(folder))
    if of_runs:
        _refuse_settings(context)
        chosen = [run_folder.open_run(name, folder) for name in names]
    else:
        found = itertools.chain.from_iterable(registry.matched(names).values())
        shared_settings(map(registry.architecture, found), asked["changes"])
    with quiet_import():
        from zoo.workflows.compare import compare
        from zoo.workflows.compare_runs import compare_runs
    try:
        if of_runs:
            common = ("skip_broken", "folder", "registry", "progress", "command")
            done = compare_runs(chosen, source, **{name: asked[name] for name in common})
        else:
            done = compare(
                names, source or DEFAULT_SOURCE, folds=folds, seeds=seeds, budget=seconds, **asked
            )
    finally:
        console.stop()
    if as_json:
        print_json(done.result)
        return
    _print(done.result)
    click.echo(f"{DISCLAIMER}\nPage: {done.page}")


def _refuse_settings(context: click.Context) -> None:
    """Refuse what was given and says how architectures are trained.

    Raises:
        InvalidSetting: names the options.
    """
    given = [
        option.opts[0]
        for option in context.command.params
        if option.name not in OF_RUNS
        and context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise InvalidSetting(
            "Finished runs are compared as they are, in this process; leave out "
            f"{', '.join(given)}."
        )


def _are_runs(names: tuple[str, ...], registry: Registry, folder: Path) -> bool:
    """Tell whether the names are runs; mixed names are refused.

    Raises:
        InvalidSetting: some are runs and some are architectures.
        UnknownName: a name is neither.
    """
    are_runs = [
        any((p / run_folder.RECORD).is_file() for p in (Path(n), folder / n)) for n in names
    ]
    if any(are_runs) and not all(are_runs):
        raise InvalidSetting(
            f"Of {', '.join(names)}, some are runs and some are not. Compare runs with runs, or "
            "architectures with architectures."
        )
    if not are_runs[0]:
        registry.matched(names)
    return are_runs[0]


def _print(result: Mapping[str, Any]) -> None:
    from zoo.base.number_text import value_text as cell
    from zoo.report.pages.comparison import left_out_note, statements, told_pairs

    if result["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    columns = [
        "",
        "ROC-AUC",
        "accuracy",
        "sensitivity",
        "specificity",
        "calibration",
        "parameters",
        "minutes",
    ]
    rows = [
        [
            entry["name"],
            *(cell(entry[name]) for name in ("roc_auc", "accuracy", "sensitivity", "specificity")),
            f"{entry['calibration_error']:.3f}",
            f"{entry['parameters']['total']:,}" if entry["parameters"] else "-",
            f"{entry['seconds'] / 60:.1f}" if entry["seconds"] is not None else "-",
        ]
        for entry in result["entries"]
    ]
    rows += [
        [row["title"], cell(row["roc_auc"]), *[""] * (len(columns) - 2)]
        for row in result["baselines"]
    ]
    table("", columns, rows)
    click.echo("")
    for heading, sentence in statements(result):
        click.echo(f"{heading}: {sentence}")
    click.echo("")
    for pair in told_pairs(result):
        click.echo(pair["sentence"])
    for stopped in result["stopped"]:
        click.echo(stopped["sentence"])
    for note in (*left_out_note(result), *result["notes"]):
        click.echo(note)
