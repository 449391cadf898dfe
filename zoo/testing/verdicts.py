"""What was tried of a plugin, and how it is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zoo.base.errors import in_a_line
from zoo.network.conformance import Verdict as Verdict


class MisfitError(Exception):
    """What was seen that does not fit."""


def tried(name: str, step: Callable[[], str], remedy: str) -> Verdict:
    """Run one step, which returns what it saw or raises; an error of any kind is a misfit."""
    try:
        return Verdict(name, True, step())
    except MisfitError as misfit:
        return Verdict(name, False, str(misfit), remedy)
    except Exception as error:  # a plugin may fail in any way
        return Verdict(name, False, in_a_line(error), remedy)


def conforms(verdicts: Sequence[Verdict]) -> None:
    """Fail a test with everything that does not fit.

    Raises:
        AssertionError: a verdict does not fit, or nothing was tried.
    """
    misfits = [one for one in verdicts if not one.fits]
    told = "\n".join(f"{one.name}: {one.told}\n  {one.remedy}" for one in misfits)
    if misfits or not verdicts:
        raise AssertionError(f"{len(misfits)} of {len(verdicts)} promises are not kept.\n{told}")
