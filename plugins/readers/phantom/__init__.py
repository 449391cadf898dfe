"""Synthetic frontal chest radiographs whose findings are known: for tests and for learning.

No patient was involved. Because the place of every opacity is known, an explanation can be
scored against the truth, and the whole project can be tried without any data.
"""

from __future__ import annotations

from collections.abc import Mapping

from zoo import Dataset, InvalidSetting, check_options, hookimpl

LIMITS = {
    "images": (400, 10, 1_000_000),
    "seed": (0, 0, 2**32 - 1),
    "size": (224, 64, 1024),
    "prevalence": (0.5, 0.05, 0.95),
    "difficulty": (0.5, 0.0, 1.0),
    "extent": (1.0, 0.5, 2.5),
}
"""Every option with its default, least and greatest value."""


@hookimpl(tryfirst=True)  # a folder that is called 'phantom' too is './phantom'
def zoo_read_dataset(location: str, options: dict[str, str]) -> Dataset | None:
    """Generate a data set for the location `phantom`.

    Options: `images` (how many), `seed`, `size` (pixels a side), `prevalence` (share of patients
    with pneumonia), `difficulty` (0 to 1: the higher, the fainter the opacities) and `extent` (how
    large they are; 1.75: together about as large as what radiologists mark as pneumonia).
    """
    if location != "phantom":
        return None
    check_options("phantom", options, LIMITS)
    from plugins.readers.phantom.cohort import dataset

    return dataset(
        images=int(_number(options, "images")),
        seed=int(_number(options, "seed")),
        size=int(_number(options, "size")),
        prevalence=float(_number(options, "prevalence")),
        difficulty=float(_number(options, "difficulty")),
        extent=float(_number(options, "extent")),
    )


def _number(options: Mapping[str, str], name: str) -> int | float:
    default, least, greatest = LIMITS[name]
    text = options.get(name, str(default))
    kind = "a number" if isinstance(default, float) else "a whole number"
    try:
        value = type(default)(text)
    except ValueError:
        value = None
    if value is None or not least <= value <= greatest:
        raise InvalidSetting(
            f"The phantom option {name}={text} cannot be used. "
            f"Expected {kind} from {least} to {greatest}."
        )
    return value
