"""What a run does over a whole data set: what it looks at, what it needs, what it finds typical.

`write` leaves in a folder

    report.html   everything on one page
    global.json   the numbers (schema 1), see `Overview.to_record`
    global.npz    everything that is drawn, as arrays
    *.png         the figures
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo import delong
from zoo.checks.masks import find as find_masks
from zoo.classifier import softmax
from zoo.decision import UNCERTAIN, UNKNOWN
from zoo.interpreting import Interpreter
from zoo.metrics import decide
from zoo.pipeline import PREDICTION_BATCH
from zoo.progress import SILENT, Progress, track
from zoo.registry import Registry, load
from zoo.report.overview_page import figures, overview_page
from zoo.report.run_facts import facts
from zoo.runs import Run
from zoo.selection import open_selection
from zoo.storage import replacing, write_bytes, write_json, write_text
from zoo.types import TEST, Reference, Sample
from zoo.views import marker, mean_maps, occlusion, prototypes
from zoo.views.embedding_map import EmbeddingMap, embedding_map
from zoo.views.marker import Marked
from zoo.views.mean_maps import MeanMaps
from zoo.views.occlusion import Hidden
from zoo.views.passes import run_through
from zoo.views.sampling import Reader, stratified

SCHEMA = 1
SAMPLE = 400
AS_IT_IS = "as it is"
PAGE, DATA, ARRAYS = "report.html", "global.json", "global.npz"


@dataclass(frozen=True, eq=False, kw_only=True)
class Overview:
    """What was found, as plain data.

    `prototypes` holds rows of the reference cases by class: typical ones, and unlike them.
    `pictures` holds one image with each region hidden and each marker pasted on, by name,
    `(height, width, channels)` uint8.
    """

    run: str
    source: str
    own: bool
    """Whether the images belong to the data the run was trained on (its test part)."""
    notes: tuple[str, ...]
    class_names: tuple[str, ...]
    positive: int
    images: int
    available: int
    """Images that could have been taken."""
    patients: int
    masks: int | None
    """Images with a lung mask; None when none were given."""
    synthetic: bool
    area: Mapping[str, float | None]
    """The ROC-AUC as {value, low, high}."""
    accuracy: float
    refused: Mapping[str, int]
    means: MeanMaps
    hidden: tuple[Hidden, ...]
    markers: tuple[Marked, ...]
    beyond_placebo: Mapping[str, Mapping[str, float | None]]
    """By corner, the share of flips by a bright marker less that by its placebo."""
    points: EmbeddingMap | None
    prototypes: Mapping[int, tuple[list[int], list[int]]]
    reference: Reference
    pictures: Mapping[str, np.ndarray]

    @property
    def negative(self) -> str:
        """Return what is not the positive class, in words."""
        others = [name for row, name in enumerate(self.class_names) if row != self.positive]
        return others[0] if len(others) == 1 else f"not {self.class_names[self.positive]}"

    def summary(self) -> list[tuple[str, str]]:
        """Return (question, answer) in plain sentences; what was not measured says so."""
        survives = occlusion.survives(self.hidden)
        if not survives and self.masks is None:
            survives = "Not measured: no lung masks were given."
        names = self.negative, self.class_names[self.positive]
        flips = marker.flips(self.markers, self.beyond_placebo, *names)
        said = [
            ("Does the score survive without the lungs?", survives),
            ("Do markers flip answers?", flips or "Not measured: no such image was answered so."),
            ("Where does it look?", mean_maps.looks(self.means)),
        ]
        return [(question, answer) for question, answer in said if answer]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return the summary as lines for a terminal."""
        return tuple(f"{question} {answer}" for question, answer in self.summary())

    def to_record(self) -> dict[str, Any]:
        """Return everything but the arrays as plain data for JSON."""
        names = self.reference.names
        return {
            "schema": SCHEMA,
            "run": self.run,
            "source": self.source,
            "own": self.own,
            "notes": list(self.notes),
            "class_names": list(self.class_names),
            "positive": self.positive,
            "images": self.images,
            "available": self.available,
            "patients": self.patients,
            "masks": self.masks,
            "roc_auc": dict(self.area),
            "accuracy": self.accuracy,
            "refused": dict(self.refused),
            "summary": [{"question": asked, "answer": told} for asked, told in self.summary()],
            "mean_maps": self.means.to_record(),
            "occlusion": [hidden.to_record() for hidden in self.hidden],
            "markers": [marked.to_record() for marked in self.markers],
            "beyond_placebo": {name: dict(found) for name, found in self.beyond_placebo.items()},
            "embedding_map": None if self.points is None else self.points.to_record(),
            "prototypes": {
                self.class_names[label]: {
                    "typical": [names[row] for row in typical],
                    "not typical": [names[row] for row in unlike],
                }
                for label, (typical, unlike) in self.prototypes.items()
            },
        }

    def arrays(self) -> dict[str, np.ndarray]:
        """Return everything that is drawn, by name."""
        points = {} if self.points is None else self.points.arrays()
        return {
            **{f"mean {name}": values for name, values in self.means.arrays().items()},
            **{f"point {name}": values for name, values in points.items()},
            **{f"picture {name}": values for name, values in self.pictures.items()},
        }


