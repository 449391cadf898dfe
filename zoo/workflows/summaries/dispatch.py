"""Which summary belongs to a record: the modules beside this one register theirs."""

from __future__ import annotations

import functools

from zoo.base.errors import BadInput
from zoo.report.summary import Summary


@functools.singledispatch
def summary(thing: object) -> Summary:
    """Return what is shown of a record.

    Raises:
        BadInput: it is nothing that these functions return.
    """
    raise BadInput(
        f"A {type(thing).__name__} cannot be shown. Expected what a function of zoo returned, "
        "such as a run, a score, a prediction or a case, or several of them."
    )


def is_record(thing: object) -> bool:
    """Tell whether `summary` knows what to show of it."""
    return summary.dispatch(type(thing)) is not summary.dispatch(object)
