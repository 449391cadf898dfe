"""What images and masks are called: the folders they lie in, and the ends of masks' file names."""

from __future__ import annotations

import re
from pathlib import PurePath

_IMAGES = re.compile(
    r"(?:all_?)?(?:images(?:tr|ts|va)|images?|imgs?|pictures?|photos?|originals?|png|jpe?g|dicoms?|dcm|cxr_png)"
    r"(?:[ _-]?\d+)?",
    re.IGNORECASE,
)
_FOLDER = re.compile(
    r".*masks?|masks?[ _-].*|.*segmentations?|segmented|seg|gt|labels(?:tr|ts|va)|labels?"
    r"|annotations?|contours?|ground.?truths?",
    re.IGNORECASE,
)
_NO_MASK = re.compile(r".*\b(?:no|not|non|without|with|un)[ _-]?mask.*", re.IGNORECASE)
_ENDING = re.compile(
    r"(.+?)[ _-](?:(?:left|right)[ _-]?)?(?:(?:lungs?|infection)[ _-]?)?"
    r"(?:masks?|labels?|seg|segmentation|gt|annotation|contour|roi)(?:[ _-]?\d+)?",
    re.IGNORECASE,
)

_SIDE = re.compile(
    r"(?:(?:lungs?|masks?)[ _-]?)?(left|right)(?:[ _-]?(?:lungs?|masks?|seg|segmentations?))*",
    re.IGNORECASE,
)
_BEGINNING = re.compile(r"(?:masks?|seg|segmentation|gt)[ _-](.+)", re.IGNORECASE)


def is_images_folder(name: str) -> bool:
    """Tell whether a folder is named for holding images: `images`, `images_001`, `PNG`."""
    return _IMAGES.fullmatch(name) is not None


def is_mask_folder(name: str) -> bool:
    """Tell whether a folder is called as masks are: `masks`, `lung masks`, `leftMask`, `gt`.

    Classes of people with and without a mask are none.
    """
    return _FOLDER.fullmatch(name) is not None and _NO_MASK.fullmatch(name) is None


def unmasked(stem: str) -> str | None:
    """Give the stem of the image that a mask belongs to, `a` for `a_mask` or `mask_a`; or None."""
    match = _ENDING.fullmatch(stem) or _BEGINNING.fullmatch(stem)
    return match[1] if match else None


def side_of_folder(name: str) -> str:
    """Tell which lung the masks in a folder are of, as in `leftMask` or `right`; or give ''."""
    match = _SIDE.fullmatch(name)
    return match[1].lower() if match else ""


def side_of_mask(path: PurePath) -> str:
    """Tell which lung a mask is of by its folder, or the end of its name as in `a_left_mask`."""
    end = path.stem.removeprefix(unmasked(path.stem) or path.stem).lstrip(" _-")
    return side_of_folder(path.parent.name) or side_of_folder(end)