def overview(
    run: Run,
    source: str | None = None,
    *,
    masks: str | Path | None = None,
    sample: int = SAMPLE,
    methods: Sequence[str] = (),
    skip_broken: bool = False,
    registry: Registry | None = None,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Overview:
    """Look at what a run does on images that it has not been trained on.

    Of the run's own data these are of its test part, of other data all that it has not seen.

    Args:
        run: a finished run.
        source: the data set; by default the run's own.
        masks: a folder of lung masks named as the images.
        sample: how many images are taken at most, as evenly of each class as there are.
        methods: explanation methods whose maps are averaged; by default those run by default.
        skip_broken: leave out images that cannot be read.
        registry: what is installed.
        seed: chooses the images and places the points of the map.
        progress: told of the work.

    Raises:
        ZooError: a method, the data or the masks cannot be used.
    """
    registry = registry or load()
    interpreter = Interpreter(run, methods=methods, registry=registry, trust=False)
    selection = open_selection(
        run, registry, source, TEST, skip_broken=skip_broken, progress=progress
    )
    verified = selection.verified
    samples = stratified(selection.samples, sample, seed)
    lungs = None if masks is None else find_masks(Path(masks), samples)
    reader = Reader(verified, lungs, interpreter.classifier.input_shape)
    count = math.ceil(len(samples) / PREDICTION_BATCH)
    batches = track(progress, reader.batches(samples), "looking at images", count)
    passed = run_through(interpreter, batches, reader.frame(samples))
    progress.note("Placing the embeddings and choosing prototypes.")
    cases, positive, truth = interpreter.reference, run.record["positive"], passed.labels
    scores = occlusion.log_odds(passed.logits, positive)
    hidden = {
        region: (occlusion.log_odds(logits, positive), areas)
        for region, (logits, areas) in passed.hidden.items()
    }
    marked = {place: _called(run, logits) for place, logits in passed.marked.items()}
    before, is_positive = _called(run, passed.logits), truth == positive
    return Overview(
        run=run.name,
        source=source or run.record["data"]["source"],
        own=selection.own,
        notes=selection.notes,
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
        hidden=occlusion.measure(scores, hidden, is_positive, passed.patients),
        markers=marker.measure(before, marked, is_positive, passed.patients),
        beyond_placebo=marker.beyond_placebo(before, marked, is_positive, passed.patients),
        points=embedding_map(
            passed.embeddings,
            truth,
            passed.predicted,
            passed.refused.tolist(),
            passed.names.tolist(),
            cases,
            seed,
        ),
        prototypes=prototypes.choose(
            cases.embeddings, cases.labels, patients=cases.patients, digests=cases.digests
        ),
        reference=cases,
        pictures=_pictures(reader, samples, positive),
    )


def write(found: Overview, folder: Path, run: Run) -> Path:
    """Write the page, the numbers, the arrays and the figures; return the path of the page."""
    drawn = figures(found)
    for name, picture in drawn.items():
        write_bytes(folder / f"{name}.png", picture)
    with replacing(folder / ARRAYS) as temporary:
        np.savez_compressed(temporary, **found.arrays())  # type: ignore[arg-type]
    write_json(folder / DATA, found.to_record())
    write_text(folder / PAGE, overview_page(found, drawn=drawn, information=facts(run)))
    return folder / PAGE


def _called(run: Run, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positive class's probability, and whether it is what is answered."""
    probabilities, positive = softmax(logits / run.temperature), run.record["positive"]
    called = decide(probabilities, positive, run.threshold) == positive
    return probabilities[:, positive].astype(np.float64), called


def _pictures(reader: Reader, samples: Sequence[Sample], positive: int) -> dict[str, np.ndarray]:
    """Show on one image of the positive class, with lungs where there are any, what was done."""
    chosen = [s for s in samples if s.label == positive] or list(samples)
    areas = [0.0 if mask is None else mask.mean() for mask in map(reader.mask, chosen)]
    sample = chosen[int(np.argsort(areas)[(2 * len(areas)) // 3])]  # lungs well in the picture
    pixels, lungs = reader.pixels(sample)[None], [reader.mask(sample)]
    hidden = occlusion.hide(pixels, lungs)
    return {
        AS_IT_IS: pixels[0],
        **{region: shown[0] for region, (shown, _, _) in hidden.items()},
        **{
            f"{kind} {corner}": marker.paste(pixels, kind, corner)[0]
            for kind in marker.KINDS
            for corner in marker.CORNERS
        },
    }
