"""Ask an explanation method, and look at what it gives before it is drawn, judged or counted."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from zoo.base.errors import ZooError
from zoo.base.explanations import Attribution, Examples, Explainer, Explanation, Reference
from zoo.base.records import shown
from zoo.base.strangers import told
from zoo.base.types import Images
from zoo.network.classifier import TrainedClassifier

ROUNDING = 1e-6
"""How far below zero an unsigned map may fall, as a share of its greatest value."""

_trusted: weakref.WeakKeyDictionary[Any, set[str]] = weakref.WeakKeyDictionary()
"""By network, the methods that were seen to leave its weights alone."""


class BrokenMethod(ZooError):
    """A method of explanation fails, or breaks a promise; `method` is its name."""

    method: str = ""

    @classmethod
    def of(cls, explainer: Explainer, fault: str) -> BrokenMethod:
        """Build the error of a method, with the plugin that gave it."""
        origin = f" of the plugin '{explainer.origin}'" if explainer.origin else ""
        broken = cls(f"The method '{explainer.name}'{origin} is left out: it {fault}.")
        broken.method = explainer.name
        return broken


def explained(
    explainer: Explainer,
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    options: Mapping[str, Any],
) -> list[Explanation]:
    """Return what a method says of each image, every promise of it checked.

    Numbers of known cases become Python's own, which can be written as JSON. What it changes of the
    pixels is put back. So are the weights of the network, which are compared the first time that
    the method is given it.

    Raises:
        BrokenMethod: as `asked`; or it changes what it was given, or gives an explanation under
            another name, of another class, with values that are not finite, negative ones in a
            map that is not signed, cases that the run does not have, or details that are neither
            text nor finite numbers.
        ZooError: the method itself says why it cannot explain this network.
    """
    with _unchanged(explainer, classifier, images, reference):
        given = asked(explainer, classifier, images, targets, reference, options)
    rows = 0 if reference is None else len(reference.names)
    for one, target in zip(given, targets, strict=True):
        if one.method != explainer.name:
            raise BrokenMethod.of(explainer, f"signs as {shown(one.method)}; expected its own name")
        if one.target != target:
            raise BrokenMethod.of(
                explainer, f"explains class {shown(one.target)}; {target} was asked for"
            )
        fault = _wrong_map(one) if isinstance(one, Attribution) else _wrong_cases(one, rows)
        if fault := fault or _wrong_details(one):
            raise BrokenMethod.of(explainer, f"gives {fault}")
    return [_plain(one) if isinstance(one, Examples) else one for one in given]


def asked(
    explainer: Explainer,
    classifier: TrainedClassifier,
    images: Images,
    targets: Sequence[int],
    reference: Reference | None,
    options: Mapping[str, Any],
) -> list[Explanation]:
    """Return what a method says of each image: as many explanations, of one kind, maps of its size.

    Raises:
        BrokenMethod: it raises something that is no ZooError, or gives anything else.
        ZooError: the method itself says why it cannot explain this network.
    """
    try:
        given = explainer.explain(classifier, images, targets, reference, **options)
    except ZooError:
        raise
    except Exception as error:
        raise BrokenMethod.of(explainer, f"raises {told(error)}") from error
    if fault := _misshapen(given, len(targets), images.pixels.shape[1:3]):
        raise BrokenMethod.of(explainer, f"gives {fault}")
    return list(given)


def _misshapen(given: object, images: int, size: tuple[int, ...]) -> str:
    """Say what keeps what a method gave from being counted and stacked; empty when nothing does."""
    if not isinstance(given, Sequence):
        return f"{type(given).__name__}; expected a list"
    if len(given) != images:
        return f"{len(given)} explanations of {images} images"
    for one in given:
        if not isinstance(one, Attribution | Examples) or not isinstance(one, type(given[0])):
            kinds = " and ".join(sorted({type(each).__name__ for each in given}))
            return f"{kinds}; expected Attribution, or Examples, each"
        if isinstance(one, Attribution):
            values = one.values
            if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
                return f"a map {shown(values)}; expected floats"
            if values.shape != size:
                return f"a map of shape {values.shape}; expected {size}, as the image"
    return ""


def _wrong_map(one: Attribution) -> str:
    values = one.values
    if not np.isfinite(values).all():
        return "a map with values that are not finite numbers"
    if not one.signed and values.min() < -ROUNDING * float(np.abs(values).max()):
        return f"a map with values from {values.min():.3g} that does not say it is signed"
    return ""


def _wrong_details(one: Explanation) -> str:
    for name, value in one.details.items():
        plain = isinstance(name, str) and isinstance(value, str | int | float)
        if not plain or (isinstance(value, float) and not math.isfinite(value)):
            return f"the detail {shown(name)}: {shown(value)}; expected text or a finite number"
    return ""


def _wrong_cases(one: Examples, rows: int) -> str:
    for share in (one.agreement, one.credibility):
        if share is not None and not (isinstance(share, Real) and 0 <= share <= 1):
            return f"the share {shown(share)}; expected 0 to 1"
    for group in one.groups:
        for case in group.cases:
            if not isinstance(case.index, Integral) or not 0 <= case.index < rows:
                return f"the case {shown(case.index)}; the run has {rows}, counted from 0"
            if not isinstance(case.distance, Real) or not math.isfinite(case.distance):
                return f"the distance {shown(case.distance)}; expected a number"
            for part in case.regions or ():
                if np.ndim(part) != 2 or not np.isfinite(part).all():
                    return "regions that are no maps of finite numbers"
    return ""


def _plain(one: Examples) -> Examples:
    """Make numbers of NumPy Python's own."""
    return replace(
        one,
        agreement=float(one.agreement),
        credibility=None if one.credibility is None else float(one.credibility),
        groups=tuple(
            replace(
                group,
                cases=tuple(
                    replace(case, index=int(case.index), distance=float(case.distance))
                    for case in group.cases
                ),
            )
            for group in one.groups
        ),
    )


@contextmanager
def _unchanged(
    explainer: Explainer,
    classifier: TrainedClassifier,
    images: Images,
    reference: Reference | None,
) -> Iterator[None]:
    """Put back pixels and weights that a method changes, and name it; cases cannot be written to.

    Whether pixels can be is left as it is: a classifier remembers its answers to those that cannot.
    """
    pixels, before = images.pixels, images.pixels.copy()
    writeable = pixels.flags.writeable
    trusted = _trusted.setdefault(classifier.model, set())
    weights = None if explainer.name in trusted else classifier.model.get_weights()
    if reference is not None:
        for array in (reference.embeddings, reference.labels):
            array.flags.writeable = False
    changed = []
    try:
        yield
    finally:
        if not np.array_equal(pixels, before):
            pixels.flags.writeable = True
            pixels[...] = before
            changed.append("the pixels")
        pixels.flags.writeable = writeable
        if weights is not None and not _same(weights, classifier.model.get_weights()):
            classifier.model.set_weights(weights)
            changed.append("the weights of the network")
    if changed:
        raise BrokenMethod.of(explainer, f"changes {' and '.join(changed)}")
    trusted.add(explainer.name)


def _same(some: Sequence[np.ndarray], others: Sequence[np.ndarray]) -> bool:
    return len(some) == len(others) and all(map(np.array_equal, some, others))
