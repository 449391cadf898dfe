"""What a run does over a whole data set: what it looks at, what it needs, what it finds typical.

`write_overview` leaves in a folder

    report.html   everything on one page
    global.json   the numbers (schema 2), see `Overview.to_record`
    global.npz    everything that is drawn, as arrays
    *.png         the figures
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.base.files import replacing, write_bytes, write_json, write_text
from zoo.base.listeners import listener
from zoo.base.locks import in_turn
from zoo.base.progress import Progress, track
from zoo.base.registry import Registry, load_registry
from zoo.base.types import TEST, Sample
from zoo.data.masks import find_masks
from zoo.data.pipeline import PREDICTION_BATCH
from zoo.interpret.interpreter import Interpreter
from zoo.interpret.overview import marker, occlusion, prototypes
from zoo.interpret.overview.concept_folders import check_folders, read_folder
from zoo.interpret.overview.embedding_map import embedding_map
from zoo.interpret.overview.feature_views import MOST, feature_views, known_lungs
from zoo.interpret.overview.passes import run_through
from zoo.interpret.overview.ready_concepts import READY
from zoo.interpret.overview.result import AS_IT_IS, CONCEPT, Overview
from zoo.interpret.overview.sampling import Reader, stratified
from zoo.report.facts import facts
from zoo.report.pages.overview import figures, overview_page, prototype_sheet
from zoo.runs.decision import UNCERTAIN, UNKNOWN
from zoo.runs.result_folder import source_of
from zoo.runs.run_folder import Run
from zoo.runs.selection import Notes, open_selection
from zoo.stats import delong
from zoo.stats.probabilities import decide, softmax

SAMPLE = 400

PAGE, DATA, ARRAYS = "report.html", "global.json", "global.npz"


def overview(
    run: Run,
    source: str | None = None,
    *,
    masks: str | Path | None = None,
    sample: int = SAMPLE,
    methods: Sequence[str] = (),
    concepts: Mapping[str, Path] | None = None,
    skip_broken: bool = False,
    registry: Registry | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Overview:
    """Look at what a run does on images that it has not been trained on.

    Of the run's own data these are of its test part, of other data all that it has not seen.

    Args:
        run: a finished run.
        source: the data set; by default the run's own.
        masks: a folder of lung masks named as the images.
        sample: how many images are taken at most, as evenly of each class as there are.
        methods: explanation methods whose maps are averaged; by default those run by default.
        concepts: folders of images by the name of what these have in common, tested beside the
            ready-made concepts.
        skip_broken: leave out images that cannot be read.
        registry: what is installed.
        seed: chooses the images and the random vectors, and places the points of the map.
        progress: told of the work; without one it is shown where the code runs.

    Raises:
        ZooError: a method, the data, the masks or the images of a concept cannot be used.

    Example:
        >>> seen = zoo.overview(run, methods=["gradcam"], sample=4)
        >>> seen.images
        4
    """
    progress = listener(progress)
    registry = registry or load_registry()
    files = check_folders(concepts or {})
    interpreter = Interpreter(run, methods=methods, registry=registry, trust=False)
    selection = open_selection(
        run, registry, source, TEST, skip_broken=skip_broken, progress=progress
    )
    verified = selection.verified
    samples = stratified(selection.samples, sample, seed)
    lungs, dataset = None, selection.verified.dataset
    if masks is not None:
        lungs = find_masks(Path(masks), samples, dataset.digest, beside=dataset.samples)
    shape = interpreter.classifier.input_shape
    reader = Reader(verified, lungs, shape)
    folders = _concepts(files, shape, run.bits, seed, progress)
    count = math.ceil(len(samples) / PREDICTION_BATCH)
    batches = track(progress, reader.batches(samples), "looking at images", count)
    passed = run_through(interpreter, batches, reader.frame(samples))
    tested, factors = feature_views(interpreter, reader, samples, folders, progress, seed)
    progress.note("Placing the embeddings and choosing prototypes.")
    cases, positive, truth = interpreter.reference, run.record["positive"], passed.labels
    scores = occlusion.log_odds(passed.logits, positive)
    hidden = {
        region: (occlusion.log_odds(logits, positive), areas)
        for region, (logits, areas) in passed.hidden.items()
    }
    marked = {place: _called(run, logits) for place, logits in passed.marked.items()}
    before, is_positive = _called(run, passed.logits), truth == positive
    pictures, upright = _pictures(run, reader, samples, positive)
    return Overview(
        run=run.name,
        source=source_of(run, source),
        own=selection.own,
        notes=_noted(selection.notes, interpreter.faults.values()),
        class_names=run.class_names,
        positive=positive,
        images=len(samples),
        available=len(selection.samples),
        patients=len(np.unique(passed.patients)),
        masks=None if masks is None else int(passed.lungs.sum()),
        synthetic=verified.dataset.synthetic,
        area=delong.roc_auc(is_positive, scores, passed.patients),
        accuracy=float((passed.predicted == truth).mean()),
        refused={name: int((passed.refused == name).sum()) for name in (UNKNOWN, UNCERTAIN)},
        means=passed.means,
        hidden=occlusion.occlusion_effect(scores, hidden, is_positive, passed.patients),
        markers=marker.marker_effect(before, marked, is_positive, passed.patients),
        beyond_placebo=marker.beyond_placebo(before, marked, is_positive, passed.patients),
        concepts=tested,
        factors=factors,
        points=embedding_map(
            passed.embeddings,
            truth,
            passed.predicted,
            passed.refused.tolist(),
            passed.names.tolist(),
            cases,
            seed,
        ),
        prototypes=prototypes.choose_prototypes(
            cases.embeddings, cases.labels, patients=cases.patients, digests=cases.digests
        ),
        reference=cases,
        pictures=pictures,
        shape=upright,
    )


def write_overview(result: Overview, folder: Path, run: Run) -> Path:
    """Write the page, the numbers, the arrays and the figures; return the path of the page."""
    drawn = figures(result)
    page = overview_page(result, drawn=drawn, information=facts(run))
    with in_turn(folder):
        for name, picture in drawn.items():
            write_bytes(folder / f"{name}.png", picture.png())
        if (sheet := prototype_sheet(result)) is not None:
            write_bytes(folder / "prototypes.png", sheet)
        with replacing(folder / ARRAYS) as temporary:
            np.savez_compressed(temporary, **result.arrays())  # type: ignore[arg-type]
        write_json(folder / DATA, result.to_record())
        write_text(folder / PAGE, page)
    return folder / PAGE


def _concepts(
    files: Mapping[str, list[Path]],
    shape: tuple[int, int, int],
    bits: int | None,
    seed: int,
    progress: Progress,
) -> dict[str, np.ndarray]:
    """Read the images of each concept, `(images, height, width, channels)`, and tell what broke."""
    folders = {}
    for name, found in files.items():
        folders[name], broken = read_folder(name, found, shape, MOST, bits=bits, seed=seed)
        if broken:
            progress.note(
                f"The concept '{name}': {broken:,} files cannot be read and are left out."
            )
    return folders


def _noted(notes: Notes, faults: Iterable[str]) -> Notes:
    """Add which methods were left out, and why."""
    return replace(notes, left_out=" ".join(filter(None, [notes.left_out, *faults])))


def _called(run: Run, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positive class's probability, and whether it is what is answered."""
    probabilities, positive = softmax(logits / run.temperature), run.record["positive"]
    called = decide(probabilities, positive, run.threshold) == positive
    return probabilities[:, positive].astype(np.float64), called


