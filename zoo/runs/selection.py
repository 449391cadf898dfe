"""Which images of a data set a run may be scored on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from zoo.base.errors import BadInput, InvalidSetting
from zoo.base.progress import Progress
from zoo.base.registry import Registry
from zoo.base.types import SPLITS, Dataset, Sample
from zoo.data.grouping import check_column
from zoo.data.verify import Verified, verify
from zoo.runs.run_folder import Run


@dataclass(frozen=True)
class Notes:
    """What a reader is told of a selection, each in a sentence."""

    basis: str
    """Which images these are."""
    left_out: str = ""
    """What was left out, and why; empty when nothing was."""

    def told(self) -> tuple[str, ...]:
        """Return the sentences that say something."""
        return tuple(note for note in (self.basis, self.left_out) if note)


@dataclass(frozen=True)
class Selection:
    """Images that a run may be scored on, with its own numbering of the classes."""

    verified: Verified
    samples: tuple[Sample, ...]
    notes: Notes
    own: bool
    """Whether they belong to the data the run was trained on."""


def open_selection(
    run: Run,
    registry: Registry,
    source: str | None,
    split: str,
    columns: Sequence[str] = (),
    *,
    skip_broken: bool,
    progress: Progress,
) -> Selection:
    """Open and verify a data set (default: the run's own) and choose what may be scored.

    It must have the `columns` that images will be grouped by.

    Raises:
        ZooError: the part or the data cannot be used, or nothing is left.
    """
    if split not in SPLITS:
        raise InvalidSetting(f"There is no split '{split}'; expected one of: {', '.join(SPLITS)}.")
    data = run.record["data"]
    dataset = with_classes_of(run, registry.dataset(source or data["source"]))
    for column in columns:
        check_column(dataset, column)
    lenient = skip_broken or (not source and data["skip_broken"])
    bits = data.get("bits") if not source else None
    size = tuple(run.record["input_shape"][:2])
    verified = verify(dataset, skip_broken=lenient, progress=progress, bits=bits, size=size)
    selection = select(run, verified, split)
    for note in (*(dataset.notes if source else ()), *selection.notes.told()):
        progress.note(note)
    return selection


def select(run: Run, verified: Verified, split: str) -> Selection:
    """Choose the samples to be scored, by content: file names and folders may have changed."""
    parts = {part: set(run.record["splits"][part]["members"]) for part in SPLITS}
    known = set.union(*parts.values())
    samples, digests = verified.dataset.samples, verified.digests
    of_run = [s for s in samples if digests[s.name] in known]
    if len(of_run) > len(samples) / 2:
        chosen = tuple(s for s in of_run if digests[s.name] in parts[split])
        notes = Notes(f"{len(chosen)} images of the run's {split} part.")
        if not chosen:
            raise BadInput(f"None of the images are in the {split} part of '{run.name}'.")
        return Selection(verified, chosen, notes, True)
    seen = parts["train"] | parts["validation"]
    has_part = any(s.split == split for s in samples)
    candidates = [s for s in samples if not has_part or s.split == split]
    chosen = tuple(s for s in candidates if digests[s.name] not in seen)
    if not chosen:
        raise BadInput(
            "The run was trained on every one of these images: nothing is left to score."
        )
    seen_before = len(candidates) - len(chosen)
    notes = Notes(
        f"{len(chosen)} images the run has not seen, of other data than it was trained on.",
        f"{seen_before} images were left out: the run has seen them." if seen_before else "",
    )
    return Selection(verified, chosen, notes, False)


def with_classes_of(run: Run, dataset: Dataset) -> Dataset:
    """Number the classes as the run does.

    Raises:
        BadInput: the data have other classes.
    """
    if set(dataset.class_names) != set(run.class_names):
        raise BadInput(
            f"The data have the classes {', '.join(dataset.class_names)}; the run '{run.name}' "
            f"knows {', '.join(run.class_names)}. Rename the folders or labels to match."
        )
    return numbered_as(run.class_names, dataset)


def numbered_as(class_names: tuple[str, ...], dataset: Dataset) -> Dataset:
    """Number the classes of a data set in another order of the same names."""
    order = [class_names.index(name) for name in dataset.class_names]
    samples = tuple(replace(s, label=order[s.label]) for s in dataset.samples)
    return replace(dataset, class_names=class_names, samples=samples)
