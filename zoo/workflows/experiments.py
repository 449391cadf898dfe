"""Many trainings on the same data: where they are kept, to be shared, compared and resumed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zoo.base.cluster import Cluster, connected
from zoo.base.errors import InvalidSetting
from zoo.base.parallel import check_backend
from zoo.base.progress import SILENT, Progress
from zoo.base.recipe import DEFAULT
from zoo.base.registry import Registry, load_registry
from zoo.base.sources import absolute, parse
from zoo.checks.findings import tell
from zoo.checks.quick import quick
from zoo.data.verify import Verified, positive_index, verify
from zoo.runs import run_folder, tracking
from zoo.runs.record import EXPERIMENTS
from zoo.runs.tracking import About, Tracked
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training import cells
from zoo.training.cells import Cell, CellResult, train_all
from zoo.training.recipe import settings

TRAININGS = "trainings"


@dataclass(frozen=True, eq=False)
class Experiment:
    """Trainings that are done: their data, what each left, and the folder they are kept in."""

    verified: Verified
    positive: int
    outcomes: tuple[CellResult, ...]
    folder: Path
    tracked: Tracked

    @property
    def notes(self) -> list[str]:
        """Say of which architectures a phase of the training changed nothing."""
        trained = Counter(outcome.cell.architecture for outcome in self.outcomes)
        unused = Counter(
            (outcome.cell.architecture, phase)
            for outcome in self.outcomes
            for phase in outcome.summary["unused_phases"]
        )
        return [
            f"The phase {phase} of {name} changed nothing in {count} of {trained[name]} trainings."
            for (name, phase), count in unused.items()
        ]


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What all trainings of an experiment share, and where they run.

    Raises:
        InvalidSetting: a seed among the `changes`, or no job at all.
    """

    source: str
    preset: str = DEFAULT
    changes: Mapping[str, Any] | None = None
    input_shape: tuple[int, int, int] | None = None
    positive: str | None = None
    skip_broken: bool = False
    jobs: int = 1
    backend: str = "loky"
    scheduler: str | None = None
    track: str | None = None
    folder: str | Path | None = None
    registry: Registry | None = None
    progress: Progress = SILENT
    command: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot work, before anything is read or trained."""
        if "seed" in (self.changes or {}):
            raise InvalidSetting("Each training gets a seed of its own; say how many with --seeds.")
        if self.jobs < 1:
            raise InvalidSetting(f"{self.jobs} jobs were asked for; expected at least one.")
        check_backend(self.backend, self.scheduler)

    def train(self, variants: Iterable[Mapping[str, Any]]) -> Experiment:
        """Train a cell for each variant, as fields of Cell, and return what they left.

        What an earlier experiment on the same data with the same settings has trained is found
        and not trained again, unless its network, its recipe or a program has changed since.

        Raises:
            ZooError: a name, a setting, a network or the data cannot be used; nothing was trained
                then.
        """
        with connected(self.scheduler) as cluster:
            return self._train(list(variants), cluster)

    def _train(self, variants: Sequence[Mapping[str, Any]], cluster: Cluster | None) -> Experiment:
        store = tracking.chosen(self.track, run_folder.root(self.folder), self.progress)
        registry, changes = self.registry or load_registry(), self.changes or {}
        names = dict.fromkeys(variant["architecture"] for variant in variants)
        for name in names:
            settings(registry.architecture(name), changes, self.preset)
        source = absolute(self.source)
        dataset = registry.dataset(source)
        positive = positive_index(dataset.class_names, self.positive)
        for note in dataset.notes:
            self.progress.note(note)
        shared: dict[str, Any] = {
            "source": source,
            "preset": self.preset,
            "settings": tuple(sorted(changes.items())),
            "input_shape": self.input_shape,
            "positive": self.positive,
            "skip_broken": self.skip_broken,
        }
        verified = verify(
            dataset,
            skip_broken=self.skip_broken,
            progress=self.progress,
            size=cells.read_size(Cell(architecture=next(iter(names)), **shared), registry),
            cluster=cluster,
        )
        tell(quick(verified), self.progress)
        shared["data"] = verified.fingerprint
        keys = {
            name: cells.key_of(
                Cell(architecture=name, **shared), registry, len(dataset.class_names)
            )
            for name in names
        }
        plan = [
            Cell(**shared, **variant, key=keys[variant["architecture"]]) for variant in variants
        ]
        place = run_folder.root(self.folder) / EXPERIMENTS / _name(plan[0])
        above = {name: value for name, value in shared.items() if name != "settings"}
        above = {**above, **changes, "architectures": ", ".join(names)}
        marks = tracking.tags(" ".join(self.command), synthetic=dataset.synthetic)
        about = About(place.name, tracking.texts(above), marks)
        tracked = Tracked(store, place, about, self.progress, "give the command again")
        by_name = {cell.name: cell for cell in plan}
        with tracked:
            train_all(
                plan,
                place / TRAININGS,
                jobs=self.jobs,
                cluster=cluster,
                opened=(registry, verified),
                progress=self.progress,
                finished=lambda name: _tell(tracked, by_name[name], place / TRAININGS, marks),
            )
        outcomes = tuple(cells.read_cell(cell, place / TRAININGS) for cell in plan)
        return Experiment(verified, positive, outcomes, place, tracked)


def _tell(tracked: Tracked, cell: Cell, folder: Path, marks: Mapping[str, str]) -> None:
    """Tell of a finished cell: what it is, its epochs and scores, and its files."""
    if not tracked.heard:
        return
    done = cells.read_cell(cell, folder)
    summary, test = done.summary, done.test
    scores = training_metrics(
        test.labels, softmax(test.logits / summary["temperature"]), summary["positive"]
    )
    figures = {
        **{f"train.{name}": value for name, value in summary["train"].items()},
        **{f"test.{name}": value for name, value in scores.items()},
        **{name: summary[name] for name in ("temperature", "seconds", "epochs", "best_epoch")},
    }
    told = {name: value for name, value in asdict(cell).items() if name != "settings"}
    about = About(cell.name, tracking.texts({**told, **dict(cell.settings)}), marks)
    tracked.part(folder / cell.name, about, tracking.finite(figures))


def _name(cell: Cell) -> str:
    """Name the folder for trainings on the same data with the same settings.

    Architectures, seeds, folds and shares are told apart inside it.
    """
    content = repr(
        (cell.data, cell.preset, cell.settings, cell.input_shape, cell.positive, cell.folds)
    )
    key = hashlib.blake2b(content.encode(), digest_size=4).hexdigest()
    return f"{Path(parse(cell.source)[0]).name}-{key}"
