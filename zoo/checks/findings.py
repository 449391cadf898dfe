"""What a check found: how bad it is, which files it is about, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.base.displayed import Drawn, Tabled
from zoo.base.errors import BadInput
from zoo.base.progress import Progress
from zoo.base.types import Dataset

ERROR, WARNING, NOTE = "error", "warning", "note"

LEVELS = (ERROR, WARNING, NOTE)
"""From worst to mildest. An error makes figures wrong; a warning may; a note is good to know."""

SHOWN = 3


@dataclass(frozen=True, repr=False)
class Finding(Tabled):
    """One thing that was found.

    `names` are the images it is about; `groups` are images that belong together, such as copies.
    """

    level: str
    kind: str
    message: str
    remedy: str
    names: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        return " ".join(part for part in (self.message, self._examples(), self.remedy) if part)

    def _examples(self) -> str:
        named = self.names or (self.groups[0] if self.groups else ())
        if not named:
            return ""
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        return f"See {', '.join(named[:SHOWN])}{more}."


def worst(findings: Sequence[Finding]) -> str | None:
    """Return the worst level among the findings, None without any."""
    return min((f.level for f in findings), key=LEVELS.index, default=None)


def in_order(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings from worst to mildest, otherwise as they came."""
    return tuple(sorted(findings, key=lambda finding: LEVELS.index(finding.level)))


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number with its noun: '1 image', '2,000 images'."""
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def tell(findings: Sequence[Finding], progress: Progress) -> None:
    """Write every finding, those that are more than a note as warnings."""
    for finding in findings:
        (progress.note if finding.level == NOTE else progress.warn)(str(finding))


def refuse_errors(findings: Sequence[Finding]) -> None:
    """Stop before data are used whose scores would be wrong.

    Raises:
        BadInput: there is a finding on the level of an error.
    """
    errors = [str(finding) for finding in findings if finding.level == ERROR]
    if errors:
        listed = "\n  ".join(errors)
        raise BadInput(
            f"The data have {counted(len(errors), 'fault')} that would make every score wrong:\n"
            f"  {listed}\nMend them, or go on all the same: --allow-findings. "
            "See more with: zoo check"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Checked(Tabled, Drawn):
    """What was found, worst first; the same and more as plain data; the images that were read."""

    findings: tuple[Finding, ...]
    result: Mapping[str, Any]
    dataset: Dataset
