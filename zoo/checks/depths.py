"""Files of more than 8 bits a value that were not stored at one depth: some look too dark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from zoo.base.pictures.depth import Levels, bits_for
from zoo.checks.findings import NOTE, WARNING, Finding, counted

FEWER = 2
"""Bits by which a file must fall short of its set to be named: it is four times as dark then."""


def depths(levels: Mapping[str, Levels], bits: int | None) -> list[Finding]:
    """Find deep files that were stored with another depth than the others.

    `levels` are by name, `bits` is the depth that was settled for those which do not say theirs.
    """
    return [*_declared(levels), *_undeclared(levels, bits)]


def _declared(levels: Mapping[str, Levels]) -> list[Finding]:
    """Find files that say different things: each is read by its own, and they differ in origin."""
    number = Counter(found.white for found in levels.values() if found.white is not None)
    if len(number) < 2:
        return []
    listed = ", ".join(f"{white:g} {images:,}" for white, images in number.most_common())
    return [
        Finding(
            NOTE,
            "declared depths",
            f"The files say that white is at different values ({listed}).",
            "Each is read by its own, but they may come from different places: "
            "export all images in one way.",
        )
    ]


def _undeclared(levels: Mapping[str, Levels], bits: int | None) -> list[Finding]:
    if bits is None:
        return []
    silent = {name: bits_for(found.reach) for name, found in levels.items() if found.white is None}
    fewer = {name: need for name, need in silent.items() if need and need <= bits - FEWER}
    if not fewer:
        return []
    listed = ", ".join(
        f"{need} bits {images:,}" for need, images in sorted(Counter(silent.values()).items())
    )
    return [
        Finding(
            WARNING,
            "mixed depths",
            f"The files do not say how many bits their values have, and seem to differ ({listed}). "
            f"They are all read with {bits} bits, so that {counted(len(fewer), 'image')} may be "
            "too dark.",
            "Look at them; export all images in one way, or with 8 bits a value.",
            names=tuple(fewer),
        )
    ]
