"""Train an architecture on a data set, or go on with a training, and return the finished run."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zoo.base import locks
from zoo.base.cluster import Cluster, connected
from zoo.base.environment import peak_memory, versions
from zoo.base.errors import InvalidSetting, NotWritten, ZooError
from zoo.base.files import write_bytes, write_text
from zoo.base.listeners import listener
from zoo.base.parallel import check_backend
from zoo.base.progress import Progress
from zoo.base.recipe import DEFAULT
from zoo.base.registry import DEFAULT_SOURCE, Registry, load_registry
from zoo.base.remote import is_address
from zoo.base.sources import absolute
from zoo.base.types import Dataset
from zoo.checks.findings import refuse_errors, tell
from zoo.checks.quick import quick
from zoo.data.masks import find_masks
from zoo.data.splits import Split, split
from zoo.data.verify import Verified, positive_index, verify
from zoo.interpret.preparation import prepare_verdicts
from zoo.network import conformance
from zoo.network.plugin_layers import Origin
from zoo.report.figures.training import learning_curves
from zoo.report.pages.card import model_card
from zoo.runs import model_file, run_folder, tracking
from zoo.runs.mlflow_store import Store
from zoo.runs.run_folder import Run
from zoo.training import checkpoint, described
from zoo.training.checkpoint import TrainingState
from zoo.training.devices import ONE, chosen
from zoo.training.finish import finish
from zoo.training.framing import read_at
from zoo.training.plan import Plan
from zoo.training.recipe import input_shape_of, settings
from zoo.training.resuming import recorded_plan, refuse_other_data, refuse_other_division
from zoo.training.session import Session


def train(
    name: str,
    source: str = DEFAULT_SOURCE,
    *,
    preset: str = DEFAULT,
    changes: Mapping[str, Any] | None = None,
    input_shape: tuple[int, int, int] | None = None,
    positive: str | None = None,
    skip_broken: bool = False,
    allow_findings: bool = False,
    masks: str | Path | None = None,
    devices: str = ONE,
    verdicts: bool = False,
    backend: str = "loky",
    scheduler: str | None = None,
    track: str | None = None,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
    command: Sequence[str] = (),
) -> Run:
    """Train the architecture `name` on the data set `source` and return the finished run.

    `preset` is 'fast', 'default' or 'best'; `changes` are fields of Recipe or options of the
    architecture, and `input_shape` is what the network sees. `positive` names the class that
    sensitivity and ROC curves are about. Runs are kept in `folder` (default: ZOO_RUNS or `runs`).
    Before anything is trained, the fast part of `zoo check` looks at the data; what would make
    scores wrong stops it unless `allow_findings`. `masks` is a folder of masks, named as the
    images, of what pictures are to be cut to: a localiser is trained on them, instead of that of
    lungs. `devices` says how many are trained on ('2', 'all') or which ('0,1'). With `verdicts`,
    what the first verdict on a heat map would wait for is measured at the end, when the run is done
    already. With the `backend` 'dask' the workers of the cluster at the address `scheduler` read
    the images and compute the features of a frozen backbone; the weights are trained here. With
    `track` 'mlflow' its settings, epochs, scores and files are told to MLflow, too (a server named
    by MLFLOW_TRACKING_URI, or a database beside the runs); one that fails costs a warning.

    Raises:
        ZooError: the name, a setting, the data or the architecture cannot be used; nothing was
            written then.

    Example:
        >>> small = {"changes": {"epochs": 1}, "input_shape": (64, 64, 3)}
        >>> run = zoo.train("mnist", "phantom?images=60&size=64", **small)
        >>> run.class_names
        ('NORMAL', 'PNEUMONIA')
    """
    check_backend(backend, scheduler)
    progress = listener(progress)
    on = chosen(devices)
    store = tracking.chosen(track, run_folder.root(folder), progress)
    registry = registry or load_registry()
    architecture = registry.architecture(name)
    recipe, options = settings(architecture, changes or {}, preset)
    plan = Plan(
        architecture,
        recipe,
        options,
        input_shape_of(architecture, preset, input_shape),
        absolute(source),
        positive,
        skip_broken,
        None if masks is None else str(Path(masks).absolute()),
    )
    with connected(scheduler) as cluster:
        dataset = registry.dataset(plan.source)
        positive_index(dataset.class_names, positive)
        if plan.masks is not None:
            find_masks(Path(plan.masks), dataset.samples, dataset.digest)
        verified = _verified(dataset, plan, progress, cluster)
        findings = quick(verified)
        tell(findings, progress)
        if not allow_findings:
            refuse_errors(findings)
        division = _divided(plan, verified, progress)
        session = Session(plan, verified, division, progress, on, cluster=cluster)
        classes = len(dataset.class_names)
        origin = Origin.of(registry, name, plan.options, plan.input_shape, classes)
        conformance.refuse_misfits(conformance.tried(session.network, origin), name)
        record = {
            **described.training(session),
            "preset": preset,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "plugin": registry.origins[name],
            model_file.BUILT_BY: [origin.to_record()],
            "command": list(command),
            "findings": [asdict(finding) for finding in findings],
        }
        path = run_folder.create(run_folder.root(folder), architecture.name)
        with _alone(path):
            try:
                run_folder.write_record(path, record)
            except NotWritten:
                shutil.rmtree(path, ignore_errors=True)  # it could not be resumed
                raise
            run = _execute(session, record, path, TrainingState(), store)
    if verdicts:
        _prepare(run, registry, progress)
    return run


def resume(
    name: str | Path,
    *,
    devices: str = ONE,
    verdicts: bool = False,
    backend: str = "loky",
    scheduler: str | None = None,
    track: str | None = None,
    folder: str | Path | None = None,
    registry: Registry | None = None,
    progress: Progress | None = None,
) -> Run:
    """Go on with a training that was killed, to the result it would have had.

    It may go on with other `devices` ('2', 'all', '0,1') than it was begun with; `verdicts`,
    `backend`, `scheduler` and `track` as for `train`. One that was tracked goes on so.

    Raises:
        ZooError: there is no such run, it is finished, another process trains it, its data have
            changed since, or there are not so many devices.

    Example:
        >>> run = zoo.resume(killed)  # its name or path
        >>> run.done
        True
    """
    check_backend(backend, scheduler)
    progress = listener(progress)
    on = chosen(devices)
    if is_address(str(name)):
        raise InvalidSetting(
            f"'{name}' is an address; a training goes on in a folder. Fetch the run first."
        )
    registry = registry or load_registry()
    run = run_folder.locate(name, run_folder.root(folder))
    store = tracking.chosen(track, run.path.parent, progress, run.path)
    with _alone(run.path), connected(scheduler) as cluster:
        run = _resume(run_folder.read(run.path), on, registry, progress, cluster, store)
    if verdicts:
        _prepare(run, registry, progress)
    return run


def _resume(
    run: Run,
    on: Sequence[str],
    registry: Registry,
    progress: Progress,
    cluster: Cluster | None,
    store: Store | None,
) -> Run:
    if run.done:
        raise InvalidSetting(f"The run '{run.name}' is finished; there is nothing to resume.")
    record, plan = run.record, recorded_plan(run, registry)
    verified = _verified(registry.dataset(plan.source), plan, progress, cluster)
    refuse_other_data(run, verified)
    division = _divided(plan, verified, progress)
    refuse_other_division(run, verified, division)
    session = Session(plan, verified, division, progress, on, record.get("execution"), cluster)
    saved = run.path / run_folder.CHECKPOINT
    state = checkpoint.load(saved).state if saved.exists() else TrainingState()
    progress.note(f"Resuming {run.name} after epoch {len(state.history)}.")
    return _execute(session, {**record, "versions": versions()}, run.path, state, store)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let no other process train the same run meanwhile."""
    with locks.holding(path, wait=False) as held:
        if not held:
            raise InvalidSetting(
                f"The run '{path.name}' is being trained by another process. Wait for that, or "
                "stop it first."
            )
        yield


