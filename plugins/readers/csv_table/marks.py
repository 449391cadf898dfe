"""Where the findings of a table are: boxes, runs of pixels and files, as masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from plugins.readers.csv_table import boxes, mask_files, parsing, runs
from plugins.readers.csv_table.boxes import Box, Boxes, Frame
from plugins.readers.csv_table.cases import Case
from plugins.readers.csv_table.columns import Columns
from plugins.readers.csv_table.files import FIND
from plugins.readers.csv_table.findings import FINDING
from plugins.readers.csv_table.published import Layout
from zoo import Header, Sample
from zoo.base.class_names import fold

if TYPE_CHECKING:
    import numpy as np

    from zoo.base.pictures.image_files import ImagesBelow

Mask = Callable[[Sample, tuple[int, int] | None], "np.ndarray"]


@dataclass(frozen=True)
class RunMasks:
    """Where findings are, as the union of the runs of an image."""

    header: Callable[[Sample], Header]
    of_name: Mapping[str, tuple[str, ...]] = field(repr=False)
    frame: Frame | None

    def mask(self, sample: Sample, size: tuple[int, int] | None) -> np.ndarray:
        """Return `(height, width)` bool; nowhere in an image without runs.

        Raises:
            BadInput: the size has to be read from the file, and cannot be.
        """
        frame = self.frame
        if frame is None or size is None:
            header = self.header(sample)
            stored = (header.width, header.height)
            frame, size = frame or stored, size or (stored[1], stored[0])
        return runs.resized(runs.mask_of(self.of_name[sample.name], frame), size)


def marks(
    table: Path,
    cases: Sequence[Case],
    used: Columns,
    layout: Layout | None,
    options: Mapping[str, str],
    images: ImagesBelow,
) -> tuple[Mask | None, str]:
    """Give the function that shows where findings are, None without any, and a sentence.

    Raises:
        BadInput: a table of boxes beside this one cannot be read, or a file is missing.
    """
    frame = boxes.frame_of(options)
    published, header = layout.frame if layout else None, images.header
    if used.masks:
        mode = options.get(FIND, "")
        masks, note = mask_files.found(table, cases, images.root, mode, header)
        return masks.mask, note
    if used.runs is not None:
        of_runs = {case.name: case.runs for case in cases}
        return RunMasks(header, of_runs, frame or published).mask, ""
    of_name, note = {case.name: case.boxes for case in cases}, ""
    if layout and layout.boxes_beside and (table.parent / layout.boxes_beside).is_file():
        of_name = _beside(table.parent / layout.boxes_beside, cases, options.get(FINDING, ""))
        boxed = sum(map(bool, of_name.values()))
        note = (
            f"Boxes of findings are taken from {layout.boxes_beside}: {boxed:,} images have some."
        )
    elif not used.boxes:
        return None, ""
    if not (frame or published) and boxes.are_shares(
        box for few in of_name.values() for box in few
    ):
        frame, note = (1, 1), "Boxes of findings are in shares of the sides: none reaches beyond 1."
    return Boxes(header, of_name, frame, published).mask, note


def _beside(path: Path, cases: Sequence[Case], finding: str) -> dict[str, tuple[Box, ...]]:
    """Read the boxes of a table of image, finding, left, top, width and height, in this order."""
    table = parsing.read_table(path)
    found: dict[str, list[Box]] = defaultdict(list)
    for row in table.rows:
        if len(row.cells) < 6:
            raise table.bad_line(row.line, f"has {len(row.cells)} cells; expected at least 6")
        box = boxes.of_columns(row.cells[2:6], None, corners=False)
        if box is None:
            raise table.bad_line(row.line, f"has {boxes.expected(', '.join(row.cells[2:6]), None)}")
        named = _LONG.get(fold(row.cells[1]), fold(row.cells[1]))
        if not finding or named == fold(finding):
            found[row.cells[0].casefold()].extend(box)
    return {
        case.name: tuple(found.get(PurePosixPath(case.name).name.casefold(), ())) for case in cases
    }


_LONG = {"infiltrate": "infiltration"}
"""What the boxes of ChestX-ray14 call otherwise than its labels."""
