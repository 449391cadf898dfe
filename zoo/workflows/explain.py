"""Explain image files with a finished run: one case an image, from Python."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.progress import SILENT, Progress
from zoo.base.registry import Registry
from zoo.base.types import Images, Sample
from zoo.data import masks as lungs
from zoo.data import queries
from zoo.data.masks import Masks
from zoo.data.queries import Skipped
from zoo.interpret.case import Case
from zoo.interpret.interpreter import BUDGET, Interpreter
from zoo.runs.run_folder import Run

BATCH = 16


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
    registry: Registry | None = None,
    progress: Progress = SILENT,
) -> Iterator[Case | Skipped]:
    """Yield a case for each image: the prediction, what each method says, whether to believe it.

    `methods` names explainers (default: those that are shown by default); `changes` sets their
    options; `target` names the class to explain (default: the predicted one). `trust` judges each
    map, for at most `budget` seconds an image; `masks` is a folder of lung masks, named as the
    images.

    Raises:
        ZooError: an unknown method, option or class, an image or run that cannot be used.

    Example:
        >>> (case,) = zoo.explain(["pictures/NORMAL-1.png"], run, methods=["gradcam"])
        >>> case.explanations[0].values.shape
        (64, 64)
        >>> case.trust["gradcam"].level in {"holds up", "weak", "do not use"}
        True
    """
    files = queries.find_images(paths)
    known = None if masks is None else lungs_of(Path(masks), files)
    interpreter = Interpreter(
        run, methods=methods, changes=changes, registry=registry, trust=trust, budget=budget
    )
    progress.start("explaining", len(files) * interpreter.stages)
    try:
        for images, skipped in read_for_run(files, interpreter):
            yield from skipped
            if images is not None:
                yield from interpreter.cases(
                    images, target, masks=masks_of(known, images), progress=progress
                )
    finally:
        progress.stop()


def read_for_run(
    files: Sequence[Path], interpreter: Interpreter, *, strict: bool = True
) -> Iterator[tuple[Images | None, list[Skipped]]]:
    """Read files for a run, a batch at a time; unless `strict`, all of them may be broken."""
    rule = interpreter.run.record["data"]["patient_rule"]
    return queries.read_images(
        files, interpreter.classifier.input_shape, rule, BATCH, strict=strict
    )


def lungs_of(folder: Path, files: Sequence[Path]) -> Masks:
    """Index a folder of lung masks for image files.

    Raises:
        BadInput: it is not a folder, or holds no mask of any of these images.
    """
    return lungs.find_masks(folder, [_sample(str(file)) for file in files])


def masks_of(masks: Masks | None, images: Images) -> list[np.ndarray | None] | None:
    """Return the lungs of each image, `(height, width)` bool at its size, or None where unknown."""
    if masks is None:
        return None
    height, width = images.pixels.shape[1:3]
    return [masks(_sample(name), (height, width)) for name in images.names]


def _sample(name: str) -> Sample:
    return Sample(name, label=0, patient="")
