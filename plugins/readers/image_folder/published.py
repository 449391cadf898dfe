"""Published sets whose class is part of the file's name, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.base.patients import CHEST

ENOUGH = 0.9


@dataclass(frozen=True)
class Named:
    """A set in which `expression` finds the label in the path; `names` are what labels mean."""

    title: str
    expression: re.Pattern[str]
    names: Mapping[str, str]
    subject: str

    def label(self, name: str) -> str | None:
        """Give the label in an image's name, or None."""
        match = self.expression.search(name)
        return match[1] if match else None

    @property
    def note(self) -> str:
        """Say what was recognised."""
        meant = ", ".join(f"{label} is {name}" for label, name in self.names.items())
        return f"The class is in the file names, as in the {self.title} sets: {meant}."


TUBERCULOSIS = Named(
    "Shenzhen and Montgomery",
    re.compile(r"(?:^|/)(?:CHNCXR|MCUCXR)_\d{4}_([01])\.[^/]*$", re.ASCII),
    {"0": "normal", "1": "tuberculosis"},
    CHEST,
)
"""Stefan Jaeger et al., "Two public chest X-ray datasets for computer-aided screening of pulmonary
diseases", 2014."""


def named_by_file(names: Sequence[str]) -> Named | None:
    """Give the published set that at least 90 % of the names are from, or None."""
    fitting = sum(TUBERCULOSIS.label(name) is not None for name in names)
    return TUBERCULOSIS if fitting and fitting >= ENOUGH * len(names) else None
