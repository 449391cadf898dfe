"""Masks as image files that the table names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.readers.csv_table import files
from plugins.readers.csv_table.cases import Case
from zoo import BadInput, Header, Sample

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class MaskFiles:
    """Where findings are, as the union of the white in an image's mask files."""

    root: Path
    header: Callable[[Sample], Header]
    of_name: Mapping[str, tuple[str, ...]] = field(repr=False)

    def mask(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Return `(height, width)` bool; nowhere for an image without a mask.

        Raises:
            BadInput: a mask, or the size of the image where none is given, cannot be read.
        """
        from zoo.base.mask_files import inside

        if size is None:
            header = self.header(sample)
            size = (header.height, header.width)
        return inside([self.root / name for name in self.of_name[sample.name]], size)


def found(
    table: Path,
    cases: Sequence[Case],
    root: Path,
    mode: str,
    header: Callable[[Sample], Header],
) -> tuple[MaskFiles, str]:
    """Find the mask files of the cases, as images are found, and a sentence.

    Raises:
        BadInput: a mask is not there, or no case has one.
    """
    texts = [text for case in cases for text in case.masks]
    if not texts:
        raise BadInput(
            f"The columns of masks in '{table}' name no file. Expected the path of a mask for "
            "each image that shows a finding."
        )
    names = {case.name for case in cases}
    located = files.locate(texts, root, mode, besides=names)
    of_name = {
        case.name: tuple(name for text in case.masks for name in located.of_text[text])
        for case in cases
    }
    for case in cases:
        for name in of_name[case.name]:
            if not os.path.isfile(os.path.join(root, name)):  # noqa: PTH113, PTH118 (never raise)
                raise BadInput(
                    f"The mask '{name}' of '{case.name}' (line {case.row.line} of '{table}') is "
                    f"not below '{root}'. Expected a file: add it, or empty the cell."
                )
    masked = sum(map(bool, of_name.values()))
    return MaskFiles(root, header, of_name), f"{masked:,} of {len(cases):,} images have a mask."
