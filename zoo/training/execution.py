"""How a network is computed while it is trained: what changes speed and memory, and no result.

But for rounding, that is; and batch normalisation that learns takes its statistics from the parts
of a batch where there are several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.base.recipe import FLOAT32
from zoo.base.types import EMPTY


@dataclass(frozen=True)
class Execution:
    """The choices for one training on pixels."""

    precision: str = FLOAT32
    xla: bool = False
    accumulate: int = 1
    """Parts of a batch that are computed one after the other."""
    devices: tuple[str, ...] = ()
    """Names such as 'GPU:0'; empty: the one that TensorFlow takes by itself."""
    speeds: Mapping[str, float] = field(default_factory=lambda: EMPTY)
    """Images a second that were measured before the choice, by `name`."""
    exact: frozenset[int] = frozenset()
    """Places of the layers that compute in float32 in any case."""

    @property
    def name(self) -> str:
        """What tells it from others on the same devices."""
        return f"{self.precision}{' with XLA' if self.xla else ''}"

    def to_record(self) -> dict[str, Any]:
        """Return what a run's record says of it."""
        return {
            "precision": self.precision,
            "xla": self.xla,
            "accumulate": self.accumulate,
            "devices": list(self.devices),
            "images_per_second": dict(self.speeds),
        }