def _pictures(
    run: Run, reader: Reader, samples: Sequence[Sample], positive: int
) -> tuple[dict[str, np.ndarray], tuple[int, int] | None]:
    """Show on one image of the positive class, with lungs where there are any, what was done.

    The shape that the image has upright comes with it.
    """
    chosen = [s for s in samples if s.label == positive] or list(samples)
    areas = [0.0 if mask is None else mask.mean() for mask in map(reader.mask, chosen)]
    sample = chosen[int(np.argsort(areas)[(2 * len(areas)) // 3])]  # lungs well in the picture
    read, shape = reader.read(sample)
    pixels, lungs = read[None], [reader.mask(sample)]
    (found,) = known_lungs(run, pixels, lungs)
    digest = reader.verified.digests[sample.name]
    changed = {name: one.change(read, found, digest) for name, one in READY.items()}
    hidden = occlusion.hide(pixels, lungs)
    pictures = {
        AS_IT_IS: pixels[0],
        **{region: shown[0] for region, (shown, _, _) in hidden.items()},
        **{
            f"{kind} {corner}": marker.paste(pixels, kind, corner)[0]
            for kind in marker.KINDS
            for corner in marker.CORNERS
        },
        **{f"{CONCEPT}{name}": one for name, one in changed.items() if one is not None},
    }
    return pictures, shape