def _divided(plan: Plan, verified: Verified, progress: Progress) -> Split:
    division = split(verified.dataset, verified.digests, plan.recipe.split_seed)
    for note in division.notes:
        progress.note(note)
    return division


def _execute(
    session: Session,
    record: Mapping[str, Any],
    path: Path,
    state: TrainingState,
    store: Store | None,
) -> Run:
    about, again = tracking.about_run(path.name, record), f"zoo runs track {path}"
    with tracking.Tracked(store, path, about, session.progress, again) as tracked:
        began = time.monotonic()
        session.fit(path, state, tracked.epochs)
        told = {
            "epochs": len(state.history),
            "best_epoch": state.best_epoch,
            "unused_phases": state.unused_phases,
            "seconds": round(time.monotonic() - began, 1),
            "peak_memory_mb": peak_memory(),
        }
        done = {"training": told, "execution": session.execution.to_record()}
        run = finish(session.trained(), {**record, **done}, path)
        if curves := learning_curves(state.history, state.best_epoch):
            write_bytes(path / run_folder.CURVES, curves.png())
        write_text(path / run_folder.CARD, model_card(run))
        run_folder.mark_done(run)  # last: a run that is done has all its files
        tracked.finish(tracking.figures_of(run))
    return run


def _prepare(run: Run, registry: Registry, progress: Progress) -> None:
    """Prepare verdicts on heat maps of a finished run; without it the first one takes longer."""
    progress.note("The run is done. Now its methods of explanation are tried, for verdicts.")
    try:
        prepare_verdicts(run, registry, progress)
    except ZooError as error:
        progress.warn(f"Verdicts were not prepared, and will be when one is asked for: {error}")


def _verified(
    dataset: Dataset, plan: Plan, progress: Progress, cluster: Cluster | None
) -> Verified:
    for note in dataset.notes:
        progress.note(note)
    return verify(
        dataset,
        skip_broken=plan.skip_broken,
        progress=progress,
        size=read_at(plan),
        cluster=cluster,
    )
