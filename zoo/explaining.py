"""Explain image files with a finished run: what each method says, as cases and as reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import queries, runs
from zoo.answering import Answerer
from zoo.errors import InvalidSetting, UnknownName
from zoo.progress import SILENT, Progress
from zoo.queries import Skipped
from zoo.recipe import explainer_options
from zoo.registry import Registry, load
from zoo.report.case import Case
from zoo.report.pages import case_page
from zoo.report.panel import panel
from zoo.runs import Run
from zoo.storage import write_bytes, write_text
from zoo.types import Explainer, Explanation

BATCH = 16


@dataclass(frozen=True)
class Report:
    """A case and the files that show it."""

    case: Case
    page: Path
    panel: Path


def explain(
    paths: Sequence[str | Path],
    run: Run,
    *,
    methods: Sequence[str] = (),
    changes: Mapping[str, Any] | None = None,
    target: str | None = None,
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Iterator[Case | Skipped]:
    """Yield a case for each image: the prediction and what each method says of it.

    `methods` names explainers (default: those that are shown by default); `changes` sets their
    options; `target` names the class to explain (default: the predicted one).

    Raises:
        ZooError: an unknown method, option or class, an image or run that cannot be used.
    """
    registry = registry or load()
    explainers = chosen(registry, methods)
    options = {e.name: explainer_options(e.options, changes or {}) for e in explainers}
    for name in changes or {}:
        if not any(name in known for known in options.values()):
            raise UnknownName.among(
                "option", name, {o for known in options.values() for o in known}
            )
    if target is not None and target not in run.class_names:
        raise UnknownName.among("class", target, run.class_names)
    files = queries.find(paths)
    classifier, cases = runs.load_classifier(run), runs.load_reference(run)
    answerer = Answerer(run, classifier, cases)
    data = run.record["data"]
    progress.start("explaining", len(files) * (1 + len(explainers)))
    try:
        for images, skipped in queries.read(
            files, classifier.input_shape, data["patient_rule"], BATCH
        ):
            yield from skipped
            if images is None:
                continue
            answers = answerer.answer(images.pixels)
            predicted = [verdict.predicted for verdict in answers.verdicts]
            targets = [run.class_names.index(target)] * len(predicted) if target else predicted
            progress.advance(len(predicted))
            said: list[list[Explanation]] = [[] for _ in predicted]
            for explainer in explainers:
                given = explainer.explain(
                    classifier, images, targets, cases, **options[explainer.name]
                )
                for own, explanation in zip(said, given, strict=True):
                    own.append(explanation)
                progress.advance(len(predicted))
            for i, name in enumerate(images.names):
                yield Case(
                    name=Path(name).name,
                    pixels=images.pixels[i],
                    probabilities=tuple(map(float, answers.probabilities[i])),
                    predicted=predicted[i],
                    threshold=run.threshold,
                    refused=answers.verdicts[i].label if answers.verdicts[i].refused else "",
                    reason=answers.verdicts[i].reason,
                    class_names=run.class_names,
                    explanations=tuple(said[i]),
                    reference=cases,
                    run=run.name,
                    summaries={e.name: e.summary for e in explainers},
                    notes=tuple(map(str, run.alarms)),
                    synthetic=data["synthetic"],
                )
    finally:
        progress.stop()


def chosen(registry: Registry, methods: Sequence[str]) -> list[Explainer]:
    """Return the explainers named, without repetition, or those shown by default."""
    if methods:
        return [registry.explainer(name) for name in dict.fromkeys(methods)]
    default = [e for e in registry.explainers.values() if e.default]
    if not default:
        raise InvalidSetting(
            "No explanation method is installed; expected at least one. See: zoo list"
        )
    return default


def write_reports(
    cases: Iterator[Case | Skipped], folder: Path, run: Run
) -> Iterator[Report | Skipped]:
    """Write an HTML page and a PNG panel for each case as it comes."""
    taken: set[str] = set()
    for case in cases:
        if isinstance(case, Skipped):
            yield case
            continue
        stem = _free(Path(case.name).stem, taken)
        page, picture = folder / f"{stem}.html", folder / f"{stem}.png"
        write_text(
            page, case_page([case], title=f"Explanation of {case.name}", information=facts(run))
        )
        write_bytes(picture, panel(case))
        yield Report(case, page, picture)


def facts(run: Run) -> dict[str, str]:
    """Return what a reader of a report should know of the run."""
    record = run.record
    return {
        "run": run.name,
        "architecture": record["architecture"],
        "pretrained on": record["pretrained"] or "nothing (from scratch)",
        "data": Path(record["data"]["source"]).name
        + (" (synthetic)" if record["data"]["synthetic"] else ""),
        "training images": str(record["splits"]["train"]["images"]),
        "training patients": str(record["splits"]["train"]["patients"]),
        "seed": str(record["seed"]),
        "version": f"xray-zoo {record['versions']['xray-zoo']}",
    }


def _free(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name)
    return name
