"""`zoo stress`: would the score survive another machine?"""

from __future__ import annotations

from pathlib import Path

import click

from zoo import DISCLAIMER
from zoo.base.types import SPLITS, TEST
from zoo.cli import completion, options
from zoo.cli.console import Console, print_json, quiet_import, table
from zoo.data.stresses import LEVELS
from zoo.network.engines.engine import AUTO
from zoo.runs import run_folder
from zoo.runs.causes import HOLDS_BACK


@click.command("stress")
@click.argument(
    "run_name",
    metavar="[RUN]",
    required=False,
    shell_complete=completion.names(completion.runs),
)
@options.data("the data the run was trained on")
@click.option(
    "--split", type=click.Choice(SPLITS), default=TEST, show_default=True, help="Which part."
)
@click.option(
    "--images",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="How many are taken at most, as evenly of each class as there are.  [default: 200]",
)
@options.engine(AUTO)
@options.skip_broken
@options.runs_folder
@options.as_json
def command(
    run_name: str | None,
    source: str | None,
    split: str,
    images: int | None,
    engine: str,
    skip_broken: bool,
    folder: Path | None,
    as_json: bool,
) -> None:
    """Score RUN (default: the newest finished one) on images as they are and changed.

    The changes are those that another machine, archive or hand makes: noise, blur, compression,
    exposure, framing, markers and others, each at three strengths.
    """
    run, console = run_folder.open_run(run_name, run_folder.root(folder)), Console()
    console.note(f"Run: {run.name}")
    with quiet_import():
        from zoo.report.pages.stress import balanced_accuracies, sentence
        from zoo.workflows.stress import IMAGES, stress

    done = stress(
        run,
        source,
        split=split,
        images=IMAGES if images is None else images,
        engine=engine,
        skip_broken=skip_broken,
        progress=console,
    )
    if as_json:
        print_json(done.result)
        return
    if done.result["synthetic"]:
        click.echo("SYNTHETIC DATA.")
    table("Balanced accuracy", ["change", *LEVELS], balanced_accuracies(done.result))
    click.echo(f"\n{sentence(done.result)}")
    if done.cause.verdict == HOLDS_BACK:
        console.warn(f"{done.cause.evidence} {done.cause.remedy}")
    click.echo(f"{DISCLAIMER}\nScores and page: {done.folder}")
