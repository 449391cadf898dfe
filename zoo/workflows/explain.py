"""Explain image files with a finished run: one case an image, and its report where one is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.base.errors import InvalidSetting
from zoo.base.listeners import listener
from zoo.base.parallel import check_backend
from zoo.base.progress import Progress
from zoo.base.registry import Registry
from zoo.data.queries import Skipped
from zoo.interpret.case import Case
from zoo.interpret.interpreter import BUDGET
from zoo.report.cases.casebook import DEFAULT_FORMATS
from zoo.report.cases.index import Entry
from zoo.runs.run_folder import Run
from zoo.workflows.explain_folder import ExplanationJob, explain_folder


def explain(
    paths: Sequence[str | Path],
    run: Run,
    *,
    methods: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    target: str | None = None,
    trust: bool = True,
    budget: float = BUDGET,
    masks: str | Path | None = None,
    output: str | Path | None = None,
    formats: Sequence[str] = DEFAULT_FORMATS,
    jobs: int = 1,
    backend: str = "loky",
    scheduler: str | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Iterator[Case | Entry | Skipped]:
    """Yield a case for each image: the prediction, what each method says, whether to believe it.

    `methods` names explainers, or `auto` for what the run's audit chose (default: those that are
    shown by default); `changes` sets their options; `target` names the class to explain (default:
    the predicted one). `trust` judges each map, for at most `budget` seconds an image; `masks` is a
    folder of lung masks, named as the images.

    Into the folder `output` a report of each image is written in the `formats`, and an index; each
    image then has an Entry, too. What was explained there before in the same way is not explained
    again and has only that. So it is with more than one of `jobs`, or on a Dask cluster (`backend`,
    `scheduler`), where workers explain.

    Raises:
        ZooError: an unknown method, option, class or format, an image or run that cannot be used,
            or workers without a folder to write into.

    Example:
        >>> (case,) = zoo.explain(["pictures/NORMAL-1.png"], run, methods=["gradcam"])
        >>> case.explanations[0].values.shape
        (64, 64)
        >>> case.trust["gradcam"].level in {"holds up", "not judged enough", "weak", "do not use"}
        True
    """
    progress = listener(progress)
    check_backend(backend, scheduler)
    if output is None and (jobs > 1 or scheduler is not None):
        raise InvalidSetting(
            "Several jobs were asked for without a folder of reports, which is all that they give. "
            "Name one with output, or leave the jobs out."
        )
    order = ExplanationJob(
        run=run.path.absolute(),
        methods=tuple(methods),
        changes=tuple(sorted((changes or {}).items())),
        target=target,
        trust=trust,
        budget=budget,
        masks=None if masks is None else Path(masks),
        formats=tuple(formats),
    )
    folder = None if output is None else Path(output)
    return explain_folder(
        paths, order, folder, jobs=jobs, scheduler=scheduler, registry=registry, progress=progress
    )
