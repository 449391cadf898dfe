"""How well the packaged localiser finds lungs in a data set, and where it does worst.

    python benchmarks/frames.py DATA [--masks FOLDER] [--index index.csv] [--sheet worst.png]

Prints how many images are seen whole, and with masks the Dice coefficients and the overlap of the
boxes. The sheet shows the boxes of the images that fit worst: by overlap with the mask's box where
masks are known, else whole pictures first and then the largest and the smallest boxes.

The masks of lungs.npz were made of the same pictures of which some were trained on: `--held` leaves
all but the patients out that `benchmarks/train_lungs.py` has measured on.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np

SIDE = 320
SHOWN = 24


def main() -> None:
    """Measure, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", help="a data set, such as a folder of classes")
    parser.add_argument("--masks", type=Path)
    parser.add_argument("--index", type=Path, help="a table of how well masks fit")
    parser.add_argument("--fits", type=float, default=0.5)
    parser.add_argument(
        "--held", type=float, default=0.15, help="share of the patients measured on"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    from benchmarks.train_lungs import divided
    from zoo.base.registry import load_registry
    from zoo.cli.console import Console
    from zoo.data.masks import find_masks
    from zoo.data.pipeline import batches
    from zoo.network import localiser
    from zoo.network.frame import Finder, box_of, found
    from zoo.report.cases.overlays import shown
    from zoo.report.figures.contact_sheet import contact_sheet_png
    from zoo.training.localiser import around, dice_of, overlaps

    progress = Console()
    dataset = load_registry().dataset(arguments.data)
    samples, masks = list(dataset.samples), None
    if arguments.masks:
        samples, held = divided(dataset, arguments)
        masks = find_masks(arguments.masks, samples)
        samples = [s for s in samples if s.patient in held and masks.of(s.name)]
    finder = Finder(localiser.lungs(), (SIDE, SIDE, 3))
    boxes, shown_masks, pictures = [], [], []
    progress.start("frames", len(samples))
    for batch in batches(dataset, samples, (SIDE, SIDE, 3)):
        pixels = batch.numpy()
        inside, of_batch = finder.look(pixels)
        boxes.append(of_batch)
        shown_masks += list(inside)
        pictures += [picture[::2, ::2] for picture in pixels]
        progress.advance(len(pixels))
    progress.stop()
    box = np.concatenate(boxes)
    print(f"{len(samples)} images, {int((~found(box)).sum())} of them seen whole")
    area = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    worth = np.where(found(box), -np.abs(area - np.median(area)), -1)
    texts = [f"{share:.0%} of the picture" for share in area]
    if masks is not None:
        truth = np.stack([masks(sample, (SIDE, SIDE)) for sample in samples])
        dice = dice_of(np.stack(shown_masks), truth)
        worth = overlaps(around(np.stack(shown_masks)), around(truth))
        texts = [f"Dice {d:.2f}, overlap {o:.2f}" for d, o in zip(dice, worth, strict=True)]
        for name, values in (("Dice", dice), ("box overlap", worth)):
            low, least = np.percentile(values, 5), values.min()
            print(f"{name}: mean {values.mean():.3f}, 5th percentile {low:.3f}, least {least:.3f}")
    if arguments.sheet:
        rows = np.argsort(worth)[:SHOWN]
        tiles = [
            (shown(pictures[row], box_of(box[row])), samples[row].name, texts[row]) for row in rows
        ]
        arguments.sheet.write_bytes(contact_sheet_png(tiles, title="Where the frame fits worst"))


if __name__ == "__main__":
    main()
