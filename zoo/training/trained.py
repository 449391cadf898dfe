"""A trained network with the data it was made with: all that measuring it needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np

from zoo.base.progress import Progress
from zoo.base.recipe import Recipe
from zoo.base.types import Sample
from zoo.data.verify import Verified, labels_of
from zoo.network.classifier import TrainedClassifier
from zoo.runs.outputs import Outputs, check_finite, outputs_of
from zoo.stats.alarms import Alarm, Conditions
from zoo.training.framing import Framing
from zoo.training.frozen import Frozen


@dataclass
class Alarms:
    """The alarms of a training: each kind is told once, and the last of each kind is kept."""

    progress: Progress
    kept: dict[str, Alarm] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def extend(self, alarms: Sequence[Alarm]) -> None:
        """Keep alarms, and tell those of a kind that was not told yet."""
        for alarm in alarms:
            if alarm.kind not in self._told:
                self.progress.warn(str(alarm))
            self._told.add(alarm.kind)
            self.kept[alarm.kind] = alarm

    def to_record(self) -> list[dict[str, str]]:
        """Return what is kept as plain data."""
        return [asdict(alarm) for alarm in self.kept.values()]

    def take(self, recorded: Sequence[Mapping[str, str]]) -> None:
        """Keep, and tell, what `to_record` gave before a training was stopped."""
        self.extend([Alarm(**alarm) for alarm in recorded])


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and its data.

    `parts` holds the samples of the training, validation and test part, `known` what was given to
    some of them already, and `frozen` answers where only the head was trained.
    """

    classifier: TrainedClassifier
    framing: Framing
    verified: Verified
    parts: Mapping[str, Sequence[Sample]]
    recipe: Recipe
    conditions: Conditions
    alarms: Alarms
    progress: Progress
    known: Mapping[str, Outputs] = field(default_factory=dict)
    frozen: Frozen | None = None

    @cached_property
    def labels(self) -> dict[str, np.ndarray]:
        """Return the labels of each part."""
        return {part: labels_of(samples) for part, samples in self.parts.items()}

    def digests(self, samples: Sequence[Sample]) -> list[str]:
        """Return the content digest of each sample."""
        return [self.verified.digests[sample.name] for sample in samples]

    def outputs(self, part: str) -> Outputs:
        """Return what the network gives to a part."""
        known = self.known.get(part)
        if known is None and self.frozen is not None:
            known = self.frozen.outputs(part)
        if known is not None:
            names = [sample.name for sample in self.parts[part]]
            check_finite(names, logits=known.logits, embeddings=known.embeddings)
            return known
        return outputs_of(
            self.classifier,
            self.verified.dataset,
            self.parts[part],
            self.progress,
            title=f"measuring {part}",
        )
