"""Many trainings on the same data: where they are kept, to be shared, compared and resumed."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
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
from zoo.runs.mlflow_store import Store
from zoo.runs.record import EXPERIMENTS
from zoo.runs.tracking import About, Tracked
from zoo.stats.metrics import training_metrics
from zoo.stats.probabilities import softmax
from zoo.training import cells
from zoo.training.cells import Cell, CellResult
from zoo.training.many_cells import refuse_unusable, train_all
from zoo.training.recipe import lacking, shared_settings, taken

TRAININGS = "trainings"
ALIKE = ("source", "preset", "input_shape", "positive", "skip_broken", "data")
"""Of a cell: what is told of all trainings together."""


@dataclass(frozen=True, eq=False)
class Experiment:
    """Trainings that are done: their data, and what each left."""

    verified: Verified
    positive: int
    outcomes: tuple[CellResult, ...]
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

    @contextmanager
    def opened(self, names: Iterable[str]) -> Iterator[Opened]:
        """Give the plugins, the data and the workers, which networks of these `names` need.

        Raises:
            ZooError: a name, a setting or the data cannot be used.
        """
        with connected(self.scheduler) as cluster:
            yield self._open(list(dict.fromkeys(names)), cluster)

    def _open(self, names: Sequence[str], cluster: Cluster | None) -> Opened:
        store = tracking.chosen(self.track, run_folder.root(self.folder), self.progress)
        registry, changes = self.registry or load_registry(), self.changes or {}
        asked = [registry.architecture(name) for name in names]
        shared_settings(asked, changes, self.preset)
        for note in lacking(asked, changes):
            self.progress.note(note)
        source = absolute(self.source)
        dataset = registry.dataset(source)
        positive = positive_index(dataset.class_names, self.positive)
        for note in dataset.notes:
            self.progress.note(note)
        shared = Cell(
            architecture=names[0],
            source=source,
            preset=self.preset,
            settings=tuple(sorted(changes.items())),
            input_shape=self.input_shape,
            positive=self.positive,
            skip_broken=self.skip_broken,
        )
        verified = verify(
            dataset,
            skip_broken=self.skip_broken,
            progress=self.progress,
            size=cells.read_size(replace(shared, settings=taken(asked[0], changes)), registry),
            cluster=cluster,
        )
        tell(quick(verified), self.progress)
        shared = replace(shared, data=verified.fingerprint)
        nobody = Tracked(None, run_folder.root(self.folder), About("", {}), self.progress)
        told = (tuple(names), store, nobody)
        return Opened(self, registry, verified, positive, cluster, shared, *told)


@dataclass(frozen=True, eq=False)
class Opened:
    """The plugins, the data and the workers of an experiment, for as many cells as are wanted.

    What an earlier experiment on the same data with the same settings has trained is found and not
    trained again, unless its network, its recipe or a program has changed since.
    """

    setup: Setup
    registry: Registry
    verified: Verified
    positive: int
    cluster: Cluster | None
    shared: Cell
    """What all cells have alike."""
    names: tuple[str, ...]
    store: Store | None
    tracked: Tracked
    """Who is told of each training: nobody before `followed`."""

    def plan(self, variants: Iterable[Mapping[str, Any]]) -> list[Cell]:
        """Return a cell for each variant, as fields of Cell; networks are built for their keys.

        Raises:
            ZooError: a setting or a network cannot be used.
        """
        changes, cell_of = self.setup.changes or {}, []
        for one in variants:
            own = taken(self.registry.architecture(one["architecture"]), changes)
            cell_of.append(replace(self.shared, **{"settings": own, **one}))
        classes = len(self.verified.dataset.class_names)
        keys: dict[tuple[Any, ...], str] = {}
        for cell in cell_of:
            network = (cell.architecture, cell.settings)
            if network not in keys:
                keys[network] = cells.key_of(cell, self.registry, classes)
        return [replace(cell, key=keys[cell.architecture, cell.settings]) for cell in cell_of]

    def place(self, folds: int) -> Path:
        """Return the folder of all that is trained with so many folds."""
        kept = run_folder.root(self.setup.folder) / EXPERIMENTS
        return kept / _name(replace(self.shared, folds=folds))

    def place_of(self, folds: int, what: str, *asked: Any) -> Path:
        """Return the folder below of what is made of trainings, another one for all else asked."""
        return self.place(folds) / f"{what}-{_digest(asked)}"

    @contextmanager
    def followed(self, place: Path) -> Iterator[Opened]:
        """Tell the tracker, where one was asked for, of what is trained for the folder `place`."""
        above = {name: getattr(self.shared, name) for name in ALIKE}
        above |= {**(self.setup.changes or {}), "architectures": ", ".join(self.names)}
        about = About(" ".join(place.parts[-2:]), tracking.texts(above), self._marks)
        again = "give the command again"
        with Tracked(self.store, place, about, self.setup.progress, again) as tracked:
            yield replace(self, tracked=tracked)

    @property
    def _marks(self) -> dict[str, str]:
        synthetic = self.verified.dataset.synthetic
        return tracking.tags(" ".join(self.setup.command), synthetic=synthetic)

    def trained(self, plan: Sequence[Cell], place: Path, **how: Any) -> Experiment:
        """Train cells for what will be in the folder `place`, and return what they left.

        `how` is as in `train_all`.

        Raises:
            ZooError: as `train_all`.
        """
        with self.followed(place) as followed:
            followed.train(plan, **how)
        return followed.left([self.read(cell) for cell in plan])

    def left(self, outcomes: Sequence[CellResult]) -> Experiment:
        """Return what trainings that are done left."""
        return Experiment(self.verified, self.positive, tuple(outcomes), self.tracked)

    def refuse_unusable(self, plan: Sequence[Cell]) -> None:
        """Try a network of each architecture that is not trained yet.

        Raises:
            InvalidSetting: one could be trained, but not used.
        """
        refuse_unusable(plan, self._trainings(plan[0]), self.registry, self.verified)

    def train(self, plan: Sequence[Cell], **how: Any) -> None:
        """Train cells on the same number of folds; `how` is as in `train_all`.

        Raises:
            ZooError: as `train_all`.
        """
        by_name, folder = {cell.name: cell for cell in plan}, self._trainings(plan[0])

        def finished(name: str) -> None:
            _tell(self.tracked, by_name[name], folder, self._marks)

        train_all(
            plan,
            folder,
            jobs=self.setup.jobs,
            cluster=self.cluster,
            opened=(self.registry, self.verified),
            progress=self.setup.progress,
            finished=finished,
            **how,
        )

    def is_done(self, cell: Cell) -> bool:
        """Tell whether a cell was trained to its end."""
        return cells.is_done(cell, self._trainings(cell))

    def read(self, cell: Cell) -> CellResult:
        """Read what a finished cell left.

        Raises:
            DamagedRun: a file is missing or damaged.
        """
        return cells.read_cell(cell, self._trainings(cell))

    def _trainings(self, cell: Cell) -> Path:
        return self.place(cell.folds) / TRAININGS


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
    asked = (cell.data, cell.preset, cell.settings, cell.input_shape, cell.positive, cell.folds)
    return f"{Path(parse(cell.source)[0]).name}-{_digest(asked)}"


def _digest(asked: tuple[Any, ...]) -> str:
    return hashlib.blake2b(repr(asked).encode(), digest_size=4).hexdigest()
