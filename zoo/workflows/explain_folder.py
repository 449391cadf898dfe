"""What is asked of images, and how it is carried out: here or by workers, reports once each."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.cluster import chunks, connected
from zoo.base.digests import digest_bytes, digest_file
from zoo.base.environment import limit_threads, versions
from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.explanations import AUTO
from zoo.base.mask_files import inside
from zoo.base.parallel import in_processes
from zoo.base.progress import SILENT, Progress, track
from zoo.base.registry import Registry, load_registry
from zoo.base.types import Sample
from zoo.data import queries
from zoo.data.masks import find_masks
from zoo.data.queries import Skipped
from zoo.interpret.case import Case
from zoo.interpret.choice import audits_of, chosen_methods, options_of
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.report.cases import casebook
from zoo.report.cases.casebook import DEFAULT_FORMATS, FORMATS
from zoo.report.cases.index import INDEX, Entry
from zoo.runs import run_folder
from zoo.runs.run_folder import Run

BATCH = 16
"""Images that are read and explained together."""
CHUNK = 8
"""Images a worker takes at a time."""


@dataclass(frozen=True)
class ExplanationJob:
    """What is asked for: it travels to the workers, and its key tells whether a report is it."""

    run: Path
    methods: tuple[str, ...] = ()
    changes: tuple[tuple[str, Any], ...] = ()
    target: str | None = None
    trust: bool = True
    budget: float = BUDGET
    masks: Path | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS

    def key(self, run: Run, registry: Registry) -> str:
        """Identify the run, the methods and all settings as they come out by 16 hexadecimal digits.

        Raises:
            ZooError: an unknown method or option.
        """
        explainers = chosen_methods(registry, [name for name in self.methods if name != AUTO])
        audits = dict(audits_of(run)) if AUTO in self.methods else {}
        asked = {
            **asdict(self),
            "record": run.record,
            "methods": [(explainer.name, explainer.origin) for explainer in explainers],
            "audits": audits,
            "options": options_of(explainers, dict(self.changes)),
            "versions": versions(),
        }
        return digest_bytes(json.dumps(asked, sort_keys=True, default=str).encode())


@dataclass(frozen=True)
class PendingImage:
    """An image that is to be explained: its files, and the key that its report will have.

    `stem` is what the files of the report are called; `masks` show the image's lungs.
    """

    file: Path
    stem: str
    key: str
    masks: tuple[Path, ...]


def explain_folder(
    paths: Sequence[str | Path],
    order: ExplanationJob,
    folder: Path | None = None,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Iterator[Case | Entry | Skipped]:
    """Explain every image of `paths` and yield what became of each.

    In this process that is its Case. With a folder its report is written there, an Entry follows,
    and an index is made in the end; an image that was explained there before with the same run and
    settings is not explained again. Workers give no Case, and need a folder.

    Raises:
        ZooError: an unknown method, option, class or format, or nothing that can be read.
    """
    for name in order.formats:
        if name not in FORMATS:
            raise InvalidSetting(f"The format is '{name}'; expected one of: {', '.join(FORMATS)}.")
    run, registry = run_folder.read(order.run), registry or load_registry()
    files = queries.find_images(paths, progress)
    key = order.key(run, registry)
    done, todo = _sorted(files, order, key, folder, progress)
    if done:
        progress.note(f"{len(done)} of {len(files)} images were explained before and are kept.")
    yield from done
    made, broken = len(done), 0
    for result in _explained(todo, order, key, folder, jobs, scheduler, registry, progress):
        if isinstance(result, Skipped):
            broken += 1
            if len(files) == 1:
                raise BadInput(result.reason)
        else:
            made += 1
        if isinstance(result, Entry) and folder is not None:
            casebook.append(folder, result)
        yield result
    if broken and not made:
        raise BadInput(f"None of the {broken} files can be read as an image.")
    if folder is not None:
        casebook.write_index(folder, run)


def _sorted(
    files: Sequence[Path],
    order: ExplanationJob,
    key: str,
    folder: Path | None,
    progress: Progress,
) -> tuple[list[Entry], list[PendingImage]]:
    """Tell the images whose reports are in the folder already from those to be explained."""
    samples = [Sample(str(file), label=0, patient="") for file in files]
    masks = None
    if order.masks is not None:
        masks = find_masks(order.masks, samples, lambda sample: digest_file(Path(sample.name)))
    known = {} if folder is None else {entry.path: entry for entry in casebook.entries(folder)}
    done, todo = [], []
    taken = dict.fromkeys([Path(INDEX).stem, *(entry.stem for entry in known.values())], 1)
    looked_at = track(progress, files, "looking for reports", len(files)) if known else files
    for file in looked_at:
        entry, own = known.get(str(file)), () if masks is None else masks.of(str(file))
        image_key = digest_bytes(" ".join([key, *map(digest_file, own)]).encode()) if own else key
        if entry is not None and folder is not None and _current(entry, file, image_key, folder):
            done.append(entry)
        else:
            stem = entry.stem if entry is not None else _free(file.stem, taken)
            todo.append(PendingImage(file, stem, image_key, own))
    return done, todo


def _explained(
    todo: Sequence[PendingImage],
    order: ExplanationJob,
    key: str,
    folder: Path | None,
    jobs: int,
    scheduler: str | None,
    registry: Registry,
    progress: Progress,
) -> Iterator[Case | Entry | Skipped]:
    if not todo:
        return
    if folder is None or (jobs == 1 and scheduler is None):
        interpreter = _interpreter(order, registry)
        progress.start("explaining", len(todo) * interpreter.stages)
        try:
            yield from _work(todo, order, folder, interpreter, progress)
        finally:
            progress.stop()
        return
    threads = max(1, (os.cpu_count() or 1) // jobs) if scheduler is None else 0
    work = functools.partial(
        explain_images, order=order, key=key, folder=folder.resolve(), threads=threads
    )
    with connected(scheduler) as cluster:
        progress.start("explaining", len(todo))
        try:
            for results in in_processes(work, chunks(todo, CHUNK), jobs, cluster):
                yield from results
                progress.advance(len(results))
        finally:
            progress.stop()


def explain_images(
    part: Sequence[PendingImage], order: ExplanationJob, key: str, folder: Path, threads: int
) -> list[Entry | Skipped]:
    """Explain some images in a worker; `threads` is how many it may use, 0: as it was told."""
    interpreter = _remembered(order, key, threads)
    made = _work(part, order, folder, interpreter, SILENT)
    return [result for result in made if not isinstance(result, Case)]


@functools.lru_cache(maxsize=1)
def _remembered(order: ExplanationJob, key: str, threads: int) -> Interpreter:  # noqa: ARG001 - of the run
    limit_threads(threads)
    return _interpreter(order, None)


def _interpreter(order: ExplanationJob, registry: Registry | None) -> Interpreter:
    return Interpreter(
        run_folder.open_run(order.run),
        methods=order.methods,
        changes=dict(order.changes),
        registry=registry,
        trust=order.trust,
        budget=order.budget,
    )


def _work(
    todo: Sequence[PendingImage],
    order: ExplanationJob,
    folder: Path | None,
    interpreter: Interpreter,
    progress: Progress,
) -> Iterator[Case | Entry | Skipped]:
    tasks = {str(task.file): task for task in todo}
    rule = interpreter.run.record["data"]["patient_rule"]
    shape = interpreter.classifier.input_shape
    for images, skipped in queries.read_images(
        [t.file for t in todo], shape, rule, BATCH, bits=interpreter.run.bits, strict=False
    ):
        yield from skipped
        if images is None:
            continue
        named = [tasks[name] for name in images.names]
        size = images.pixels.shape[1:3]
        masks = [inside(task.masks, size) if task.masks else None for task in named]
        cases = interpreter.cases(images, order.target, masks=masks, progress=progress)
        for task, digest, case in zip(named, images.digests, cases, strict=True):
            yield case
            if folder is not None:
                written = casebook.write_case(
                    case, folder, task.stem, order.formats, interpreter.run
                )
                yield casebook.entry_of(case, str(task.file), task.stem, digest, task.key, written)


def _current(entry: Entry, file: Path, key: str, folder: Path) -> bool:
    return (
        entry.key == key
        and all((folder / name).is_file() for name in entry.files.values())
        and entry.digest == digest_file(file)
    )


def _free(stem: str, taken: dict[str, int]) -> str:
    """Return a stem that no other image has; `taken` knows the last number of each."""
    name, count = stem, taken.get(stem, 1)
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    taken[stem] = count
    taken.setdefault(name, 1)
    return name
