"""What is prepared once for a network or its cases, kept on it and gone when it is gone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

Owner = TypeVar("Owner")
Others = ParamSpec("Others")
Prepared = TypeVar("Prepared")

MOST = 2
"""Results of a function that an owner keeps; they differ by the other arguments."""


def kept(
    prepare: Callable[Concatenate[Owner, Others], Prepared],
) -> Callable[Concatenate[Owner, Others], Prepared]:
    """Remember on its first argument what a function returned for it.

    A cache of the module would hold networks that the service has long let go.
    """
    name = f"_kept {prepare.__module__}.{prepare.__qualname__}"

    @functools.wraps(prepare)
    def remembered(owner: Owner, *others: Others.args, **named: Others.kwargs) -> Prepared:
        attributes = vars(owner)
        if name not in attributes:
            attributes[name] = functools.lru_cache(MOST)(functools.partial(prepare, owner))
        prepared: Prepared = attributes[name](*others, **named)
        return prepared

    return remembered
