"""What the topics look at: the images of one source, read once for each purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.base.cluster import Cluster
from zoo.base.progress import SILENT, Progress
from zoo.base.types import Dataset, Sample
from zoo.checks import embeddings, similarity
from zoo.checks.embeddings import Backbone
from zoo.data.verify import Verified

OWN = "these data"
"""What a source that is not divided is called beside another one."""


@dataclass(frozen=True, eq=False)
class SourceImages:
    """The readable images of a source.

    `gray` is `(n, 64, 64)` uint8, `features` is `(n, features)` float32 or None without a
    pretrained network. `source` names another source than the one that is checked; its images and
    patients are then written 'SOURCE: NAME'.
    """

    dataset: Dataset
    digests: tuple[str, ...]
    gray: np.ndarray
    features: np.ndarray | None
    source: str = ""

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The images, in order."""
        return self.dataset.samples

    @cached_property
    def labels(self) -> np.ndarray:
        """The labels, `(n,)` int."""
        return np.array([s.label for s in self.samples], dtype=np.int64)

    @cached_property
    def patients(self) -> np.ndarray:
        """The patients, `(n,)` str."""
        return np.array([self._written(s.patient) for s in self.samples])

    @cached_property
    def names(self) -> np.ndarray:
        """The names, `(n,)` str."""
        return np.array([self._written(s.name) for s in self.samples])

    def _written(self, name: str) -> str:
        return f"{self.source}: {name}" if self.source else name


def read_source_images(
    verified: Verified,
    backbone: Backbone | None,
    progress: Progress,
    source: str = "",
    cluster: Cluster | None = None,
) -> SourceImages:
    """Read the images of a source once as small pictures and once for the backbone.

    That is done here, or by the workers of a cluster.
    """
    dataset = verified.dataset
    digests = [verified.digests[s.name] for s in dataset.samples]
    gray = similarity.small_pictures(dataset, dataset.samples, progress, cluster)
    features = (
        None
        if backbone is None
        else embeddings.embed(backbone, dataset, dataset.samples, digests, progress, cluster)
    )
    return SourceImages(dataset, tuple(digests), gray, features, source)


def comparable(materials: Sequence[SourceImages], progress: Progress = SILENT) -> list[np.ndarray]:
    """Return the features of each source; without a network, pixels compressed in one way."""
    if all(m.features is not None for m in materials):
        return [m.features for m in materials if m.features is not None]
    together = embeddings.compressed(np.concatenate([m.gray for m in materials]), progress)
    return np.split(together, np.cumsum([len(m.gray) for m in materials])[:-1])
