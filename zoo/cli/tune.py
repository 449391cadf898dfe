"""`zoo tune`: which settings are good, and is that more than chance?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from zoo import DISCLAIMER
from zoo.base.registry import DEFAULT_SOURCE, load_registry
from zoo.base.settings import seconds_of
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.training.search_space import search_space
from zoo.training.trial_states import COMPLETE

SHOWN = 5
"""Trials that the terminal shows; the page has all."""


@click.command("tune")
@click.argument("name", shell_complete=completion.names(completion.architectures))
@options.data("phantom, synthetic chest radiographs")
@click.option(
    "--trials",
    type=click.IntRange(min=2),
    default=30,
    show_default=True,
    help="In all; the first has the settings as they are.",
)
@click.option(
    "--folds", type=click.IntRange(min=2), default=3, show_default=True, help="Parts, by patient."
)
@click.option(
    "--search",
    metavar="KEY=RANGE",
    multiple=True,
    help="What to try: learning_rate=1e-4..1e-2 or augmentation=robust,chest; may be repeated. "
    "Other settings keep their own range; --set leaves one out of the search.",
)
@click.option(
    "--budget", metavar="TIME", help="Begin no training after that time, as 90s, 60m or 2h."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the search."
)
@options.experiment
@options.as_json
def command(
    name: str,
    source: str | None,
    trials: int,
    folds: int,
    search: tuple[str, ...],
    budget: str | None,
    seed: int,
    as_json: bool,
    **given: Any,
) -> None:
    """Search good settings of the architecture NAME, and tell whether they are more than chance.

    Each trial is trained on folds by patient; one that falls behind is given up. A search that was
    stopped goes on when the command is given again, with more --trials too. It ends with the
    command that trains a run with the best settings.
    """
    seconds = None if budget is None else seconds_of(budget, "--budget")
    registry, console = load_registry(), Console()
    asked = {**options.asked(**given), "registry": registry, "progress": console}
    search_space(registry.architecture(name), search, asked["changes"], asked["preset"])
    with quiet_import():
        from zoo.workflows.tune import tune
    try:
        done = tune(
            name,
            source or DEFAULT_SOURCE,
            trials=trials,
            folds=folds,
            search=search,
            budget=seconds,
            seed=seed,
            **asked,
        )
    finally:
        console.stop()
    if as_json:
        print_json(done.result)
        return
    _print(done.result)
    click.echo(f"\nTrain with the best settings:\n{done.command}\n\n{DISCLAIMER}")
    click.echo(f"Page: {done.page}")


def _print(result: Mapping[str, Any]) -> None:
    from zoo.report.tables import metric_text

    if result["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    names = [part["name"] for part in result["space"]]
    now = {part["name"]: part["now"] for part in result["space"]}
    whole = [trial for trial in result["trials"] if trial["state"] == COMPLETE]
    whole.sort(key=lambda trial: (-trial["roc_auc"], trial["number"]))
    table(
        "The best trials",
        ["trial", "ROC-AUC", *names],
        [
            [
                f"{trial['number'] + 1}",
                f"{trial['roc_auc']:.4f}",
                *(str(trial["settings"].get(setting, now[setting])) for setting in names),
            ]
            for trial in whole[:SHOWN]
        ],
    )
    value, reach = metric_text(result["default"]["roc_auc"])
    told = f"{value} ({reach})" if reach else value
    click.echo("\n".join(["", f"Settings as they were: {told}", *result["sentences"]]))
    for note in result["notes"]:
        click.echo(note)
