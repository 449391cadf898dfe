"""What an overview of a data set found, as plain data and in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from zoo.base.displayed import Tabled
from zoo.base.explanations import Reference
from zoo.interpret.overview import concepts, factors, marker, mean_maps, occlusion
from zoo.interpret.overview.concepts import Concepts
from zoo.interpret.overview.embedding_map import EmbeddingMap
from zoo.interpret.overview.factors import Factors
from zoo.interpret.overview.marker import Marked
from zoo.interpret.overview.mean_maps import MeanMaps
from zoo.interpret.overview.occlusion import Hidden
from zoo.runs.selection import Notes

SCHEMA = 2
AS_IT_IS = "as it is"
CONCEPT = "concept: "
"""What the names of pictures begin with that were given a concept, or lost it."""


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Overview(Tabled):
    """What was found, as plain data.

    `prototypes` holds rows of the reference cases by class: typical ones, and unlike them.
    `pictures` holds one image with each region hidden, each marker pasted on and each concept given
    or taken away, by name, `(height, width, channels)` uint8.
    """

    run: str
    source: str
    own: bool
    """Whether the images belong to the data the run was trained on (its test part)."""
    notes: Notes
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
    """By corner, the share of answers turned by a bright marker less that by its placebo."""
    concepts: Concepts
    factors: Factors
    points: EmbeddingMap | None
    prototypes: Mapping[int, tuple[list[int], list[int]]]
    reference: Reference
    pictures: Mapping[str, np.ndarray]
    shape: tuple[int, int] | None = None
    """`(height, width)` of that image as a person sees it, in whose proportions it is drawn."""

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
            ("Which concept carries the score?", concepts.carrying(self.concepts, *names)),
            ("Where does it look?", mean_maps.looks(self.means)),
            ("What is its feature map made of?", factors.made_of(self.factors)),
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
            "notes": list(self.notes.told()),
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
            "beyond_placebo": {name: dict(share) for name, share in self.beyond_placebo.items()},
            "concepts": self.concepts.to_record(),
            "factors": self.factors.to_record(),
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
            **{
                f"crops {number}": np.stack([crop.pixels for crop in factor.crops])
                for number, factor in enumerate(self.factors.each, start=1)
                if factor.crops
            },
        }
