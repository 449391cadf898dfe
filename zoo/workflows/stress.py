"""Would the score survive another machine? The same images, changed in many ways, asked again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import InvalidSetting
from zoo.base.files import write_json, write_text
from zoo.base.listeners import listener
from zoo.base.parallel import in_parallel
from zoo.base.pictures.pixel_arrays import to_channels
from zoo.base.progress import Progress, track
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST, Sample
from zoo.data.stresses import LEVELS, STRESSES, stressed
from zoo.interpret.overview.sampling import stratified
from zoo.network.engines.engine import AUTO
from zoo.report.facts import facts
from zoo.report.pages.card import model_card
from zoo.report.pages.stress import stress_page
from zoo.runs import engine_choice, novelty, run_folder
from zoo.runs.answering import Answerer, Answers
from zoo.runs.causes import Cause, robustness
from zoo.runs.decision import UNCERTAIN, UNKNOWN
from zoo.runs.reference import keeps_pictures
from zoo.runs.result_folder import result_folder, source_of
from zoo.runs.run_folder import Run
from zoo.runs.selection import Selection, open_selection
from zoo.stats.delong import Statistic
from zoo.stats.intervals import CONFIDENCE
from zoo.stats.robustness import falls, figures, scores

SCHEMA = 1
IMAGES = 200
"""58 pictures of each are asked: 200 s of processor time with EfficientNet at 224 pixels."""
AHEAD = 4
"""Images whose changed pictures wait for the network: 9 MB each at 224 pixels."""
PAGE = "report.html"
CHANGES = tuple((name, level) for name in STRESSES for level in LEVELS)


@dataclass(frozen=True, repr=False)
class StressTest(Tabled, Drawn):
    """The scores under each change, what the run does not bear, and where they were written."""

    result: Mapping[str, Any]
    cause: Cause
    notes: tuple[str, ...]
    folder: Path


def stress(
    run: Run,
    source: str | None = None,
    *,
    split: str = TEST,
    images: int = IMAGES,
    skip_broken: bool = False,
    registry: Registry | None = None,
    seed: int = 0,
    engine: str = AUTO,
    progress: Progress | None = None,
) -> StressTest:
    """Score a run on the same images as they are and changed in 19 ways at three strengths.

    The images are those that `evaluate` scores on, at most `images` of them, as evenly of each
    class as there are; `seed` chooses. The run's threshold, temperature and limits of refusal stay.
    `engine` answers, as in `predict`. Scores, a page and the model card are written into the run
    folder.

    Raises:
        ZooError: the part or the data cannot be used, or no images were asked for.

    Example:
        >>> tested = zoo.stress(run, images=4)
        >>> len(tested.result["rows"])
        57
    """
    progress = listener(progress)
    if images < 1:
        raise InvalidSetting(f"{images} images were asked for; expected 1 or more.")
    engine_choice.check(engine)
    registry = registry or load_registry()
    selection = open_selection(
        run, registry, source, split, skip_broken=skip_broken, progress=progress
    )
    samples = stratified(selection.samples, images, seed)
    asked = len(samples) * (1 + len(CHANGES))
    classifier = engine_choice.classifier_of(run, engine, asked, progress=progress)
    views = _viewer(selection, classifier.input_shape)
    answerer = Answerer(run, classifier, run_folder.load_reference(run))
    streamed = track(
        progress,
        in_parallel(views, samples, ahead=AHEAD),
        "asking of changed images",
        len(samples),
    )
    answers = [answerer.answer(pixels, shapes) for pixels, shapes in streamed]
    result = {
        "schema": SCHEMA,
        "source": source_of(run, source),
        "own": selection.own,
        "synthetic": selection.verified.dataset.synthetic,
        "class_names": list(run.class_names),
        "positive": classifier.positive,
        "threshold": run.threshold,
        "images": len(samples),
        "available": len(selection.samples),
        "patients": len({s.patient for s in samples}),
        "confidence": CONFIDENCE,
        **_measured(samples, answers, classifier.positive),
    }
    pictures = None
    if keeps_pictures(run.record["recipe"]):
        pictures, _ = views(_shown(samples, classifier.positive))
    notes = selection.notes.told()
    kept, file = run.path / run_folder.STRESSES, run_folder.STRESS
    with result_folder(kept, run, source, file, own=split, ending=f"-{split}") as folder:
        cause = _write(folder, run, result, pictures, notes)
    return StressTest(result, cause, notes, folder)


def _write(
    folder: Path,
    run: Run,
    result: Mapping[str, Any],
    pictures: np.ndarray | None,
    notes: Sequence[str],
) -> Cause:
    """Write scores, page and model card; return what the run does not bear."""
    cause = robustness({folder.name: result})
    page = stress_page(
        result,
        title=f"{run.name} under stress on {folder.name}",
        cause=cause,
        pictures=pictures,
        changes=CHANGES,
        information=facts(run),
        notes=notes,
    )
    write_json(folder / run_folder.STRESS, result)  # first: it may hold the run back
    write_text(folder / PAGE, page)
    write_text(run.path / run_folder.CARD, model_card(run))
    return cause


def _viewer(
    selection: Selection, input_shape: tuple[int, int, int]
) -> Callable[[Sample], tuple[np.ndarray, np.ndarray]]:
    """Return what reads an image once and gives it as it is and changed, `(58, h, w, c)` uint8.

    It gives the descriptions of their shapes, too: in its thread, while the network answers.
    """
    height, width, channels = input_shape
    dataset, digests = selection.verified.dataset, selection.verified.digests

    def views(sample: Sample) -> tuple[np.ndarray, np.ndarray]:
        pixels = to_channels(dataset.read(sample, (height, width)), channels)
        digest = digests[sample.name]
        if (pixels == pixels[..., :1]).all():  # a gray picture is changed once, not in each channel
            pixels = pixels[..., :1]
        changed = [stressed(pixels, name, level, digest) for name, level in CHANGES]
        seen = np.stack([pixels, *changed])
        return np.broadcast_to(seen, (len(seen), *input_shape)), novelty.shapes(seen)

    return views


def _measured(
    samples: Sequence[Sample], answers: Sequence[Answers], positive: int
) -> dict[str, Any]:
    """Return the scores on the images as they are, and a row for each change.

    `answers` holds for each image those to it and then to each of CHANGES.
    """
    labels = np.array([s.label for s in samples], np.int64)
    patients = np.array([s.patient for s in samples], np.str_)

    def of(view: int) -> tuple[dict[str, Statistic], dict[str, Any]]:
        probabilities = np.stack([given.probabilities[view] for given in answers])
        verdicts = [given.verdicts[view] for given in answers]
        predicted = np.array([verdict.predicted for verdict in verdicts])
        refused = [verdict.refused for verdict in verdicts]
        measured = figures(labels, probabilities, predicted, positive, patients)
        return measured, {
            "metrics": scores(measured, patients),
            "refused": {reason: refused.count(reason) for reason in (UNKNOWN, UNCERTAIN)},
        }

    before, clean = of(0)
    rows = []
    for view, (name, level) in enumerate(CHANGES, start=1):
        after, told = of(view)
        change = STRESSES[name]
        rows.append(
            {
                "stress": name,
                "level": level,
                "strength": change.strength(level),
                "text": change.told(level),
                **told,
                "fall": falls(before, after, patients),
            }
        )
    return {"clean": clean, "rows": rows}


def _shown(samples: Sequence[Sample], positive: int) -> Sample:
    """Choose the image that the page shows: of the positive class where there is one."""
    return next((s for s in samples if s.label == positive), samples[0])
