"""What is asked of images, and how it is carried out: here or by workers, reports once each."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
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
from zoo.report.cases.index import Entry
from zoo.report.cases.stems import owners, reserve
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

    `path` is where the file is from everywhere; `masks` show the image's lungs; `stem` is what the
    files of the report are called, empty until that is chosen.
    """

    file: Path
    path: str
    key: str
    masks: tuple[Path, ...]
    stem: str = ""


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
    """Explain every image of `paths` once and yield what became of each.

    In this process that is its Case. With a folder its report is written there, an Entry follows,
    and an index is made in the end; an image that was explained there before with the same run and
    settings is not explained again, and the pictures of reports there are no images to be
    explained unless they are named. Workers give no Case, and need a folder.

    Raises:
        ZooError: an unknown method, option, class or format, or nothing that can be read.
    """
    for name in order.formats:
        if name not in FORMATS:
            raise InvalidSetting(f"The format is '{name}'; expected one of: {', '.join(FORMATS)}.")
    run, registry = run_folder.read(order.run), registry or load_registry()
    files = _each_once(queries.find_images(paths, progress))
    if folder is not None:
        files = _without_reports(files, paths, folder, progress)
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


def _each_once(files: Sequence[Path]) -> dict[str, Path]:
    """Return files by the path that they have from everywhere."""
    folders = {folder: folder.resolve() for folder in {file.parent for file in files}}
    return {str(folders[file.parent] / file.name): file for file in files}


def _without_reports(
    files: Mapping[str, Path], paths: Sequence[str | Path], folder: Path, progress: Progress
) -> dict[str, Path]:
    """Leave out the pictures that were written into the folder as reports, unless they are named.

    Raises:
        BadInput: nothing else is left.
    """
    place, named = folder.resolve(), _each_once([Path(path) for path in paths])
    written = {str(place / name) for name in owners(folder)} - named.keys()
    left = {path: file for path, file in files.items() if path not in written}
    if not left:
        raise BadInput(
            f"All that was named are pictures of reports in '{folder}'. Name the images that they "
            "explain, or another folder for the reports."
        )
    if len(left) < len(files):
        progress.note(f"Left out: {len(files) - len(left)} pictures of reports in '{folder}'.")
    return left


def _sorted(
    files: Mapping[str, Path],
    order: ExplanationJob,
    key: str,
    folder: Path | None,
    progress: Progress,
) -> tuple[list[Entry], list[PendingImage]]:
    """Tell the images whose reports are in the folder already from those to be explained."""
    samples = [Sample(str(file), label=0, patient="") for file in files.values()]
    masks = None
    if order.masks is not None:
        masks = find_masks(order.masks, samples, lambda sample: digest_file(Path(sample.name)))
    known = {} if folder is None else {entry.path: entry for entry in casebook.entries(folder)}
    done, todo = [], []
    looked_at: Iterable[tuple[str, Path]] = files.items()
    if known:
        looked_at = track(progress, looked_at, "looking for reports", len(files))
    for path, file in looked_at:
        entry, own = known.get(path), () if masks is None else masks.of(str(file))
        image_key = digest_bytes(" ".join([key, *map(digest_file, own)]).encode()) if own else key
        if entry is not None and folder is not None and _current(entry, file, image_key, folder):
            done.append(entry)
        else:
            todo.append(PendingImage(file, path, image_key, own))
    return done, todo


def _with_stems(
    todo: Sequence[PendingImage], order: ExplanationJob, folder: Path
) -> list[PendingImage]:
    stems = reserve(folder, [image.path for image in todo], order.formats)
    return [replace(image, stem=stem) for image, stem in zip(todo, stems, strict=True)]


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
    todo = _with_stems(todo, order, folder)
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
    tasks, stems = {str(task.file): task for task in todo}, {task.path: task.stem for task in todo}
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
            if folder is None:
                continue
            if not stems[task.path]:  # no folder is left behind where nothing can be explained
                stems = {one.path: one.stem for one in _with_stems(todo, order, folder)}
            stem = stems[task.path]
            written = casebook.write_case(case, folder, stem, order.formats, interpreter.run)
            yield casebook.entry_of(case, task.path, stem, digest, task.key, written)


def _current(entry: Entry, file: Path, key: str, folder: Path) -> bool:
    return (
        entry.key == key
        and all((folder / name).is_file() for name in entry.files.values())
        and entry.digest == digest_file(file)
    )
