"""What is asked of a folder of images, and how it is carried out: here or by workers, once each."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo import __version__
from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.images import digest_bytes, digest_file
from zoo.base.parallel import limit_threads, pool
from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry
from zoo.data import queries
from zoo.data.masks import Masks
from zoo.data.queries import Skipped
from zoo.interpret.case import Case
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.report.cases import casebook
from zoo.report.cases.casebook import DEFAULT_FORMATS, FORMATS
from zoo.report.cases.index import Entry
from zoo.runs import run_folder
from zoo.runs.run_folder import Run
from zoo.workflows import explain

CHUNK = 8
"""Images a worker takes at a time."""


@dataclass(frozen=True)
class Order:
    """What is asked for: it travels to the workers, and its key tells whether a report is it."""

    run: Path
    methods: tuple[str, ...] = ()
    changes: tuple[tuple[str, Any], ...] = ()
    target: str | None = None
    trust: bool = True
    budget: float = BUDGET
    masks: Path | None = None
    formats: tuple[str, ...] = DEFAULT_FORMATS

    def key(self, run: Run) -> str:
        """Identify the run and the settings by 16 hexadecimal digits."""
        asked = {**asdict(self), "run": run.record["files"], "version": __version__}
        return digest_bytes(json.dumps(asked, sort_keys=True, default=str).encode())


def fulfil(
    paths: Sequence[str | Path],
    order: Order,
    folder: Path,
    *,
    jobs: int = 1,
    scheduler: str | None = None,
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Iterator[Entry | Case | Skipped]:
    """Explain every image of `paths` into `folder` and yield what became of each, then index them.

    An image that was explained before with the same run and settings is not explained again. In
    this process the Case is yielded before its Entry.

    Raises:
        ZooError: an unknown method, option, class or format, or nothing that can be read.
    """
    for name in order.formats:
        if name not in FORMATS:
            raise InvalidSetting(f"The format is '{name}'; expected one of: {', '.join(FORMATS)}.")
    run = run_folder.read(order.run)
    key, files = order.key(run), queries.find(paths)
    known = {entry.path: entry for entry in casebook.entries(folder)}
    done, todo, taken = [], [], {entry.stem for entry in known.values()}
    for file in files:
        entry = known.get(str(file))
        if entry is not None and _current(entry, file, key, folder):
            done.append(entry)
        else:
            todo.append((file, entry.stem if entry is not None else _free(file.stem, taken)))
    if done:
        progress.note(f"{len(done)} of {len(files)} images were explained before and are kept.")
    yield from done
    made, broken = len(done), 0
    for result in _explained(todo, order, key, folder, jobs, scheduler, registry, progress):
        yield result
        if isinstance(result, Entry):
            made += 1
            casebook.append(folder, result)
        elif isinstance(result, Skipped):
            broken += 1
            if len(files) == 1:
                raise BadInput(result.reason)
    if broken and not made:
        raise BadInput(f"None of the {broken} files can be read as an image.")
    casebook.write_index(folder, run)


def _explained(
    todo: Sequence[tuple[Path, str]],
    order: Order,
    key: str,
    folder: Path,
    jobs: int,
    scheduler: str | None,
    registry: Registry | None,
    progress: Progress,
) -> Iterator[Entry | Case | Skipped]:
    if not todo:
        return
    if jobs == 1 and scheduler is None:
        interpreter = _interpreter(order, registry)
        progress.start("explaining", len(todo) * interpreter.stages)
        try:
            yield from _work(todo, order, key, folder, interpreter, progress)
        finally:
            progress.stop()
        return
    import joblib

    parts = [todo[start : start + CHUNK] for start in range(0, len(todo), CHUNK)]
    threads = max(1, (os.cpu_count() or 1) // jobs) if scheduler is None else 0
    with pool(jobs, scheduler) as parallel:
        work = (
            joblib.delayed(attempt)(part, order, key, folder.resolve(), threads) for part in parts
        )
        progress.start("explaining", len(todo))
        try:
            for results, error in parallel(work):
                if error is not None:
                    raise error
                yield from results
                progress.advance(len(results))
        finally:
            progress.stop()


def attempt(
    part: Sequence[tuple[Path, str]], order: Order, key: str, folder: Path, threads: int
) -> tuple[list[Entry | Skipped], Exception | None]:
    """Explain some images in a worker; hand an error back: joblib waits for ever for a Dask task.

    `threads` is how many TensorFlow may use, 0: as many as it wants.
    """
    try:
        interpreter = _remembered(order, threads)
        made = _work(part, order, key, folder, interpreter, SILENT)
        return [result for result in made if not isinstance(result, Case)], None
    except Exception as error:  # raised again where the reports were asked for
        return [], error


@functools.lru_cache(maxsize=1)
def _remembered(order: Order, threads: int) -> Interpreter:
    limit_threads(threads)
    return _interpreter(order, None)


def _interpreter(order: Order, registry: Registry | None) -> Interpreter:
    return Interpreter(
        run_folder.open_run(order.run), methods=order.methods, changes=dict(order.changes),
        registry=registry, trust=order.trust, budget=order.budget,
    )  # fmt: skip


def _work(
    todo: Sequence[tuple[Path, str]],
    order: Order,
    key: str,
    folder: Path,
    interpreter: Interpreter,
    progress: Progress,
) -> Iterator[Entry | Case | Skipped]:
    files = [file for file, _ in todo]
    stems = {str(file): stem for file, stem in todo}
    known: Masks | None = None if order.masks is None else _masks(order.masks, files)
    for images, skipped in explain.read(files, interpreter, strict=False):
        yield from skipped
        if images is None:
            continue
        cases = interpreter.cases(
            images, order.target, masks=explain.masks_of(known, images), progress=progress
        )
        for path, digest, case in zip(images.names, images.digests, cases, strict=True):
            written = casebook.write(case, folder, stems[path], order.formats, interpreter.run)
            yield case
            yield casebook.entry_of(case, path, stems[path], digest, key, written)


def _current(entry: Entry, file: Path, key: str, folder: Path) -> bool:
    return (
        entry.key == key
        and all((folder / name).is_file() for name in entry.files.values())
        and entry.digest == digest_file(file)
    )


def _masks(folder: Path, files: Sequence[Path]) -> Masks | None:
    try:
        return explain.lungs_of(folder, files)
    except BadInput:
        if not folder.is_dir():
            raise
        return None  # none of this part's images has a mask; others may


def _free(stem: str, taken: set[str]) -> str:
    name, count = stem, 1
    while name in taken:
        count += 1
        name = f"{stem}-{count}"
    taken.add(name)
    return name
